//! The right to advance a registry's windows.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::Engine;
use crate::judging::event::Event;
use crate::reading::sample::Sample;
use crate::recording::lanes;
use crate::sync::atomic::Ordering;

/// Advances one registry: monitors are polled, windows move, health is judged, a sample is published.
///
/// There is one per registry, since two would halve every window.
#[derive(Debug)]
pub struct Ticker {
    engine: Arc<Engine>,
}

/// A registry has one ticker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the registry has a ticker already: drop it first")]
pub struct AlreadyTicking;

/// The outcome of a tick.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Tick {
    /// The published sample.
    pub sample: Arc<Sample>,
    /// The changes of findings and of health, and then the events that observers returned.
    pub events: Vec<Event>,
}

impl Ticker {
    pub(crate) fn new(engine: Arc<Engine>) -> Result<Self, AlreadyTicking> {
        let taken = engine.ticking.swap(true, Ordering::Relaxed);
        if taken { Err(AlreadyTicking) } else { Ok(Self { engine }) }
    }

    /// The time from one tick to the next that the registry was built for.
    pub fn period(&self) -> Duration {
        self.engine.tick_length
    }

    /// Ends the running tick, and makes room for threads that record first in the next.
    pub fn tick(&mut self) -> Tick {
        lanes::prepare(self.engine.store.context.lease_bytes);
        self.engine.tick_alone()
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.engine.ticking.store(false, Ordering::Relaxed);
    }
}
