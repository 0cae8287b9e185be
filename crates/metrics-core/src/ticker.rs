//! The right to advance a registry's windows.

use std::sync::Arc;

use crate::engine::Engine;
use crate::judging::event::HealthChange;
use crate::reading::sample::Sample;
use crate::recording::lanes;
use crate::sync::atomic::Ordering;

/// Advances one registry: windows move, health is judged, a sample is published.
///
/// There is one per registry, since two would halve every window. Whoever has
/// it also polls the monitors, before each tick; see
/// [`Monitor::poll`](crate::Monitor::poll).
#[derive(Debug)]
pub struct Ticker {
    engine: Arc<Engine>,
}

/// A registry has one ticker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the registry has a ticker already: drop it first")]
pub struct AlreadyTicking;

/// What a tick brought.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Tick {
    /// The published sample.
    pub sample: Arc<Sample>,
    /// The topics whose believed status changed.
    pub changes: Vec<HealthChange>,
}

impl Ticker {
    pub(crate) fn new(engine: Arc<Engine>) -> Result<Self, AlreadyTicking> {
        let taken = engine.ticking.swap(true, Ordering::Relaxed);
        if taken { Err(AlreadyTicking) } else { Ok(Self { engine }) }
    }

    /// Ends the running tick, and makes room for threads that record first in the next.
    pub fn tick(&mut self) -> Tick {
        lanes::prepare(self.engine.store.context.lease_bytes);
        let (sample, changes) = self.engine.tick();
        Tick { sample, changes }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.engine.ticking.store(false, Ordering::Relaxed);
    }
}
