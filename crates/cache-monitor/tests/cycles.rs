//! Tiers and caches come and go by the hundred thousand, and leave nothing behind.
//!
//! The tests measure the memory of the whole process, so they have a process of their
//! own and run one after the other. `cargo xtask prove cache-cycles` runs them in full.
#![cfg(feature = "moka")]

use std::time::Duration;

use moka::sync::Cache;
use node0_cache_monitor::moka::SyncCache;
use node0_cache_monitor::{CacheMonitor, EvictionCause, Levels, LoadOutcome, Operation, Size};
use node0_metrics_core::{ManualClock, Registry, Ticker};
use serde_json::json;
use testbed::memory::growth_over;
use testbed::prove::{Length, report};

/// Cycles between two ticks.
const BETWEEN_TICKS: u64 = 50;

/// A registry under manual time.
struct Bench {
    clock: ManualClock,
    registry: Registry,
    monitor: CacheMonitor,
    ticker: Ticker,
}

impl Bench {
    fn new() -> Self {
        let clock = ManualClock::new();
        let registry = Registry::builder().clock(clock.clock()).build();
        let monitor = CacheMonitor::register(&registry).expect("the topic is free");
        let ticker = registry.ticker().expect("a new registry has no ticker");
        Self { clock, registry, monitor, ticker }
    }

    fn tick(&mut self) {
        self.clock.advance(Duration::from_secs(1));
        self.ticker.tick();
    }

    /// Runs all cycles; what memory grew by, which is next to nothing.
    fn run(&mut self, cycles: u64, cycle: impl Fn(&CacheMonitor, &str)) -> u64 {
        let grown = growth_over(cycles, |nth| {
            cycle(&self.monitor, &format!("tier {nth}"));
            if nth % BETWEEN_TICKS == BETWEEN_TICKS - 1 {
                self.tick();
            }
        });
        self.tick();
        self.tick();
        let sample = self.registry.latest();
        assert!(self.monitor.layers(&sample).is_empty());
        grown
    }
}

#[test]
fn tiers_and_caches_leave_nothing_behind() {
    let length = Length::of_this_run();
    let cycles = length.pick(10_000, 100_000);
    let tiers = Bench::new().run(cycles, |monitor, name| {
        let tier = monitor.tier("demo", name).expect("the name is free");
        tier.hit(Duration::from_micros(1));
        tier.set(Duration::from_micros(2), Size::Plain(10));
        tier.error(Operation::Delete, Duration::from_micros(3));
        tier.eviction(EvictionCause::Size, Some(10));
        tier.load(LoadOutcome::Success, Duration::from_micros(4));
        tier.set_levels(Levels { entries: Some(1), ..Levels::default() });
    });
    let caches = Bench::new().run(cycles, |monitor, name| {
        let tier = monitor.tier("demo", name).expect("the name is free");
        let cache = SyncCache::builder(tier, Cache::builder().max_capacity(10)).build();
        cache.insert(1, 10);
        assert_eq!(cache.get_with(1, || 20), 10);
        assert_eq!(cache.remove(&1), Some(10));
    });
    let figures = json!({ "cycles": { "count": cycles, "tiers": tiers, "caches": caches } });
    report(&figures).expect("the figures can be written");
}
