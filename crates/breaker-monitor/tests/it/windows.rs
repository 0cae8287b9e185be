//! Failure rates and latencies of windows equal those of a model that keeps every call.

use std::time::Duration;

use node0_breaker_monitor::Thresholds;
use node0_metrics_core::Registry;
use proptest::prelude::*;

use crate::bench::{Bench, ms};

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Success,
    Failure,
    Timeout,
    Rejected,
    Cancelled,
}

/// A call by the second it ended in.
#[derive(Clone, Copy, Debug)]
struct Ended {
    second: u64,
    end: End,
    took: Duration,
}

/// Every call there was; a window is a search.
#[derive(Default)]
struct Model {
    calls: Vec<Ended>,
    /// Whole seconds that have ended.
    seconds: u64,
}

const MIN_CALLS: u64 = 4;
const WINDOW_SAMPLES: u64 = 8;
const MAX_AGE: u64 = 15;

impl Model {
    fn recent(&self, ends: &[End]) -> u64 {
        let since = self.seconds.saturating_sub(10);
        let calls = self.calls.iter().filter(|call| (since..self.seconds).contains(&call.second));
        calls.filter(|call| ends.contains(&call.end)).count() as u64
    }

    fn failure_rate(&self) -> Option<f64> {
        let calls = self.recent(&[End::Success, End::Failure, End::Timeout]);
        let failures = self.recent(&[End::Failure, End::Timeout]);
        (calls >= MIN_CALLS).then(|| failures as f64 / calls as f64)
    }

    fn throughput(&self) -> Option<f64> {
        let calls = self.recent(&[End::Success, End::Failure, End::Timeout, End::Cancelled]);
        let span = self.seconds.min(10);
        (span > 0).then(|| calls as f64 / span as f64)
    }

    /// The youngest whole seconds that hold enough samples, and none that began too long ago.
    fn average_latency(&self) -> Option<f64> {
        let mut held = Vec::new();
        for second in (self.seconds.saturating_sub(MAX_AGE)..self.seconds).rev() {
            if held.len() as u64 >= WINDOW_SAMPLES {
                break;
            }
            let timed = |call: &&Ended| call.second == second && call.end != End::Rejected;
            held.extend(self.calls.iter().filter(timed).map(|call| call.took.as_secs_f64()));
        }
        let enough = held.len() as u64 >= MIN_CALLS;
        enough.then(|| held.iter().sum::<f64>() / held.len() as f64)
    }
}

fn any_end() -> impl Strategy<Value = End> {
    prop_oneof![
        4 => Just(End::Success),
        3 => Just(End::Failure),
        1 => Just(End::Timeout),
        1 => Just(End::Rejected),
        1 => Just(End::Cancelled),
    ]
}

fn near(found: Option<f64>, expected: Option<f64>) -> bool {
    match (found, expected) {
        (Some(found), Some(expected)) => (found - expected).abs() < 1e-8,
        (found, expected) => found == expected,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn windows_equal_those_of_a_model_that_keeps_every_call(
        bursts in prop::collection::vec(
            (1u64..6, prop::collection::vec((any_end(), 0u64..9000), 0..6)),
            1..30,
        ),
    ) {
        let age = Duration::from_secs(MAX_AGE);
        let rule = Registry::builder().window_samples(WINDOW_SAMPLES).max_age(age);
        let mut bench = Bench::with(rule);
        let thresholds = Thresholds { min_calls: MIN_CALLS, ..Thresholds::default() };
        let circuit = bench.monitor.circuit("payments", thresholds).unwrap();
        let mut model = Model::default();
        for (seconds, calls) in bursts {
            for (end, took) in calls {
                let took = ms(took);
                match end {
                    End::Success => circuit.success(took),
                    End::Failure => circuit.failure(took, "error"),
                    End::Timeout => circuit.timeout(took),
                    End::Rejected => circuit.rejected(),
                    End::Cancelled => circuit.cancelled(took),
                }
                model.calls.push(Ended { second: model.seconds, end, took });
            }
            for _ in 0..seconds {
                let sample = bench.tick();
                model.seconds += 1;
                let metrics = bench.monitor.metrics(&sample, "payments").unwrap();
                prop_assert_eq!(metrics.failure_rate, model.failure_rate());
                prop_assert!(near(metrics.throughput, model.throughput()), "{:?}", metrics);
                let average = metrics.avg_latency.map(|took| took.as_secs_f64());
                prop_assert!(near(average, model.average_latency()), "{:?}", metrics);
            }
        }
    }
}

#[test]
fn rate_and_latency_are_empty_below_the_minimum_of_calls() {
    let mut bench = Bench::new();
    let thresholds = Thresholds { min_calls: 3, ..Thresholds::default() };
    let circuit = bench.monitor.circuit("payments", thresholds).unwrap();
    (0..2).for_each(|_| circuit.failure(ms(10), "error"));
    bench.tick();
    let metrics = bench.metrics("payments");
    assert_eq!(
        (metrics.failure_rate, metrics.avg_latency, metrics.p95_latency),
        (None, None, None)
    );
    assert_eq!(metrics.recent_calls, 2);
    circuit.success(ms(10));
    bench.tick();
    let metrics = bench.metrics("payments");
    assert_eq!(metrics.failure_rate, Some(2.0 / 3.0));
    assert_eq!(metrics.avg_latency, Some(ms(10)));
}

#[test]
fn minimum_of_none_still_takes_a_call() {
    let mut bench = Bench::new();
    let thresholds = Thresholds { min_calls: 0, ..Thresholds::default() };
    let circuit = bench.monitor.circuit("payments", thresholds).unwrap();
    circuit.rejected();
    bench.tick();
    let metrics = bench.metrics("payments");
    assert_eq!((metrics.failure_rate, metrics.avg_latency), (None, None));
}

#[test]
fn idle_circuit_becomes_empty() {
    let mut bench = Bench::new();
    let circuit = bench.circuit("payments");
    (0..20).for_each(|_| circuit.failure(ms(10), "error"));
    bench.tick();
    assert_eq!(bench.metrics("payments").failure_rate, Some(1.0));
    for _ in 0..310 {
        bench.tick();
    }
    let metrics = bench.metrics("payments");
    assert_eq!((metrics.failure_rate, metrics.avg_latency), (None, None));
    assert_eq!(metrics.throughput, Some(0.0));
}
