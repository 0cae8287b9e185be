//! Circuits come and go by the hundred thousand, and leave nothing behind.
//!
//! The test measures the memory of the whole process, so it has a process of its
//! own. `cargo xtask prove breaker-cycles` runs it in full.

use std::time::Duration;

use node0_breaker_monitor::{BreakerMonitor, State, Thresholds};
use node0_metrics_core::{ManualClock, Registry};
use serde_json::json;
use testbed::memory::growth_over;
use testbed::prove::{Length, report};

/// Cycles between two ticks.
const BETWEEN_TICKS: u64 = 20;

#[test]
fn circuits_leave_nothing_behind() {
    let cycles = Length::of_this_run().pick(10_000, 100_000);
    let clock = ManualClock::new();
    let registry = Registry::builder().clock(clock.clock()).build();
    let monitor = BreakerMonitor::register(&registry).expect("the topic is free");
    let mut ticker = registry.ticker().expect("a new registry has no ticker");
    let mut tick = || {
        clock.advance(Duration::from_secs(1));
        ticker.tick().sample
    };
    let before = tick().snapshot.families().count();
    let grown = growth_over(cycles, |nth| {
        let circuit = monitor.circuit(&format!("circuit {nth}"), Thresholds::default());
        let circuit = circuit.expect("the name is free");
        circuit.success(Duration::from_millis(1));
        circuit.failure(Duration::from_millis(1), "error");
        circuit.set_state(State::Open, "cycle");
        drop(circuit.start());
        drop(circuit);
        if nth % BETWEEN_TICKS == BETWEEN_TICKS - 1 {
            tick();
        }
    });
    tick();
    assert_eq!(tick().snapshot.families().count(), before);
    assert!(monitor.circuits().is_empty());
    report(&json!({ "cycles": cycles, "grown_bytes": grown })).expect("the figures can be written");
}
