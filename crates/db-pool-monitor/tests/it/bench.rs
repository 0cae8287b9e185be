//! A registry under manual time, and what its series say.

use std::sync::Arc;
use std::time::Duration;

use node0_db_pool_monitor::{PoolLevels, PoolMonitor};
use node0_metrics_core::{ManualClock, Registry, Sample, Ticker, Value};

/// The labels of the pool that most tests watch.
pub(crate) const POOL: (&str, &str) = ("pool", "main");

/// A registry that ticks when told, with a monitor.
pub(crate) struct Bench {
    pub(crate) clock: ManualClock,
    pub(crate) registry: Registry,
    pub(crate) monitor: PoolMonitor,
    ticker: Ticker,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let clock = ManualClock::new();
        let registry = Registry::builder().clock(clock.clock()).build();
        Self {
            monitor: PoolMonitor::register(&registry).unwrap(),
            ticker: registry.ticker().unwrap(),
            clock,
            registry,
        }
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// Ends a tick of one second.
    pub(crate) fn tick(&mut self) -> Arc<Sample> {
        self.pass(Duration::from_secs(1));
        self.tick_now()
    }

    /// Ends the tick at once.
    pub(crate) fn tick_now(&mut self) -> Arc<Sample> {
        self.ticker.tick().sample
    }
}

/// The levels of a pool whose only connection is in use.
pub(crate) fn one() -> Option<PoolLevels> {
    Some(PoolLevels { used: Some(1), idle: Some(0), max: Some(1), ..PoolLevels::default() })
}

/// A series' number: a counter's total, a gauge, a histogram's count.
#[track_caller]
pub(crate) fn number(sample: &Sample, name: &str, labels: &[(&str, &str)]) -> f64 {
    let value = sample.snapshot.value(name, labels);
    value.unwrap_or_else(|| panic!("no {name}{labels:?}")).as_f64()
}

/// A histogram's sum, in milliseconds.
#[track_caller]
pub(crate) fn sum_millis(sample: &Sample, name: &str, labels: &[(&str, &str)]) -> f64 {
    match sample.snapshot.value(name, labels) {
        Some(Value::Histogram(histogram)) => histogram.total().sum() * 1e3,
        other => panic!("{name}{labels:?} is {other:?}"),
    }
}

/// Acquired, timed out, failed, cancelled; together they are all waits that ended.
#[track_caller]
pub(crate) fn check_outcomes(sample: &Sample, expected: [u32; 4]) {
    let outcomes = ["acquired", "timed_out", "failed", "cancelled"];
    let counted = outcomes
        .map(|outcome| number(sample, "db_client_acquires_total", &[POOL, ("outcome", outcome)]));
    assert_eq!(counted, expected.map(f64::from), "{outcomes:?}");
    let waits = number(sample, "db_client_wait_duration_seconds", &[POOL]);
    assert_eq!(waits, f64::from(expected.iter().sum::<u32>()));
}

/// Uses that ended, and their durations together.
#[track_caller]
pub(crate) fn check_uses(sample: &Sample, uses: f64, millis: f64) {
    assert_eq!(number(sample, "db_client_use_duration_seconds", &[POOL]), uses);
    let sum = sum_millis(sample, "db_client_use_duration_seconds", &[POOL]);
    assert_eq!(sum.round(), millis);
}

/// The only connection in the list of leaks is the one that was taken at this place.
#[track_caller]
pub(crate) fn check_leak(body: &serde_json::Value, held_for: f64, place: &str) {
    let leaks = body["leaks"].as_array().unwrap();
    assert_eq!(leaks.len(), 1, "{leaks:?}");
    assert_eq!(leaks[0]["heldFor"], held_for);
    let acquired_at = leaks[0]["acquiredAt"].as_str().unwrap();
    assert!(acquired_at.contains(place), "{acquired_at}");
}

/// Has the series of the pool that most tests watch.
pub(crate) fn has(sample: &Sample, name: &str) -> bool {
    sample.snapshot.value(name, &[POOL]).is_some()
}

/// The report as JSON: of all pools, or of one.
pub(crate) fn body(sample: &Arc<Sample>, pool: Option<&str>) -> serde_json::Value {
    serde_json::to_value(sample.report("database", pool).unwrap()).unwrap()
}

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
