//! The bounded channel to those who listen.

use metrics_core::Event;
use tokio::sync::broadcast::{self, error::RecvError};

/// The events of an aggregator from the moment of subscription on.
///
/// The channel is bounded and waits for nobody: a listener that falls behind
/// loses the oldest events and is told how many.
#[derive(Debug)]
pub struct Events {
    receiver: broadcast::Receiver<Event>,
}

/// An event, and what was lost before it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Received {
    /// What happened.
    pub event: Event,
    /// How many events the listener was too slow for since the one before.
    pub missed: u64,
}

impl Events {
    pub(crate) fn new(receiver: broadcast::Receiver<Event>) -> Self {
        Self { receiver }
    }

    /// The next event; `None` when the aggregator is gone.
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
