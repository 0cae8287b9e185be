//! The updates of one set of subscriptions, shared by all who have that set.
//!
//! An update holds the topics that have changed since the last one with the same interval. A reader
//! that is new to a topic has no last one, so it gets all topics that are due; that frame is made only
//! if somebody needs it.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use crate::encoding::{Body, Encoding, Instant};
use crate::interval::Interval;
use crate::message::{Kind, Message};

/// The subscriptions of a reader: each topic with its interval.
pub(crate) type Subscriptions = BTreeMap<&'static str, Interval>;

/// One update of a set of subscriptions.
#[derive(Debug)]
pub(crate) struct Beat {
    /// Numbers the beats of the set, so that a reader sees how many it missed.
    pub(crate) number: u64,
    pub(crate) instant: Instant,
    /// The topics that are due.
    due: Vec<Body>,
    /// The frame with those of them that have changed.
    changed: Bytes,
    /// The frame with all of them, for readers that are new; made when the first one wants it.
    complete: OnceLock<Bytes>,
}

/// The sender of the beats of one set of subscriptions.
#[derive(Debug)]
pub(crate) struct Beats {
    sender: watch::Sender<Option<Arc<Beat>>>,
    number: u64,
}

/// The last bodies that were sent to the readers with one interval.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    slot: u128,
    bodies: BTreeMap<&'static str, Body>,
}

impl Sent {
    /// Nothing was sent before this uptime.
    pub(crate) fn before(interval: Interval, uptime: Duration) -> Self {
        Self { slot: interval.slot(uptime), bodies: BTreeMap::new() }
    }

    /// Returns `true` once for each interval that has passed.
    pub(crate) fn is_due(&mut self, interval: Interval, uptime: Duration) -> bool {
        let slot = interval.slot(uptime);
        std::mem::replace(&mut self.slot, slot) != slot
    }

    /// Notes what is sent now.
    pub(crate) fn note(&mut self, bodies: Vec<Body>) {
        self.bodies.extend(bodies.into_iter().map(|body| (body.topic, body)));
    }

    fn has(&self, body: &Body) -> bool {
        self.bodies.get(body.topic).is_some_and(|before| !body.differs_from(before))
    }
}

impl Beats {
    pub(crate) fn new() -> Self {
        Self { sender: watch::Sender::new(None), number: 0 }
    }

    /// Subscribes from the next beat on; returns the number of the last one too.
    pub(crate) fn subscribe(&self) -> (watch::Receiver<Option<Arc<Beat>>>, u64) {
        (self.sender.subscribe(), self.number)
    }

    /// Wakes all readers, for something else than an update.
    pub(crate) fn wake(&self) {
        self.sender.send_modify(|_| {});
    }

    pub(crate) fn has_readers(&self) -> bool {
        self.sender.receiver_count() > 0
    }

    /// Sends a beat with the topics whose intervals are due.
    pub(crate) fn send(
        &mut self,
        encoding: &Encoding,
        subscriptions: &Subscriptions,
        due: &[Interval],
        sent: &BTreeMap<Interval, Sent>,
    ) {
        let is_due = |(topic, interval): (&&'static str, &Interval)| {
            due.contains(interval).then_some((*topic, *interval))
        };
        let topics: BTreeMap<_, _> = subscriptions.iter().filter_map(is_due).collect();
        if topics.is_empty() {
            return;
        }
        let due = encoding.bodies(topics.keys().copied());
        let has_changed = |body: &&Body| {
            let sent = topics.get(body.topic).and_then(|interval| sent.get(interval));
            !sent.is_some_and(|sent| sent.has(body))
        };
        let instant = encoding.instant();
        let changed = instant.frame(Kind::Update, "", due.iter().filter(has_changed));
        self.number += 1;
        let beat = Beat { number: self.number, instant, due, changed, complete: OnceLock::new() };
        self.sender.send_replace(Some(Arc::new(beat)));
    }
}

impl Beat {
    pub(crate) fn topics(&self) -> impl Iterator<Item = &'static str> {
        self.due.iter().map(|body| body.topic)
    }

    /// The message with the topics that are due and have changed.
    pub(crate) fn changed(&self, epoch: u64) -> Message {
        self.instant.message(epoch, Kind::Update, self.changed.clone())
    }

    /// The message with all topics that are due.
    pub(crate) fn complete(&self, epoch: u64) -> Message {
        let frame = || self.instant.frame(Kind::Update, "", &self.due);
        self.instant.message(epoch, Kind::Update, self.complete.get_or_init(frame).clone())
    }
}
