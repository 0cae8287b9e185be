//! Circuits by name: registration, removal, and records for unknown names.

use std::sync::Arc;

use node0_breaker_monitor::{BreakerMonitor, MAX_CIRCUITS, MAX_FAILURE_KINDS, State, Thresholds};
use node0_metrics_core::{Desc, InstanceError, ManualClock, RegisterError, Registry, Sample};

const KIND: &str = "circuit";

use crate::bench::{Bench, ms, number, one_hot, outcomes};

fn circuit_series(sample: &Sample) -> usize {
    let families = sample.snapshot.families();
    let series = families.flat_map(|family| family.series());
    series.filter(|(labels, _)| labels.get("circuit").is_some()).count()
}

#[test]
fn second_monitor_of_a_registry_is_refused() {
    let bench = Bench::new();
    let error = BreakerMonitor::register(&bench.registry).unwrap_err();
    assert_eq!(error, RegisterError::DuplicateTopic { topic: "circuit-breaker" });
}

#[test]
fn name_is_taken_until_the_last_handle_drops() {
    let mut bench = Bench::new();
    let circuit = bench.circuit("payments");
    let same = circuit.clone();
    assert_eq!((circuit.name(), bench.monitor.circuits()), ("payments", vec!["payments".into()]));
    let again = || bench.monitor.circuit("payments", Thresholds::default());
    let taken = InstanceError::Duplicate { kind: KIND, name: "payments".into() };
    assert_eq!(again().unwrap_err(), taken);
    drop(circuit);
    assert_eq!(again().unwrap_err(), taken);
    drop(same);
    assert!(bench.monitor.circuits().is_empty());
    drop(again().unwrap());
    // The tick samples its series once more, so that nothing is lost.
    bench.tick();
    assert_eq!(circuit_series(&bench.registry.read()), 0);
}

#[test]
fn last_handle_takes_the_series_with_it_at_the_next_tick() {
    let mut bench = Bench::new();
    let before = circuit_series(&bench.tick());
    let circuit = bench.circuit("payments");
    circuit.success(ms(1));
    assert!(circuit_series(&bench.tick()) > before);
    drop(circuit);
    bench.tick();
    assert_eq!(circuit_series(&bench.registry.read()), before);
}

#[test]
fn circuit_that_comes_back_within_a_tick_begins_as_closed() {
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    circuit.set_state(State::Open, "");
    circuit.failure(ms(1), "error");
    drop(circuit);
    let _again = bench.circuit("payments");
    assert_eq!(one_hot(&bench.registry.read(), "payments"), State::Closed);
    let metrics = bench.metrics("payments");
    // Counters never fall, so what was counted stays.
    assert_eq!((metrics.consecutive_failures, metrics.failures), (0, 1));
}

#[test]
fn call_in_flight_keeps_the_series_and_not_the_name() {
    let mut bench = Bench::new();
    let circuit = bench.circuit("payments");
    let call = circuit.start();
    drop(circuit);
    assert!(bench.monitor.circuits().is_empty());
    call.success();
    let sample = bench.tick();
    assert_eq!(outcomes(&sample, "payments")[0], 1);
}

#[test]
fn unusable_names_are_refused() {
    let bench = Bench::new();
    let long = "x".repeat(257);
    let cases = [
        ("", "it is empty"),
        (&long, "it is longer than 256 bytes"),
        ("_other", "`_other` is where label values beyond the cap are folded"),
        ("a\nb", "it has control characters"),
    ];
    for (name, rule) in cases {
        let error = bench.monitor.circuit(name, Thresholds::default()).unwrap_err();
        assert_eq!(error, InstanceError::Name { kind: KIND, name: name.into(), rule });
    }
    let longest = "x".repeat(256);
    assert!(bench.monitor.circuit(&longest, Thresholds::default()).is_ok());
}

#[test]
fn circuits_are_bounded() {
    let mut bench = Bench::new();
    let mut circuits: Vec<_> =
        (0..MAX_CIRCUITS).map(|at| bench.circuit(&format!("circuit-{at}"))).collect();
    let one_more = bench.monitor.circuit("one-more", Thresholds::default());
    let too_many = InstanceError::TooMany { kind: KIND, limit: MAX_CIRCUITS };
    assert_eq!(one_more.unwrap_err(), too_many);
    // As many as there may be have series of their own each.
    let sample = bench.tick();
    let other = [("circuit", "_other"), ("from", "_other"), ("to", "_other")];
    assert!(sample.snapshot.value("circuit_breaker_transitions_total", &other).is_none());
    circuits.pop();
    assert!(bench.monitor.circuit("one-more", Thresholds::default()).is_ok());
}

#[test]
fn circuit_has_as_many_kinds_of_failure_as_it_may_or_none() {
    let mut bench = Bench::new();
    let kinds: [_; MAX_FAILURE_KINDS] = ["a", "b", "c", "d", "e", "f", "g"];
    let with_all = bench.monitor.circuit_with_kinds("all", Thresholds::default(), kinds).unwrap();
    let with_none = bench.monitor.circuit_with_kinds("none", Thresholds::default(), []).unwrap();
    for circuit in [&with_all, &with_none] {
        kinds.iter().for_each(|kind| circuit.failure(ms(1), kind));
    }
    let sample = bench.tick();
    let count = |circuit, kind| {
        let labels = [("circuit", circuit), ("kind", kind)];
        number(&sample, "circuit_breaker_failures_total", &labels)
    };
    assert!(kinds.iter().all(|kind| count("all", kind) == 1.0));
    assert_eq!((count("all", "_other"), count("none", "_other")), (0.0, 7.0));
}

#[test]
fn metric_name_that_means_something_else_is_refused() {
    const TAKEN: Desc = Desc::gauge("circuit_breaker_state", "Something else.");
    let bench = Bench::new();
    let _taken = bench.registry.gauge(&TAKEN, &[]).unwrap();
    let error = bench.monitor.circuit("payments", Thresholds::default()).unwrap_err();
    let InstanceError::Register { kind: KIND, source } = error else { panic!("{error:?}") };
    assert!(matches!(source, RegisterError::Conflict { .. }), "{source:?}");
    assert!(bench.monitor.circuits().is_empty());
}

#[test]
fn records_by_name_are_those_of_the_handle() {
    let bench = Bench::new();
    let monitor = &bench.monitor;
    let _ = monitor.register_circuit("payments", Thresholds::default()).unwrap();
    monitor.record_success("payments", ms(150));
    monitor.record_failure("payments", ms(3000), "connect");
    monitor.record_timeout("payments", ms(5000));
    monitor.record_rejected("payments");
    let reason = "failure threshold exceeded";
    monitor.record_state_change("payments", State::Closed, State::Open, reason);
    let sample = bench.registry.read();
    assert_eq!(outcomes(&sample, "payments"), [1, 1, 1, 1, 0]);
    assert_eq!(one_hot(&sample, "payments"), State::Open);
    let handle = monitor.get("payments").unwrap();
    assert_eq!(handle.last_transition().unwrap().reason, reason);
    // What a handle keeps alive is found by name, too.
    let other = bench.circuit("other");
    monitor.record_success("other", ms(1));
    assert_eq!(bench.metrics(other.name()).successes, 1);
}

#[test]
fn circuit_that_is_recorded_by_name_lasts_until_it_is_removed() {
    let mut bench = Bench::new();
    drop(bench.monitor.register_circuit("payments", Thresholds::default()).unwrap());
    assert_eq!(bench.monitor.circuits(), ["payments"]);
    let handle = bench.monitor.get("payments").unwrap();
    assert!(bench.monitor.remove_circuit("payments"));
    assert_eq!(bench.monitor.circuits(), ["payments"]);
    drop(handle);
    assert!(!bench.monitor.remove_circuit("payments"));
    assert!(bench.monitor.get("payments").is_none());
    bench.tick();
    assert_eq!(circuit_series(&bench.registry.read()), 0);
}

#[test]
fn unknown_name_is_counted_and_goes_nowhere() {
    let bench = Bench::new();
    let monitor = &bench.monitor;
    drop(bench.circuit("gone"));
    monitor.record_success("gone", ms(1));
    monitor.record_failure("never", ms(1), "error");
    monitor.record_timeout("never", ms(1));
    monitor.record_rejected("never");
    monitor.record_state_change("never", State::Closed, State::Open, "");
    let sample = bench.registry.read();
    assert_eq!(number(&sample, "circuit_breaker_unknown_circuits_total", &[]), 5.0);
    assert!(monitor.metrics(&sample, "never").is_none());
    assert!(monitor.assess(&sample, "never").is_none());
    let _known = bench.circuit("payments");
    let error = monitor.set_thresholds("never", Thresholds::default()).unwrap_err();
    assert_eq!((&*error.target, error.known), ("never", vec!["payments".to_owned()]));
}

#[test]
fn registry_monitor_and_circuits_are_no_circle() {
    let registry = Registry::builder().clock(ManualClock::new().clock()).build();
    let monitor = BreakerMonitor::register(&registry).unwrap();
    let circuit = monitor.register_circuit("payments", Thresholds::default()).unwrap();
    // The registry drops its listeners when it is dropped itself.
    let held = Arc::new(());
    let registry_lives = Arc::downgrade(&held);
    monitor.on_finding("held", move |_| assert_eq!(*held, ())).unwrap();
    drop((circuit, monitor));
    assert!(registry_lives.upgrade().is_some());
    drop(registry);
    assert!(registry_lives.upgrade().is_none());
}
