//! The updates of one set of subscriptions, shared by all who have that set.
//!
//! An update holds the topics that have changed since the last one with the same interval. A reader
//! that is new to a topic has no last one, so it gets all topics that are due.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::watch;

use crate::encoding::{Body, Encoding, Instant};
use crate::interval::Interval;
use crate::message::{Kind, Message, Text};

/// The subscriptions of a reader: each topic with its interval.
pub(crate) type Subscriptions = BTreeMap<&'static str, Interval>;

/// One update of a set of subscriptions.
#[derive(Debug)]
pub(crate) struct Beat {
    /// Numbers the beats of the set, so that a reader sees how many it missed.
    pub(crate) number: u64,
    pub(crate) instant: Instant,
    due: Topics,
    changed: Topics,
}

/// The bodies of some topics, and the text that the first reader who wants it makes of them.
///
/// So a set of subscriptions whose readers are slow costs no text, and readers who all have
/// different sets do not make the thread that encodes copy one for each of them.
#[derive(Debug)]
struct Topics {
    bodies: Vec<Body>,
    text: OnceLock<Text>,
}

/// The sender of the beats of one set of subscriptions.
#[derive(Debug)]
pub(crate) struct Beats {
    sender: watch::Sender<Option<Arc<Beat>>>,
    number: u64,
    /// `true` if the readers have to be woken.
    has_news: bool,
}

/// The readers of one set of subscriptions, who have to be woken.
#[derive(Debug)]
pub(crate) struct Readers(watch::Sender<Option<Arc<Beat>>>);

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
        mem::replace(&mut self.slot, slot) != slot
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
        Self { sender: watch::Sender::new(None), number: 0, has_news: false }
    }

    /// Subscribes from the next beat on; returns the number of the last one too.
    pub(crate) fn subscribe(&self) -> (watch::Receiver<Option<Arc<Beat>>>, u64) {
        (self.sender.subscribe(), self.number)
    }

    /// Notes that there is something new beside the updates.
    pub(crate) fn note_news(&mut self) {
        self.has_news = true;
    }

    /// Returns the readers once, if there is something new for them.
    pub(crate) fn take_news(&mut self) -> Option<Readers> {
        mem::take(&mut self.has_news).then(|| Readers(self.sender.clone()))
    }

    pub(crate) fn has_readers(&self) -> bool {
        self.sender.receiver_count() > 0
    }

    /// Hands a beat with the topics whose intervals are due to the readers, and wakes none of them.
    pub(crate) fn put(
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
        let changed = Topics::new(due.iter().filter(has_changed).cloned().collect());
        self.number += 1;
        let beat = Beat { number: self.number, instant, due: Topics::new(due), changed };
        self.sender.send_if_modified(|newest| {
            *newest = Some(Arc::new(beat));
            false
        });
        self.has_news = true;
    }
}

impl Readers {
    pub(crate) fn wake(&self) {
        self.0.send_modify(|_| {});
    }
}

impl Beat {
    /// Returns the topics that are due.
    pub(crate) fn topics(&self) -> impl Iterator<Item = &'static str> {
        self.due.bodies.iter().map(|body| body.topic)
    }

    /// The message with the topics that are due and have changed.
    pub(crate) fn changed(&self, epoch: u64) -> Message {
        self.message(epoch, &self.changed)
    }

    /// The message with all topics that are due, for a reader that is new to one.
    pub(crate) fn complete(&self, epoch: u64) -> Message {
        self.message(epoch, &self.due)
    }

    fn message(&self, epoch: u64, topics: &Topics) -> Message {
        let Topics { bodies, text } = topics;
        let text = text.get_or_init(|| self.instant.text(Kind::Update, "", bodies));
        self.instant.message(epoch, Kind::Update, text.clone())
    }
}

impl Topics {
    fn new(bodies: Vec<Body>) -> Self {
        Self { bodies, text: OnceLock::new() }
    }
}
