//! The messages of a client to its session, and their answers.
//!
//! Each message has exactly one answer, in the order of the messages; to subscribe has a snapshot
//! after it. A client that sends and does not read is bounded by the length of the queue.

use serde::Serialize;
use serde_json::Value;

use super::{Purpose, Queued, Session};
use crate::beat::Subscriptions;
use crate::command::{ClientMessage, Command, Refusal};
use crate::interval::Interval;
use crate::message::{Close, Envelope, Kind, Message, Text};
use crate::rate::{BURST, Verdict};
use crate::streaming::OpenError;

/// The most answers and snapshots that wait for a client that sends and does not read.
///
/// A client may send a whole burst before it reads. To subscribe has an answer and a snapshot, and
/// the messages beyond the burst have an error each, of which there may be as many again.
const WAITING_ANSWERS: usize = BURST as usize * 4;

/// The subscriptions of a client, after it changed them.
#[derive(Serialize)]
struct Granted<'a> {
    metrics: Vec<&'static str>,
    /// `None` if the topics have several.
    interval: Option<Interval>,
    intervals: &'a Subscriptions,
}

/// The data of an answer that has none.
#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
struct Refused<'a> {
    code: &'a str,
    message: &'a str,
}

impl Session {
    /// Takes a message of the client; the answer is returned by [`Self::next`].
    ///
    /// # Errors
    /// [`Close`] if the client sends too many messages, or reads no answers: close the connection.
    pub fn receive(&mut self, text: &str) -> Result<(), Close> {
        match self.rate.take(self.hub.registry.clock().uptime()) {
            Verdict::Within => {}
            Verdict::Beyond => {
                let text = "too many messages: send at most 20 a second";
                return self.refuse(None, &Refusal::new("rate_limited", text));
            }
            Verdict::Flood => return Err(self.closed(Close::TOO_MANY_MESSAGES)),
        }
        let ClientMessage { id, command } = ClientMessage::parse(text);
        let id = id.as_ref();
        match command {
            Ok(Command::Ping) => self.answer(Kind::Pong, id, Nothing {}),
            Ok(Command::Subscribe { topics, interval }) => {
                match self.hub.resolve(topics.as_deref(), interval) {
                    Ok(named) => self.subscribe(&named, interval, id),
                    Err(error) => self.refuse(id, &error.into()),
                }
            }
            Ok(Command::Unsubscribe { topics }) => {
                match self.hub.resolve(topics.as_deref(), Interval::default()) {
                    Ok(named) => self.unsubscribe(&named, id),
                    Err(error) => self.refuse(id, &error.into()),
                }
            }
            Err(refusal) => self.refuse(id, &refusal),
        }
    }

    /// Counts a ping or a pong of the client towards its rate.
    ///
    /// # Errors
    /// [`Close`] as [`Self::receive`].
    pub fn count_control(&mut self) -> Result<(), Close> {
        match self.rate.take(self.hub.registry.clock().uptime()) {
            Verdict::Flood => Err(self.closed(Close::TOO_MANY_MESSAGES)),
            _ => Ok(()),
        }
    }

    fn subscribe(
        &mut self,
        named: &Subscriptions,
        interval: Interval,
        id: Option<&Value>,
    ) -> Result<(), Close> {
        let mut set = Subscriptions::clone(&self.set);
        set.extend(named);
        self.join(set)?;
        let metrics: Vec<_> = named.keys().copied().collect();
        self.tell_granted(metrics.clone(), Some(interval), id)?;
        self.ask(metrics, Purpose::Topics);
        Ok(())
    }

    fn unsubscribe(&mut self, named: &Subscriptions, id: Option<&Value>) -> Result<(), Close> {
        let mut set = Subscriptions::clone(&self.set);
        set.retain(|topic, _| !named.contains_key(topic));
        self.join(set)?;
        let mut intervals = self.set.values();
        let interval = intervals.next().copied();
        let interval = interval.filter(|first| intervals.all(|interval| interval == first));
        self.tell_granted(self.set.keys().copied().collect(), interval, id)
    }

    /// Changes the subscriptions.
    fn join(&mut self, set: Subscriptions) -> Result<(), Close> {
        let Some((set, beats, seen)) = self.hub.join(set) else {
            return Err(self.closed(Close::GOING_AWAY));
        };
        // An update that the reader has not taken is the last one of the set before.
        let waiting = self.update();
        self.fresh = set.keys().copied().collect();
        (self.set, self.beats, self.seen) = (set, beats, seen);
        self.queue.extend(waiting.map(Queued::Message));
        if self.missed > 0 {
            self.catch_up();
        }
        Ok(())
    }

    fn tell_granted(
        &mut self,
        metrics: Vec<&'static str>,
        interval: Option<Interval>,
        id: Option<&Value>,
    ) -> Result<(), Close> {
        let intervals = self.set.clone();
        self.answer(Kind::Subscribed, id, Granted { metrics, interval, intervals: &intervals })
    }

    fn refuse(&mut self, id: Option<&Value>, refusal: &Refusal) -> Result<(), Close> {
        let Refusal { code, message } = refusal;
        self.answer(Kind::Error, id, Refused { code, message })
    }

    /// Queues an answer to the client.
    fn answer(
        &mut self,
        kind: Kind,
        id: Option<&Value>,
        data: impl Serialize,
    ) -> Result<(), Close> {
        if self.queue.len() >= WAITING_ANSWERS {
            return Err(self.closed(Close::TOO_SLOW));
        }
        let timestamp = self.hub.registry.clock().wall();
        let text = Text::new(Envelope { kind, timestamp, seq: None, id, data }.to_json());
        self.queue.push_back(Queued::Message(Message { kind, id: None, text }));
        Ok(())
    }
}

impl From<OpenError> for Refusal {
    fn from(error: OpenError) -> Self {
        let message = error.to_string();
        match error {
            OpenError::TooManyTopics { .. } => Self::new("too_many_subscriptions", message),
            OpenError::UnknownTopic { known, .. } => {
                Self::new("unknown_topic", format!("{message}: there are {}", known.join(", ")))
            }
            OpenError::Full { .. } | OpenError::Closed => Self::new("overloaded", message),
        }
    }
}
