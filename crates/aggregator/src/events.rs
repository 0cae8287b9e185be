//! The bounded channel to the subscribers.
//!
//! Sending never waits: a subscriber that falls behind loses the oldest events, so that it
//! cannot delay a tick or other subscribers. The events of a tick are one item of the channel.
//! Otherwise a tick with more events than the channel has places would overwrite its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use node0_metrics_core::{Event, Sample};
use tokio::sync::broadcast::{self, error::RecvError};

use crate::schedule::{Pace, Schedule};

/// The number of samples that a subscriber may be behind before it loses the oldest.
const CAPACITY: usize = 64;

/// The events of an aggregator from the moment of subscription on.
///
/// The channel holds the events of 64 ticks, or fewer while there are samples between ticks. A
/// subscriber that is further behind loses the oldest, and gets their number in [`Received::missed`].
#[derive(Debug)]
pub struct Events {
    news: broadcast::Receiver<News>,
    schedule: Arc<Schedule>,
    /// `true` if samples between ticks are returned too.
    with_samples_between: bool,
    /// The tick whose events are being returned.
    current: TickEvents,
    /// The number of the next event.
    next: u64,
}

/// An event, and the number of events that were lost before it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Received {
    /// The event.
    pub event: Event,
    /// The number of events that this subscriber lost since the one before.
    pub missed: u64,
}

/// One item of the channel.
#[derive(Clone, Debug)]
enum News {
    Tick(TickEvents),
    /// A sample between two ticks: it is no event of a tick and has no number.
    Between(Arc<Sample>),
}

/// The events of one tick, with the number of the first; all events of ticks are numbered in order.
#[derive(Clone, Debug, Default)]
struct TickEvents {
    first: u64,
    events: Arc<[Event]>,
}

impl Events {
    /// Also returns samples between ticks, as [`Event::Sample`] with `is_tick_end` false.
    ///
    /// They are taken while a [`Pace`] asks for them. A subscriber that misses some is not told:
    /// the next one replaces them.
    #[must_use]
    pub fn with_samples_between(mut self) -> Self {
        self.with_samples_between = true;
        self
    }

    /// Returns a new pace, by which its owner asks for samples between ticks.
    pub fn pace(&self) -> Pace {
        self.schedule.pace()
    }

    /// Returns the next event; `None` when the aggregator has stopped.
    ///
    /// Cancel safe: an event that was not returned is returned by the next call.
    pub async fn recv(&mut self) -> Option<Received> {
        loop {
            let number = self.next.max(self.current.first);
            let place = usize::try_from(number - self.current.first).unwrap_or(usize::MAX);
            if let Some(event) = self.current.events.get(place) {
                let missed = number - self.next;
                self.next = number + 1;
                return Some(Received { event: event.clone(), missed });
            }
            match self.news.recv().await {
                Ok(News::Tick(tick)) => self.current = tick,
                Ok(News::Between(sample)) if self.with_samples_between => {
                    return Some(Received { event: Event::Sample(sample), missed: 0 });
                }
                Ok(News::Between(_)) => {}
                // The number of the next tick's first event tells how many events were lost.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

/// Sends the events of ticks, and samples between ticks, to all subscribers.
#[derive(Debug)]
pub(crate) struct Sender {
    news: broadcast::Sender<News>,
    schedule: Arc<Schedule>,
    /// The number of events that were sent.
    sent: Arc<AtomicU64>,
}

/// Subscribes to the events of a sender, and does not keep it alive.
#[derive(Debug)]
pub(crate) struct Channel {
    news: broadcast::WeakSender<News>,
    schedule: Arc<Schedule>,
    sent: Arc<AtomicU64>,
}

impl Sender {
    pub(crate) fn new(schedule: Arc<Schedule>) -> Self {
        Self { news: broadcast::Sender::new(CAPACITY), schedule, sent: Arc::default() }
    }

    pub(crate) fn send(&self, events: Arc<[Event]>) {
        let first = self.sent.fetch_add(events.len() as u64, Ordering::Relaxed);
        // Sending fails only if there are no subscribers, which is fine.
        let _ = self.news.send(News::Tick(TickEvents { first, events }));
    }

    pub(crate) fn send_between(&self, sample: Arc<Sample>) {
        // As above.
        let _ = self.news.send(News::Between(sample));
    }

    pub(crate) fn channel(&self) -> Channel {
        let (news, schedule) = (self.news.downgrade(), self.schedule.clone());
        Channel { news, schedule, sent: self.sent.clone() }
    }
}

impl Channel {
    /// Subscribes to the events from now on; there are none if the sender is gone.
    pub(crate) fn subscribe(&self) -> Events {
        let sender = self.news.upgrade().unwrap_or_else(|| broadcast::Sender::new(1));
        let news = sender.subscribe();
        // Read after the subscription. A tick that is counted before it is sent may be received
        // although its events were before this number: they are skipped.
        let next = self.sent.load(Ordering::Relaxed);
        let schedule = self.schedule.clone();
        Events { news, schedule, with_samples_between: false, current: TickEvents::default(), next }
    }

    pub(crate) fn subscribers(&self) -> usize {
        self.news.upgrade().map_or(0, |news| news.receiver_count())
    }
}
