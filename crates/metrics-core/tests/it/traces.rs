//! Traces of recorded values: exemplars of timers, and the slowest of a window.

use std::cell::Cell;
use std::time::Duration;

use node0_metrics_core::{
    Desc, Exemplar, Latency, Registry, Sample, SpanId, TraceContext, TraceId,
};

use crate::Bench;

const WAIT: Desc = Desc::latency("wait_seconds", "Time spent waiting.").bounds(&[0.01, 1.0]);

thread_local!(static CURRENT: Cell<Option<TraceContext>> = const { Cell::new(None) });

/// A registry whose windows hold three samples, from three minutes at most.
fn traced() -> (Bench, Latency) {
    let bench = Bench::with(|builder| {
        builder.traces(|| CURRENT.get()).window_samples(3).max_age(Duration::from_secs(180))
    });
    let wait = bench.registry.latency(&WAIT, &[]).expect("the name is free");
    (bench, wait)
}

fn record(wait: &Latency, millis: u64, trace: u128) {
    wait.record_traced(Duration::from_millis(millis), TraceId::new(trace));
}

/// The trace of the slowest value in the window.
fn slowest(bench: &Bench, wait: &Latency) -> Option<u128> {
    let sample = bench.registry.read();
    let histogram = sample.view().latency(wait).expect("it is registered");
    histogram.window().slowest().map(|exemplar| exemplar.trace.get())
}

fn exemplars(sample: &Sample, wait: &Latency) -> Vec<Exemplar> {
    sample.view().latency(wait).expect("it is registered").exemplars().to_vec()
}

#[test]
fn the_trace_that_is_current_when_a_timer_ends_is_an_exemplar() {
    let (bench, wait) = traced();
    let context =
        |id: u64| TraceContext { trace: TraceId::new(id.into()), span: Some(SpanId::new(id)) };
    let timer = wait.start();
    CURRENT.set(Some(context(1)));
    bench.clock.advance(Duration::from_millis(5));
    timer.stop();
    CURRENT.set(Some(context(2)));
    let dropped = wait.start();
    bench.clock.advance(Duration::from_millis(50));
    drop(dropped);
    wait.start().discard();
    CURRENT.set(None);
    let untraced = wait.start();
    bench.clock.advance(Duration::from_secs(5));
    drop(untraced);
    let found = exemplars(&bench.registry.read(), &wait);
    let found: Vec<_> = found.iter().map(|it| (it.value, it.trace, it.span)).collect();
    let expected = [(0.005, 1), (0.05, 2)];
    assert_eq!(
        found,
        expected.map(|(value, id)| (value, context(id).trace, context(id).span)),
        "the third has no trace"
    );
}

#[test]
fn a_registry_without_traces_asks_for_none() {
    CURRENT.set(Some(TraceId::new(1).into()));
    let registry = Registry::new();
    let wait = registry.latency(&WAIT, &[]).unwrap();
    drop(wait.start());
    assert_eq!(exemplars(&registry.read(), &wait), []);
}

#[test]
fn the_slowest_is_that_of_the_window() {
    let (mut bench, wait) = traced();
    assert_eq!(slowest(&bench, &wait), None);
    wait.record(Duration::from_secs(9));
    assert_eq!(slowest(&bench, &wait), None, "it has no trace");
    bench.tick();
    // Both in one bucket, whose exemplar is the first.
    record(&wait, 20, 1);
    record(&wait, 30, 2);
    assert_eq!(slowest(&bench, &wait), Some(2));
    bench.tick();
    record(&wait, 25, 3);
    assert_eq!(slowest(&bench, &wait), Some(2), "a later one is faster");
    bench.tick();
    assert_eq!(slowest(&bench, &wait), Some(2), "the window has the ticks of 1, 2 and 3");
    (0..3).for_each(|_| record(&wait, 5, 4));
    assert_eq!(slowest(&bench, &wait), Some(4), "these three fill a window");
    bench.tick();
    assert_eq!(slowest(&bench, &wait), Some(4));
    record(&wait, 6, 5);
    bench.tick();
    assert_eq!(slowest(&bench, &wait), Some(5), "a slower one displaces those before");
}

#[test]
fn the_slowest_leaves_an_idle_window_by_its_age() {
    let (mut bench, wait) = traced();
    record(&wait, 20, 1);
    bench.tick();
    bench.clock.advance(Duration::from_secs(90));
    bench.tick();
    assert_eq!(slowest(&bench, &wait), Some(1));
    bench.clock.advance(Duration::from_secs(100));
    bench.tick();
    assert_eq!(slowest(&bench, &wait), None);
}
