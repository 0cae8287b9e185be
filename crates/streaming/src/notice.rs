//! Alerts and findings as messages.

use bytes::Bytes;
use node0_metrics_core::{
    AlertCause, Event, FindingChange, FindingState, Sample, Severity, Timestamp,
};
use serde::Serialize;

use crate::event_id::{EventId, Place};
use crate::message::{Envelope, Kind, Message, Text};

/// One item of the channel to all sessions.
#[derive(Clone, Debug)]
pub(crate) enum News {
    Notice(Notice),
    /// So many events were lost before they came to the stream, and alerts may be among them.
    Lost(u64),
}

/// An alert or a finding, encoded once for all readers.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    /// The topic whose subscribers get it; `None` for all readers.
    pub(crate) topic: Option<&'static str>,
    pub(crate) kind: Kind,
    pub(crate) text: Text,
    pub(crate) id: EventId,
}

/// A finding, in the shape that clients know.
#[derive(Serialize)]
struct FindingBody<'a> {
    topic: &'a str,
    code: &'a str,
    component: &'a str,
    severity: Severity,
    state: FindingState,
    observed: f64,
    threshold: f64,
    message: &'a str,
    advice: &'a str,
    since: Timestamp,
}

impl Notice {
    /// Encodes the alerts and findings among the events of a tick, which ended with this sample.
    ///
    /// Alerts that are only repeated are news for receivers that forget, and not for readers.
    pub(crate) fn of_tick(epoch: u64, events: &[Event], sample: &Sample) -> Vec<Self> {
        let encoded = events.iter().filter_map(|event| encode(event, sample));
        let with_place = |(part, (topic, kind, json))| {
            let id = EventId { epoch, place: Place { seq: sample.pass, part } };
            Self { topic, kind, text: Text::new(json), id }
        };
        (1..).zip(encoded).map(with_place).collect()
    }

    pub(crate) fn message(&self) -> Message {
        Message { kind: self.kind, id: Some(self.id), text: self.text.clone() }
    }
}

fn encode(event: &Event, sample: &Sample) -> Option<(Option<&'static str>, Kind, Bytes)> {
    let (timestamp, seq) = (sample.at, Some(sample.pass));
    match event {
        Event::Alert(change) if change.cause != AlertCause::Repeated => {
            let kind = Kind::Alert;
            let data = &*change.alert;
            Some((None, kind, Envelope { kind, timestamp, seq, id: None, data }.to_json()))
        }
        Event::Finding(change) => {
            let kind = Kind::Finding;
            let data = FindingBody::of(change);
            let json = Envelope { kind, timestamp, seq, id: None, data }.to_json();
            Some((Some(change.topic.name), kind, json))
        }
        _ => None,
    }
}

impl<'a> FindingBody<'a> {
    fn of(FindingChange { topic, state, finding, since, .. }: &'a FindingChange) -> Self {
        Self {
            topic: topic.name,
            code: finding.code,
            component: &finding.component,
            severity: finding.severity,
            state: *state,
            observed: finding.observed,
            threshold: finding.threshold,
            message: &finding.message,
            advice: &finding.advice,
            since: *since,
        }
    }
}
