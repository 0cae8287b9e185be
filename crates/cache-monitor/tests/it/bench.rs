//! A registry under manual time, with a monitor.

use std::sync::Arc;
use std::time::Duration;

use node0_cache_monitor::{CacheMonitor, Thresholds, Tier, TierMetrics};
use node0_metrics_core::{ManualClock, Registry, Sample, Ticker};

/// A registry that ticks when told, with a monitor.
pub(crate) struct Bench {
    pub(crate) clock: ManualClock,
    pub(crate) registry: Registry,
    pub(crate) monitor: CacheMonitor,
    ticker: Ticker,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::judging_by(Thresholds::default())
    }

    /// A bench that watches the tier `L1` of the cache `demo`.
    pub(crate) fn with_tier() -> (Self, Tier) {
        let bench = Self::new();
        let tier = bench.monitor.tier("demo", "L1").unwrap();
        (bench, tier)
    }

    pub(crate) fn judging_by(thresholds: Thresholds) -> Self {
        let clock = ManualClock::new();
        let registry = Registry::builder().clock(clock.clock()).build();
        Self {
            monitor: CacheMonitor::register_with(&registry, thresholds).unwrap(),
            ticker: registry.ticker().unwrap(),
            clock,
            registry,
        }
    }

    /// Polls the monitor and ends a tick of one second.
    pub(crate) fn tick(&mut self) -> Arc<Sample> {
        self.clock.advance(Duration::from_secs(1));
        self.ticker.tick().sample
    }

    /// A layer's numbers, with all that was recorded up to now.
    #[track_caller]
    pub(crate) fn metrics(&self, layer: &str) -> TierMetrics {
        let metrics = self.monitor.tier_metrics(&self.registry.read(), layer);
        metrics.unwrap_or_else(|| panic!("no layer {layer}"))
    }
}

/// A series' number: a counter's total, a gauge, a histogram's count; `None` where there is none.
pub(crate) fn number(sample: &Sample, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    Some(sample.snapshot.value(name, labels)?.as_f64())
}

/// The names of our families in a sample.
pub(crate) fn families(sample: &Sample) -> Vec<String> {
    let families = sample.snapshot.families();
    let names = families.map(|family| family.desc.name.to_string());
    names.filter(|name| name.starts_with("cache_")).collect()
}

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) const fn us(micros: u64) -> Duration {
    Duration::from_micros(micros)
}
