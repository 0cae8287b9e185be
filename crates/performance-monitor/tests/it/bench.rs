//! A registry with a manual clock and a monitor.

use std::sync::Arc;
use std::time::Duration;

use node0_metrics_core::{ManualClock, Registry, Sample, Ticker};
use node0_performance_monitor::{PerformanceMonitor, PerformanceMonitorBuilder};
use serde_json::Value;

/// A registry that ticks when told, with a monitor.
pub(crate) struct Bench {
    pub(crate) registry: Registry,
    pub(crate) performance: PerformanceMonitor,
    clock: ManualClock,
    ticker: Ticker,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub(crate) fn with(
        settings: impl FnOnce(PerformanceMonitorBuilder) -> PerformanceMonitorBuilder,
    ) -> Self {
        let clock = ManualClock::new();
        let registry = Registry::builder().clock(clock.clock()).build();
        let performance = settings(PerformanceMonitor::builder()).register(&registry).unwrap();
        let ticker = registry.ticker().unwrap();
        Self { registry, performance, clock, ticker }
    }

    /// Ends a tick of one second.
    pub(crate) fn tick(&mut self) -> Arc<Sample> {
        self.clock.advance(Duration::from_secs(1));
        self.ticker.tick().sample
    }

    pub(crate) fn ticks(&mut self, seconds: usize) {
        (0..seconds).for_each(|_| drop(self.tick()));
    }

    /// The report as JSON, with all that was recorded up to now.
    pub(crate) fn report(&self) -> Value {
        let report = self.registry.read().report("performance", None).unwrap();
        serde_json::to_value(report).unwrap()
    }
}

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
