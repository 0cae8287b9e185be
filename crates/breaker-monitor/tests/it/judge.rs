//! Judgements: the findings about a circuit, their penalties, and circuits without data.

use std::time::Duration;

use node0_breaker_monitor::{Circuit, State, Thresholds};
use node0_metrics_core::{Assessment, Status};

use crate::bench::{Bench, ms};

#[track_caller]
fn check(assessment: &Assessment, score: u8, codes: &[&str]) {
    let found: Vec<_> = assessment.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(found, codes, "{assessment:#?}");
    assert_eq!(assessment.score, Some(score));
    assert_eq!(assessment.status, Status::of(Some(score)));
    for finding in &assessment.findings {
        assert!(finding.observed.is_finite() && finding.threshold.is_finite(), "{finding:?}");
        let advice = &*finding.advice;
        assert!(assessment.recommendations().contains(&advice));
        assert!(advice.contains(&*finding.component), "{advice}");
        assert!(advice.contains(char::is_numeric), "{advice} names no value");
    }
}

/// Drives a circuit, ends a tick and compares the judgement.
#[track_caller]
fn judge(thresholds: Thresholds, drive: impl FnOnce(&Circuit), score: u8, codes: &[&str]) {
    let mut bench = Bench::new();
    let circuit = bench.monitor.circuit("payments", thresholds).unwrap();
    drive(&circuit);
    let sample = bench.tick();
    check(&bench.monitor.assess(&sample, "payments").unwrap(), score, codes);
    check(&bench.monitor.assess_all(&sample), score, codes);
    check(&sample.topics[0].assessment, score, codes);
}

fn calls(circuit: &Circuit, successes: u32, failures: u32, took: Duration) {
    (0..failures).for_each(|_| circuit.failure(took, "error"));
    (0..successes).for_each(|_| circuit.success(took));
}

#[test]
fn states_are_judged_whatever_the_calls() {
    let strict = Thresholds::default();
    judge(strict, |circuit| circuit.success(ms(1)), 100, &[]);
    judge(strict, |circuit| circuit.set_state(State::Open, ""), 50, &["circuit_open"]);
    judge(strict, |circuit| circuit.set_state(State::HalfOpen, ""), 80, &["circuit_half_open"]);
    let came_back = |circuit: &Circuit| {
        circuit.set_state(State::Open, "");
        circuit.set_state(State::HalfOpen, "");
        circuit.set_state(State::Closed, "");
    };
    judge(strict, came_back, 100, &[]);
}

#[test]
fn failure_rate_is_judged_beyond_its_threshold() {
    let many = Thresholds { consecutive_failures: 1000, ..Thresholds::default() };
    judge(many, |circuit| calls(circuit, 10, 10, ms(1)), 100, &[]);
    judge(many, |circuit| calls(circuit, 99, 101, ms(1)), 50, &["high_failure_rate"]);
    judge(many, |circuit| calls(circuit, 0, 10, ms(1)), 20, &["high_failure_rate"]);
    let low = Thresholds { failure_rate: 0.05, ..many };
    judge(low, |circuit| calls(circuit, 19, 1, ms(1)), 100, &[]);
    judge(low, |circuit| calls(circuit, 9, 1, ms(1)), 74, &["high_failure_rate"]);
    let timeouts = |circuit: &Circuit| (0..10).for_each(|_| circuit.timeout(ms(1)));
    judge(many, timeouts, 20, &["high_failure_rate"]);
    let none = Thresholds { failure_rate: 0.0, ..many };
    judge(none, |circuit| calls(circuit, 10, 0, ms(1)), 100, &[]);
    judge(none, |circuit| calls(circuit, 999, 1, ms(1)), 80, &["high_failure_rate"]);
    judge(
        Thresholds { failure_rate: 1.0, ..many },
        |circuit| calls(circuit, 0, 10, ms(1)),
        100,
        &[],
    );
}

#[test]
fn rejected_and_cancelled_calls_are_no_failures() {
    let drive = |circuit: &Circuit| {
        calls(circuit, 10, 0, ms(1));
        (0..100).for_each(|_| circuit.rejected());
        (0..100).for_each(|_| circuit.cancelled(ms(1)));
    };
    judge(Thresholds::default(), drive, 100, &[]);
}

#[test]
fn rates_are_judged_from_the_minimum_of_calls_on() {
    let thresholds = Thresholds { consecutive_failures: 1000, ..Thresholds::default() };
    let slow = Duration::from_secs(6);
    judge(thresholds, |circuit| calls(circuit, 0, 9, slow), 100, &[]);
    judge(thresholds, |circuit| calls(circuit, 0, 10, ms(1)), 20, &["high_failure_rate"]);
    judge(thresholds, |circuit| calls(circuit, 9, 0, slow), 100, &[]);
    judge(thresholds, |circuit| calls(circuit, 10, 0, slow), 80, &["slow_calls"]);
}

#[test]
fn failures_in_a_row_are_judged_from_their_threshold_on() {
    let thresholds = Thresholds::default();
    judge(thresholds, |circuit| calls(circuit, 0, 4, ms(1)), 100, &[]);
    judge(thresholds, |circuit| calls(circuit, 0, 5, ms(1)), 80, &["consecutive_failures"]);
    judge(thresholds, |circuit| calls(circuit, 1, 5, ms(1)), 100, &[]);
    // A threshold of none would be crossed by a circuit that never failed.
    let none = Thresholds { consecutive_failures: 0, ..thresholds };
    judge(none, |circuit| calls(circuit, 1, 0, ms(1)), 100, &[]);
    judge(none, |circuit| calls(circuit, 0, 1, ms(1)), 80, &["consecutive_failures"]);
}

#[test]
fn latency_is_judged_beyond_its_threshold() {
    let thresholds = Thresholds { average_latency: ms(100), ..Thresholds::default() };
    judge(thresholds, |circuit| calls(circuit, 10, 0, ms(100)), 100, &[]);
    let barely = Duration::from_nanos(100_000_001);
    judge(thresholds, |circuit| calls(circuit, 10, 0, barely), 80, &["slow_calls"]);
    // The mean of the window, not of its slowest.
    let mixed = |circuit: &Circuit| {
        calls(circuit, 99, 0, ms(1));
        calls(circuit, 1, 0, ms(9000));
    };
    judge(thresholds, mixed, 100, &[]);
}

#[test]
fn circuit_with_everything_wrong_ends_at_nothing() {
    let drive = |circuit: &Circuit| {
        calls(circuit, 0, 20, Duration::from_secs(8));
        circuit.set_state(State::Open, "");
    };
    let all = ["circuit_open", "high_failure_rate", "consecutive_failures", "slow_calls"];
    judge(Thresholds::default(), drive, 0, &all);
}

#[test]
fn thresholds_that_are_no_numbers_are_never_crossed() {
    let thresholds = Thresholds {
        failure_rate: f64::NAN,
        consecutive_failures: u64::MAX,
        average_latency: Duration::MAX,
        ..Thresholds::default()
    };
    judge(thresholds, |circuit| calls(circuit, 0, 20, Duration::from_secs(60)), 100, &[]);
}

#[test]
fn circuit_that_nobody_called_is_unknown() {
    let mut bench = Bench::new();
    assert_eq!(bench.monitor.assess_all(&bench.registry.read()).status, Status::Unknown);
    let _circuit = bench.circuit("payments");
    let sample = bench.tick();
    let assessment = bench.monitor.assess(&sample, "payments").unwrap();
    assert_eq!((assessment.status, assessment.score), (Status::Unknown, None));
    assert_eq!(sample.overall().score, None);
}

#[test]
fn idle_circuit_is_judged_by_its_state() {
    let mut bench = Bench::new();
    let circuit = bench.circuit("payments");
    calls(&circuit, 0, 4, ms(1));
    for _ in 0..400 {
        bench.tick();
    }
    let judge = || bench.monitor.assess(&bench.registry.read(), "payments").unwrap();
    check(&judge(), 100, &[]);
    circuit.set_state(State::Open, "");
    check(&judge(), 50, &["circuit_open"]);
}

#[test]
fn threshold_changed_at_run_time_is_judged_by_at_once() {
    let mut bench = Bench::new();
    let circuit = bench.circuit("payments");
    calls(&circuit, 8, 2, ms(1));
    let sample = bench.tick();
    check(&bench.monitor.assess(&sample, "payments").unwrap(), 100, &[]);
    circuit.set_thresholds(Thresholds { failure_rate: 0.1, ..Thresholds::default() });
    check(&bench.monitor.assess(&sample, "payments").unwrap(), 68, &["high_failure_rate"]);
}

#[test]
fn finding_says_what_was_seen_and_what_it_is_compared_with() {
    let mut bench = Bench::new();
    let circuit = bench.circuit("payments");
    calls(&circuit, 2, 8, ms(1));
    let sample = bench.tick();
    let assessment = bench.monitor.assess(&sample, "payments").unwrap();
    let finding = &assessment.findings[0];
    assert_eq!((finding.observed, finding.threshold, &*finding.component), (0.8, 0.5, "payments"));
    assert_eq!(finding.message, "circuit `payments`: 8 of 10 recent calls failed or timed out");
    assert_eq!(
        assessment.recommendations()[0],
        "Find out why 8 of 10 recent calls of `payments` fail, or raise its `failure_rate` of 0.5"
    );
}

#[test]
fn topic_has_the_worst_circuits_score_and_the_findings_of_all() {
    let mut bench = Bench::new();
    let names = ["dead", "fine", "new", "sick"];
    let [dead, fine, _new, sick] = names.map(|name| bench.circuit(name));
    dead.set_state(State::Open, "");
    fine.success(ms(1));
    sick.set_state(State::HalfOpen, "");
    let sample = bench.tick();
    check(&bench.monitor.assess_all(&sample), 50, &["circuit_open", "circuit_half_open"]);
    drop((dead, sick));
    let sample = bench.tick();
    let all = bench.monitor.assess_all(&sample);
    check(&all, 100, &[]);
    assert_eq!(all.summary, "All circuits healthy");
}

#[test]
fn open_circuit_that_recovers_is_believed_after_two_ticks() {
    let mut bench = Bench::new();
    let circuit = bench.circuit("payments");
    circuit.success(ms(1));
    let status = |bench: &mut Bench| bench.tick().topics[0].assessment.status;
    assert_eq!(status(&mut bench), Status::Healthy);
    circuit.set_state(State::Open, "");
    assert_eq!(status(&mut bench), Status::Healthy);
    assert_eq!(status(&mut bench), Status::Unhealthy);
    circuit.set_state(State::HalfOpen, "");
    assert_eq!(status(&mut bench), Status::Unhealthy);
    assert_eq!(status(&mut bench), Status::Degraded);
    circuit.set_state(State::Closed, "");
    assert_eq!(status(&mut bench), Status::Degraded);
    assert_eq!(status(&mut bench), Status::Healthy);
}

#[test]
fn same_numbers_are_judged_alike() {
    let mut bench = Bench::new();
    let circuit = bench.circuit("payments");
    calls(&circuit, 3, 30, ms(7));
    let sample = bench.tick();
    assert_eq!(bench.monitor.assess_all(&sample), bench.monitor.assess_all(&sample));
}
