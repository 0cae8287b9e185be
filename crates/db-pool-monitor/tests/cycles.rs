//! Pools come and go by the hundred thousand, and leave nothing behind.
//!
//! The tests measure the memory of the whole process, so they have a process of their
//! own and run one after the other. `cargo xtask prove pool-cycles` runs them in full.
#![cfg(feature = "deadpool")]

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, Pool, RecycleResult};
use node0_db_pool_monitor::{PoolLevels, PoolMonitor};
use node0_metrics_core::{ManualClock, Registry, Sample, Ticker};
use serde_json::json;
use testbed::memory::growth_over;
use testbed::prove::{Length, report};

/// Cycles between two ticks.
const BETWEEN_TICKS: u64 = 20;

/// Opens connections to nothing.
struct Connector;

impl Manager for Connector {
    type Type = ();
    type Error = Infallible;

    async fn create(&self) -> Result<(), Infallible> {
        Ok(())
    }

    async fn recycle(&self, _: &mut (), _: &Metrics) -> RecycleResult<Infallible> {
        Ok(())
    }
}

/// A registry under manual time.
struct Bench {
    clock: ManualClock,
    monitor: PoolMonitor,
    ticker: Ticker,
}

impl Bench {
    fn new() -> Self {
        let clock = ManualClock::new();
        let registry = Registry::builder().clock(clock.clock()).build();
        let monitor = PoolMonitor::register(&registry).expect("the topic is free");
        let ticker = registry.ticker().expect("a new registry has no ticker");
        Self { clock, monitor, ticker }
    }

    fn tick(&mut self) -> Arc<Sample> {
        self.clock.advance(Duration::from_secs(1));
        self.ticker.tick().sample
    }

    /// Runs all cycles; what memory grew by, which is next to nothing.
    fn run(&mut self, cycles: u64, cycle: impl Fn(&PoolMonitor, &str)) -> u64 {
        let before = self.tick().snapshot.families().count();
        let grown = growth_over(cycles, |nth| {
            cycle(&self.monitor, &format!("pool {nth}"));
            if nth % BETWEEN_TICKS == BETWEEN_TICKS - 1 {
                self.tick();
            }
        });
        self.tick();
        assert_eq!(self.tick().snapshot.families().count(), before);
        assert!(self.monitor.pools().is_empty());
        grown
    }
}

#[test]
fn pools_leave_nothing_behind() {
    let cycles = Length::of_this_run().pick(5_000, 100_000);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let built = Bench::new().run(cycles, |monitor, name| {
        let builder = Pool::<Connector>::builder(Connector).max_size(1);
        let pool = monitor.build(name, builder).expect("the name is free");
        for _ in 0..2 {
            drop(runtime.block_on(pool.get()).expect("it opens at once"));
        }
        drop(pool.get());
    });
    let told = Bench::new().run(cycles, |monitor, name| {
        let levels = || {
            Some(PoolLevels { used: Some(1), idle: Some(0), max: Some(1), ..PoolLevels::default() })
        };
        let handle = monitor.pool(name, levels).expect("the name is free");
        let (acquiring, checkout) = (handle.acquire(), handle.acquire().acquired());
        handle.acquired(Duration::from_micros(1));
        drop(handle);
        acquiring.timed_out();
        drop(checkout);
    });
    let figures = json!({ "cycles": cycles, "grown_bytes": { "built": built, "handles": told } });
    report(&figures).expect("the figures can be written");
}
