//! Findings: each is raised and cleared once, and each crossed threshold is counted once.

use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};

use node0_breaker_monitor::{Circuit, Thresholds};
use node0_metrics_core::FindingState::{self, Cleared, Raised};
use node0_metrics_core::{
    Finding, FindingChange, Judgement, Monitor, RegisterError, Report, Sample, Topic,
    UnknownTarget, View, lock,
};

use crate::bench::{Bench, ms, number};

const RATE: &str = "high_failure_rate";
const RUN: &str = "consecutive_failures";
const SLOW: &str = "slow_calls";

type Heard = Arc<Mutex<Vec<FindingChange>>>;

fn listen(bench: &Bench) -> Heard {
    let heard = Heard::default();
    let listener = heard.clone();
    let listen = move |change: &FindingChange| lock(&listener).push(change.clone());
    bench.monitor.on_finding("test", listen).unwrap();
    heard
}

/// Returns the code, the state and the observed value of each change since the last call.
fn take(heard: &Heard) -> Vec<(&'static str, FindingState, f64)> {
    let changes = std::mem::take(&mut *lock(heard));
    let told = |change: FindingChange| (change.finding.code, change.state, change.finding.observed);
    changes.into_iter().map(told).collect()
}

fn crossings(sample: &Sample, threshold: &str) -> f64 {
    let labels = [("circuit", "payments"), ("threshold", threshold)];
    number(sample, "circuit_breaker_threshold_crossings_total", &labels)
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
    assert_eq!(take(&heard), [(RATE, Raised, rate)]);
    bench.tick();
    bench.tick();
    assert_eq!(take(&heard), [], "it is beyond still");
    succeed(&circuit, 10);
    bench.tick();
    assert_eq!(take(&heard), [(RATE, Cleared, rate)], "as it was found last");
    bench.tick();
    assert_eq!(take(&heard), []);
}

/// A report before the first tick asks for a judgement, as ticks do.
#[test]
fn a_judgement_counts_nothing_and_tells_nobody() {
    let mut bench = Bench::new();
    let heard = listen(&bench);
    let circuit = bench.circuit("payments");
    fail(&circuit, 5);
    let health = |sample: &Arc<Sample>| sample.report("circuit-breaker", None).unwrap().health;
    let sample = bench.registry.read();
    let judged = health(&sample);
    assert_eq!(judged.findings[0].code, RUN);
    assert_eq!(health(&sample), judged, "equal numbers have equal judgements");
    assert_eq!(take(&heard), []);
    assert_eq!(crossings(&bench.registry.read(), "consecutive_failures"), 0.0);
    bench.tick();
    assert_eq!(take(&heard), [(RUN, Raised, 5.0)]);
    assert_eq!(crossings(&bench.registry.read(), "consecutive_failures"), 1.0);
}

#[test]
fn each_threshold_is_told_and_counted_apart() {
    let mut bench = Bench::new();
    let heard = listen(&bench);
    let thresholds = Thresholds { average_latency: ms(100), ..Thresholds::default() };
    let circuit = bench.monitor.circuit("payments", thresholds).unwrap();
    (0..10).for_each(|_| circuit.timeout(ms(101)));
    let thresholds = ["failure_rate", "consecutive_failures", "average_latency"];
    let counts = |sample: &Sample| thresholds.map(|threshold| crossings(sample, threshold));
    assert_eq!(counts(&bench.registry.read()), [0.0; 3], "each has a series from the start");
    let sample = bench.tick();
    {
        let heard = lock(&heard);
        let codes: Vec<_> = heard.iter().map(|change| change.finding.code).collect();
        assert_eq!(codes, [RATE, RUN, SLOW]);
        let (run, slow) = (&heard[1], &heard[2]);
        assert_eq!((run.finding.observed, run.finding.threshold), (10.0, 5.0));
        assert_eq!((slow.finding.observed, slow.finding.threshold), (0.101, 0.1));
        assert_eq!((&*slow.finding.component, slow.since), ("payments", sample.at));
    }
    assert_eq!(counts(&bench.registry.read()), [1.0; 3]);
    assert_eq!(counts(&bench.tick()), [1.0; 3], "a threshold that stays crossed counts once");
}

#[test]
fn every_flap_between_ticks_is_told_and_counted() {
    let mut bench = Bench::new();
    let heard = listen(&bench);
    let circuit = bench.circuit("payments");
    for _ in 0..3 {
        fail(&circuit, 5);
        bench.tick();
        assert!(take(&heard).contains(&(RUN, Raised, 5.0)));
        succeed(&circuit, 100);
        bench.tick();
        assert!(take(&heard).contains(&(RUN, Cleared, 5.0)));
    }
    assert_eq!(crossings(&bench.tick(), "consecutive_failures"), 3.0);
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
    circuit.set_thresholds(Thresholds { failure_rate: 0.05, ..Thresholds::default() });
    bench.tick();
    assert_eq!(take(&heard), [(RATE, Raised, 0.1)]);
    bench.monitor.set_thresholds("payments", Thresholds::default()).unwrap();
    bench.tick();
    assert_eq!(take(&heard), [(RATE, Cleared, 0.1)]);
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
    assert_eq!(take(&heard), [(RATE, Cleared, 1.0)]);
    drop(circuit);
    bench.tick();
    assert_eq!(take(&heard), [(RUN, Cleared, 10.0)]);
}

#[test]
fn panicking_listener_is_counted_by_the_core_and_disturbs_nobody() {
    let mut bench = Bench::new();
    // Without the panic hook, whose backtrace can take longer than a listener may.
    let panics = |_: &FindingChange| resume_unwind(Box::new("a listener's own"));
    bench.monitor.on_finding("panics", panics).unwrap();
    let heard = listen(&bench);
    let circuit = bench.circuit("payments");
    fail(&circuit, 5);
    bench.tick();
    succeed(&circuit, 100);
    let sample = bench.tick();
    assert_eq!(take(&heard), [(RUN, Raised, 5.0), (RUN, Cleared, 5.0)]);
    let labels = [("guest", "panics"), ("call", "listen"), ("reason", "panic")];
    assert_eq!(number(&sample, "node0_guest_failures_total", &labels), 1.0);
    assert_eq!(crossings(&sample, "consecutive_failures"), 1.0);
}

#[test]
fn listener_may_come_back_to_the_monitor() {
    let mut bench = Bench::new();
    let monitor = bench.monitor.clone();
    let registry = bench.registry.clone();
    let come_back = move |change: &FindingChange| {
        let circuit = &*change.finding.component;
        let lenient = Thresholds { consecutive_failures: 100, ..Thresholds::default() };
        monitor.set_thresholds(circuit, lenient).unwrap();
        drop(monitor.circuit("made by a listener", Thresholds::default()).unwrap());
        monitor.metrics(&registry.read(), circuit).unwrap();
        monitor.on_finding("from a listener", |_| {}).unwrap();
    };
    bench.monitor.on_finding("comes back", come_back).unwrap();
    let circuit = bench.circuit("payments");
    fail(&circuit, 5);
    bench.tick();
    assert_eq!(circuit.thresholds().consecutive_failures, 100);
}

#[test]
fn listener_has_a_name_of_its_own() {
    let bench = Bench::new();
    let again = |name| bench.monitor.on_finding(name, |_| {});
    assert_eq!(again("pager"), Ok(()));
    for name in ["pager", "circuit-breaker"] {
        assert_eq!(again(name), Err(RegisterError::DuplicateGuest { name }));
    }
}

/// Finds something wrong with something else.
struct Other;

impl Monitor for Other {
    fn topic(&self) -> &'static Topic {
        static OTHER: Topic = Topic::new("other", "other");
        &OTHER
    }

    fn judge(&self, _: &View<'_>) -> Judgement {
        let finding = Finding::warning(RATE).component("payments");
        Judgement::healthy("").with(finding)
    }

    fn report(&self, _: &View<'_>, target: Option<&str>) -> Result<Report, UnknownTarget> {
        UnknownTarget::refuse(target).map(|()| Report::new(()))
    }
}

#[test]
fn findings_of_other_topics_are_neither_told_nor_counted() {
    let mut bench = Bench::new();
    bench.registry.monitor(Arc::new(Other)).unwrap();
    let heard = listen(&bench);
    let circuit = bench.circuit("payments");
    succeed(&circuit, 1);
    bench.tick();
    assert_eq!(take(&heard), []);
    assert_eq!(crossings(&bench.registry.read(), "failure_rate"), 0.0);
}

#[test]
fn judging_tells_nobody_and_changes_no_series() {
    let mut bench = Bench::new();
    let circuit = bench.circuit("payments");
    let before = bench.tick();
    fail(&circuit, 10);
    let after = bench.tick();
    let heard = listen(&bench);
    let series = || -> Vec<_> {
        let sample = bench.registry.read();
        let own =
            sample.snapshot.families().filter(|family| family.desc.name.starts_with("circuit"));
        let all =
            own.flat_map(|family| family.series().map(move |series| (&family.desc.name, series)));
        all.map(|(name, (labels, value))| format!("{name}{labels:?} {value:?}")).collect()
    };
    let unjudged = series();
    for sample in [&before, &after, &before] {
        let judged = bench.monitor.assess_all(sample);
        assert_eq!(bench.monitor.assess_all(sample), judged);
        assert_eq!(bench.monitor.assess(sample, "payments"), Some(judged));
    }
    assert_eq!(series(), unjudged);
    assert_eq!(take(&heard), []);
}
