//! The bounded channel to the subscribers.
//!
//! Sending never waits: a subscriber that falls behind loses the oldest events, so that it
//! cannot delay a tick or other subscribers.

use metrics_core::Event;
use tokio::sync::broadcast::{self, error::RecvError};

/// The events of an aggregator from the moment of subscription on.
///
/// The channel is bounded. A subscriber that falls behind loses the oldest events and
/// gets their number in [`Received::missed`].
#[derive(Debug)]
pub struct Events {
    receiver: broadcast::Receiver<Event>,
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

impl Events {
    pub(crate) fn new(receiver: broadcast::Receiver<Event>) -> Self {
        Self { receiver }
    }

    /// Returns the next event; `None` when the aggregator has stopped.
    ///
    /// Cancel safe: an event that was not returned is returned by the next call.
    pub async fn recv(&mut self) -> Option<Received> {
        let mut missed = 0;
        loop {
            match self.receiver.recv().await {
                Ok(event) => return Some(Received { event, missed }),
                Err(RecvError::Lagged(lost)) => missed += lost,
                Err(RecvError::Closed) => return None,
            }
        }
    }
}
