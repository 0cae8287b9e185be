//! Alerts: one when a threshold is crossed, one when it is no more, from the tick.

use std::sync::{Arc, Mutex, PoisonError};

use breaker_monitor::{Alert, Circuit, Crossing, Limit, Thresholds};

use crate::bench::{Bench, ms, number};

type Heard = Arc<Mutex<Vec<Alert>>>;

fn listen(bench: &Bench) -> Heard {
    let heard = Heard::default();
    let listener = heard.clone();
    bench.monitor.on_alert(move |alert| listener.lock().unwrap().push(alert.clone()));
    heard
}

/// What was heard since it was last asked.
fn take(heard: &Heard) -> Vec<(Limit, Crossing, Option<f64>)> {
    let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
    heard.drain(..).map(|alert| (alert.limit, alert.crossing, alert.observed)).collect()
}

fn fail(circuit: &Circuit, times: usize) {
    (0..times).for_each(|_| circuit.failure(ms(1), "error"));
}

fn succeed(circuit: &Circuit, times: usize) {
    (0..times).for_each(|_| circuit.success(ms(1)));
}

#[test]
fn crossing_is_told_once_and_its_end_once() {
    let mut bench = Bench::new();
    let heard = listen(&bench);
    let circuit = bench.circuit("payments");
    succeed(&circuit, 4);
    fail(&circuit, 4);
    fail(&circuit, 2);
    succeed(&circuit, 1);
    assert_eq!(take(&heard), [], "recording tells nobody");
    bench.tick();
    let rate = 6.0 / 11.0;
    assert_eq!(take(&heard), [(Limit::FailureRate, Crossing::Raised, Some(rate))]);
    bench.tick();
    bench.tick();
    assert_eq!(take(&heard), [], "it is beyond still");
    succeed(&circuit, 10);
    bench.tick();
    let rate = 6.0 / 21.0;
    assert_eq!(take(&heard), [(Limit::FailureRate, Crossing::Cleared, Some(rate))]);
    bench.tick();
    assert_eq!(take(&heard), []);
}

#[test]
fn each_threshold_is_told_apart() {
    let mut bench = Bench::new();
    let heard = listen(&bench);
    let thresholds = Thresholds::default().average_latency(ms(100));
    let circuit = bench.monitor.circuit("payments", thresholds).unwrap();
    (0..10).for_each(|_| circuit.timeout(ms(101)));
    let sample = bench.tick();
    {
        let heard = heard.lock().unwrap();
        let limits: Vec<_> = heard.iter().map(|alert| alert.limit).collect();
        let all = [Limit::FailureRate, Limit::ConsecutiveFailures, Limit::AverageLatency];
        assert_eq!(limits, all);
        let (run, latency) = (&heard[1], &heard[2]);
        assert_eq!((run.observed, run.threshold), (Some(10.0), 5.0));
        assert_eq!((latency.observed, latency.threshold), (Some(0.101), 0.1));
        assert_eq!((&*latency.circuit, latency.at), ("payments", sample.at));
    }
    for limit in ["failure_rate", "consecutive_failures", "average_latency"] {
        let labels = [("circuit", "payments"), ("threshold", limit)];
        let sample = bench.registry.read();
        assert_eq!(number(&sample, "circuit_breaker_threshold_crossings_total", &labels), 1.0);
    }
}

#[test]
fn every_flap_between_ticks_is_told() {
    let mut bench = Bench::new();
    let heard = listen(&bench);
    let circuit = bench.circuit("payments");
    for _ in 0..3 {
        fail(&circuit, 5);
        bench.tick();
        let raised = take(&heard);
        assert!(raised.contains(&(Limit::ConsecutiveFailures, Crossing::Raised, Some(5.0))));
        succeed(&circuit, 100);
        bench.tick();
        let cleared = take(&heard);
        assert!(cleared.contains(&(Limit::ConsecutiveFailures, Crossing::Cleared, Some(0.0))));
    }
    let labels = [("circuit", "payments"), ("threshold", "consecutive_failures")];
    let sample = bench.tick();
    assert_eq!(number(&sample, "circuit_breaker_threshold_crossings_total", &labels), 3.0);
}

#[test]
fn threshold_changed_at_run_time_is_crossed_at_the_next_tick() {
    let mut bench = Bench::new();
    let heard = listen(&bench);
    let circuit = bench.circuit("payments");
    succeed(&circuit, 9);
    fail(&circuit, 1);
    bench.tick();
    assert_eq!(take(&heard), []);
    circuit.set_thresholds(Thresholds::default().failure_rate(0.05));
    bench.tick();
    assert_eq!(take(&heard), [(Limit::FailureRate, Crossing::Raised, Some(0.1))]);
    bench.monitor.set_thresholds("payments", Thresholds::default()).unwrap();
    bench.tick();
    assert_eq!(take(&heard), [(Limit::FailureRate, Crossing::Cleared, Some(0.1))]);
}

#[test]
fn circuit_without_data_or_gone_is_beyond_nothing() {
    let mut bench = Bench::new();
    let heard = listen(&bench);
    let circuit = bench.circuit("payments");
    fail(&circuit, 10);
    bench.tick();
    assert_eq!(take(&heard).len(), 2);
    for _ in 0..10 {
        bench.tick();
    }
    assert_eq!(take(&heard), [(Limit::FailureRate, Crossing::Cleared, None)]);
    drop(circuit);
    bench.tick();
    assert_eq!(take(&heard), [(Limit::ConsecutiveFailures, Crossing::Cleared, None)]);
}

#[test]
fn panicking_listener_is_contained_and_counted() {
    let mut bench = Bench::new();
    bench.monitor.on_alert(|alert| panic!("a listener's own: {alert:?}"));
    let heard = listen(&bench);
    let circuit = bench.circuit("payments");
    fail(&circuit, 5);
    bench.tick();
    succeed(&circuit, 100);
    let sample = bench.tick();
    assert_eq!(take(&heard).len(), 2);
    assert_eq!(
        number(
            &sample,
            "node0_monitor_panics_total",
            &[("topic", "circuit-breaker"), ("call", "assess"),]
        ),
        0.0
    );
    let sample = bench.tick();
    assert_eq!(number(&sample, "circuit_breaker_listener_panics_total", &[]), 2.0);
}

#[test]
fn listener_may_come_back_to_the_monitor() {
    let mut bench = Bench::new();
    let monitor = bench.monitor.clone();
    let registry = bench.registry.clone();
    bench.monitor.on_alert(move |alert| {
        let lenient = Thresholds::default().consecutive_failures(100);
        monitor.set_thresholds(&alert.circuit, lenient).unwrap();
        drop(monitor.circuit("made by a listener", Thresholds::default()).unwrap());
        monitor.circuit_metrics(&registry.read(), &alert.circuit).unwrap();
        monitor.on_alert(|_| {});
    });
    let circuit = bench.circuit("payments");
    fail(&circuit, 5);
    bench.tick();
    assert_eq!(circuit.thresholds().consecutive_failures, 100);
}

#[test]
fn older_view_tells_nothing() {
    let mut bench = Bench::new();
    let heard = listen(&bench);
    let circuit = bench.circuit("payments");
    let before = bench.tick();
    fail(&circuit, 5);
    let after = bench.tick();
    assert_eq!(take(&heard).len(), 1);
    let monitor = bench.registry.monitors()[0].clone();
    for sample in [&before, &after] {
        monitor.assess(&sample.view());
        assert_eq!(take(&heard), []);
    }
    bench.monitor.assess_all(&before);
    assert_eq!(take(&heard), []);
}
