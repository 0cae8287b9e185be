//! The ticker: ends the ticks of a registry.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::engine::Engine;
use crate::judging::event::Event;
use crate::reading::sample::Sample;
use crate::recording::lanes;
use crate::sync::atomic::Ordering;

/// Ends the ticks of one registry: polls monitors, moves windows, judges health, publishes a sample.
///
/// A registry has at most one ticker, since two would halve the length of every tick.
#[derive(Debug)]
pub struct Ticker {
    engine: Arc<Engine>,
}

/// The registry has a ticker already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the registry has a ticker already: drop it first")]
pub struct AlreadyTicking;

/// The outcome of a tick.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Tick {
    /// The published sample.
    pub sample: Arc<Sample>,
    /// The changes of findings and of health, followed by the events that observers returned.
    pub events: Vec<Event>,
}

impl Ticker {
    pub(crate) fn new(engine: Arc<Engine>) -> Result<Self, AlreadyTicking> {
        let taken = engine.ticking.swap(true, Ordering::Relaxed);
        if taken { Err(AlreadyTicking) } else { Ok(Self { engine }) }
    }

    /// The length of a tick, as set at the registry's builder.
    pub fn period(&self) -> Duration {
        self.engine.tick_length
    }

    /// The registry's clock.
    pub fn clock(&self) -> &Clock {
        &self.engine.store.context.clock
    }

    /// Ends the running tick, and prepares lanes for new threads.
    pub fn tick(&mut self) -> Tick {
        lanes::prepare(self.engine.store.context.recording_bytes);
        self.engine.tick_alone()
    }

    /// Polls the monitors and returns a fresh sample, without ending the running tick.
    ///
    /// For readers that want numbers more often than once a tick. Windows, health, observers and
    /// the [published sample](crate::Registry::latest) stay as they are.
    pub fn read_between(&mut self) -> Arc<Sample> {
        self.engine.poll_and_read()
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.engine.ticking.store(false, Ordering::Relaxed);
    }
}
