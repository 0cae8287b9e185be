//! The right to advance a registry's windows.

use std::sync::Arc;

use crate::event::HealthChange;
use crate::lanes;
use crate::registry::Inner;
use crate::sample::Sample;
use crate::sync::atomic::Ordering;

/// Advances one registry: windows move, health is judged, a sample is published.
///
/// There is one per registry, since two would halve every window. Whoever has
/// it also polls the monitors, before each tick; see
/// [`Monitor::poll`](crate::Monitor::poll).
#[derive(Debug)]
pub struct Ticker {
    inner: Arc<Inner>,
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
    pub(crate) fn new(inner: Arc<Inner>) -> Result<Self, AlreadyTicking> {
        let taken = inner.ticking.swap(true, Ordering::Relaxed);
        if taken { Err(AlreadyTicking) } else { Ok(Self { inner }) }
    }

    /// Ends the running tick, and makes room for threads that record first in the next.
    pub fn tick(&mut self) -> Tick {
        lanes::prepare(self.inner.context.lease_bytes);
        let (sample, changes) = self.inner.tick();
        Tick { sample, changes }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.inner.ticking.store(false, Ordering::Relaxed);
    }
}
