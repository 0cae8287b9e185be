//! Tests of the core's public API, under a manual clock.

mod buckets;
mod budget;
mod cardinality;
mod foreign_thread;
mod guests;
#[cfg(feature = "hdrhistogram")]
mod hdr;
mod health;
mod hostile;
mod instances;
mod instruments;
mod labelled;
mod monitor;
mod panics;
mod proof;
mod recording;
mod scripted;
mod small_storm;
mod storm;
mod summaries;
mod threads;
mod ticks;
mod traces;
mod values;
mod windows;

use std::time::Duration;

use node0_metrics_core::{ManualClock, Registry, RegistryBuilder, Ticker};

/// A registry whose time stands still, with its ticker.
struct Bench {
    clock: ManualClock,
    registry: Registry,
    ticker: Ticker,
}

impl Bench {
    fn new() -> Self {
        Self::with(|builder| builder)
    }

    fn with(settings: impl FnOnce(RegistryBuilder) -> RegistryBuilder) -> Self {
        let clock = ManualClock::new();
        let registry = settings(Registry::builder().clock(clock.clock())).build();
        let ticker = registry.ticker().expect("a new registry has no ticker");
        Self { clock, registry, ticker }
    }

    /// Lets a second pass and ends its tick.
    fn tick(&mut self) -> node0_metrics_core::Tick {
        self.clock.advance(Duration::from_secs(1));
        self.ticker.tick()
    }
}
