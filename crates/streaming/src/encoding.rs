//! The JSON of a pass: each topic's body is encoded once, whoever wants it.
//!
//! A text is put together from the bytes of such bodies, without parsing or writing them again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use node0_metrics_core::{Counter, Sample, Timestamp, TopicReport};

use crate::event_id::{EventId, Place};
use crate::message::{Kind, Message, Text};

/// The time that all reports of a pass may take together; one that is late is left out.
const PATIENCE: Duration = Duration::from_millis(500);

/// A sample, and the bodies of those of its topics that somebody wanted.
#[derive(Debug)]
pub(crate) struct Encoding {
    pub(crate) sample: Arc<Sample>,
    bodies: BTreeMap<&'static str, Body>,
    /// The topics whose report failed, so that they are not asked for again.
    failed: Vec<&'static str>,
}

/// The number and the wall time of a pass.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instant {
    pub(crate) seq: u64,
    pub(crate) at: Timestamp,
}

/// The body of a topic, as `GET /metrics/{topic}` returns it.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) topic: &'static str,
    json: Bytes,
    /// The length of the first field, which is the timestamp.
    stamp: usize,
}

impl Encoding {
    pub(crate) fn new(sample: Arc<Sample>) -> Self {
        Self { sample, bodies: BTreeMap::new(), failed: Vec::new() }
    }

    pub(crate) fn instant(&self) -> Instant {
        Instant { seq: self.sample.pass, at: self.sample.at }
    }

    /// Encodes those of these topics that are not encoded yet.
    ///
    /// A topic whose monitor fails is left out; the failure is counted as that of a guest.
    pub(crate) fn encode(
        &mut self,
        topics: impl IntoIterator<Item = &'static str>,
        encoded: &Counter,
    ) {
        let is_new =
            |topic: &&'static str| !self.bodies.contains_key(topic) && !self.failed.contains(topic);
        let topics: Vec<_> = topics.into_iter().filter(is_new).collect();
        if topics.is_empty() {
            return;
        }
        let write = |report: TopicReport| serde_json::to_vec(&report).ok();
        for (topic, written) in self.sample.reports_within(&topics, PATIENCE, write) {
            let Some(json) = written.ok().flatten() else {
                self.failed.push(topic.name);
                continue;
            };
            encoded.inc();
            let stamp = format!("{{\"timestamp\":{}", self.sample.at.as_millis());
            let stamp = if json.starts_with(stamp.as_bytes()) { stamp.len() } else { 0 };
            self.bodies.insert(topic.name, Body { topic: topic.name, json: json.into(), stamp });
        }
    }

    /// The bodies of these topics, as far as they are encoded.
    pub(crate) fn bodies(&self, topics: impl IntoIterator<Item = &'static str>) -> Vec<Body> {
        topics.into_iter().filter_map(|topic| self.bodies.get(topic).cloned()).collect()
    }
}

impl Body {
    /// Returns `true` if more than the timestamp differs.
    pub(crate) fn differs_from(&self, before: &Self) -> bool {
        self.json.get(self.stamp..) != before.json.get(before.stamp..)
    }
}

impl Instant {
    /// Joins bodies to a text.
    ///
    /// `fields` are further members of the object, each followed by a comma.
    pub(crate) fn text<'a>(
        self,
        kind: Kind,
        fields: &str,
        bodies: impl IntoIterator<Item = &'a Body>,
    ) -> Text {
        let (at, seq, kind) = (self.at.as_millis(), self.seq, kind.word());
        let head =
            format!("{{\"type\":\"{kind}\",\"timestamp\":{at},\"seq\":{seq},{fields}\"data\":{{");
        let mut text = head.into_bytes();
        for (index, Body { topic, json, .. }) in bodies.into_iter().enumerate() {
            text.extend_from_slice(if index == 0 { b"\"" } else { b",\"" });
            // Names of topics have letters, digits and hyphens only.
            text.extend_from_slice(topic.as_bytes());
            text.extend_from_slice(b"\":");
            text.extend_from_slice(json);
        }
        text.extend_from_slice(b"}}");
        Text::new(text.into())
    }

    pub(crate) fn message(self, epoch: u64, kind: Kind, text: Text) -> Message {
        Message { kind, text, id: Some(EventId { epoch, place: Place::end_of(self.seq) }) }
    }
}
