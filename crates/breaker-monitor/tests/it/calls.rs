//! Calls: each is counted once by its outcome and timed; consecutive failures are counted.

use std::time::Duration;

use node0_breaker_monitor::Outcome;

use crate::bench::{Bench, ms, number, outcomes, sum_millis};

#[test]
fn each_call_is_counted_once_by_its_end() {
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    circuit.success(ms(1));
    circuit.failure(ms(2), "connect");
    circuit.failure(ms(4), "response");
    circuit.timeout(ms(8));
    circuit.rejected();
    circuit.cancelled(ms(16));
    let sample = bench.registry.read();
    assert_eq!(outcomes(&sample, "payments"), [1, 2, 1, 1, 1]);
    // A rejected call takes no time that says anything of the service.
    assert_eq!(sum_millis(&sample, "payments").round(), 31.0);
    let metrics = bench.metrics("payments");
    assert_eq!((metrics.successes, metrics.failures, metrics.timeouts), (1, 2, 1));
    assert_eq!((metrics.rejected, metrics.cancelled, metrics.samples), (1, 1, 5));
}

#[test]
fn outcomes_record_like_the_methods_of_their_names() {
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    let failure = Outcome::Failure("connect");
    let others = [Outcome::Success, Outcome::Timeout, Outcome::Rejected, Outcome::Cancelled];
    for outcome in others.into_iter().chain([failure]) {
        circuit.record(ms(10), outcome);
    }
    let sample = bench.registry.read();
    assert_eq!(outcomes(&sample, "payments"), [1; 5]);
    assert_eq!(sum_millis(&sample, "payments").round(), 40.0);
}

#[test]
fn failures_are_counted_by_kind_and_unknown_kinds_together() {
    let bench = Bench::new();
    let thresholds = Default::default();
    let kinds = ["refused", "status"];
    let circuit = bench.monitor.circuit_with_kinds("payments", thresholds, kinds).unwrap();
    for kind in ["refused", "refused", "status", "novel", "another", "connect"] {
        circuit.failure(ms(1), kind);
    }
    let sample = bench.registry.read();
    let count = |kind| {
        let labels = [("circuit", "payments"), ("kind", kind)];
        number(&sample, "circuit_breaker_failures_total", &labels)
    };
    assert_eq!(["refused", "status", "_other"].map(count), [2.0, 1.0, 3.0]);
    assert_eq!(outcomes(&sample, "payments")[1], 6);
}

#[test]
fn run_of_failures_grows_until_a_success() {
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    let run = || bench.metrics("payments").consecutive_failures;
    circuit.failure(ms(1), "error");
    circuit.timeout(ms(1));
    assert_eq!(run(), 2);
    circuit.rejected();
    circuit.cancelled(ms(1));
    assert_eq!(run(), 2);
    circuit.success(ms(1));
    assert_eq!(run(), 0);
    circuit.failure(ms(1), "error");
    assert_eq!(run(), 1);
}

#[test]
fn longest_run_is_shown_for_a_minute() {
    let mut bench = Bench::new();
    let circuit = bench.circuit("payments");
    (0..7).for_each(|_| circuit.failure(ms(1), "error"));
    circuit.success(ms(1));
    (0..2).for_each(|_| circuit.failure(ms(1), "error"));
    let peak = |bench: &Bench| bench.metrics("payments").peak_consecutive_failures;
    assert_eq!(peak(&bench), 7);
    for _ in 0..30 {
        bench.tick();
    }
    assert_eq!(peak(&bench), 7);
    for _ in 0..40 {
        bench.tick();
    }
    // The run that goes on does not age.
    assert_eq!(peak(&bench), 2);
}

#[test]
fn guarded_call_is_timed_to_its_end() {
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    let start = || {
        let call = circuit.start();
        bench.pass(ms(10));
        call
    };
    start().success();
    start().failure("connect");
    start().timeout();
    start().rejected();
    drop(start());
    let sample = bench.registry.read();
    assert_eq!(outcomes(&sample, "payments"), [1, 1, 1, 1, 1]);
    assert_eq!(sum_millis(&sample, "payments").round(), 40.0);
}

#[test]
fn clones_record_into_the_same_series() {
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    let same = circuit.clone();
    circuit.success(ms(1));
    same.success(ms(1));
    assert_eq!(bench.metrics("payments").successes, 2);
}

#[test]
fn calls_of_any_length_are_taken() {
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    circuit.success(Duration::MAX);
    circuit.failure(Duration::ZERO, "");
    assert_eq!(outcomes(&bench.registry.read(), "payments"), [1, 1, 0, 0, 0]);
}
