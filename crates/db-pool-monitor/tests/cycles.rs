//! Pools come and go by the hundred thousand, and leave nothing behind.
//!
//! What is measured is the memory of the whole process, so it is a process of its
//! own. `cargo xtask prove pool-cycles` runs it in full.

use std::convert::Infallible;
use std::time::Duration;

use db_pool_monitor::PoolMonitor;
use deadpool::managed::{Manager, Metrics, Pool, RecycleResult};
use metrics_core::{ManualClock, Registry};
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

#[test]
fn pools_leave_nothing_behind() {
    let cycles = Length::of_this_run().pick(5_000, 100_000);
    let clock = ManualClock::new();
    let registry = Registry::builder().clock(clock.clock()).build();
    let monitor = PoolMonitor::register(&registry).expect("the topic is free");
    let mut ticker = registry.ticker().expect("a new registry has no ticker");
    let mut tick = || {
        clock.advance(Duration::from_secs(1));
        registry.monitors().iter().for_each(|monitor| monitor.poll());
        ticker.tick().sample
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let before = tick().snapshot.families().count();
    let grown = growth_over(cycles, |nth| {
        let builder = Pool::<Connector>::builder(Connector).max_size(1);
        let pool = monitor.build(&format!("pool {nth}"), builder).expect("the name is free");
        for _ in 0..2 {
            drop(runtime.block_on(pool.get()).expect("it opens at once"));
        }
        drop(pool.get());
        drop(pool);
        if nth % BETWEEN_TICKS == BETWEEN_TICKS - 1 {
            tick();
        }
    });
    tick();
    assert_eq!(tick().snapshot.families().count(), before);
    assert!(monitor.pools().is_empty());
    report(&json!({ "cycles": cycles, "grown_bytes": grown })).expect("the figures can be written");
}
