//! The tick of a sample: number, span and deltas.

use std::collections::HashMap;
use std::thread;
use std::time::Duration;

use node0_metrics_core::{
    Buckets, Counter, Delta, Desc, Distribution, Latency, Sample, SeriesId, Unit, Value,
};
use proptest::prelude::*;

use crate::Bench;

const WAIT: Desc = Desc::latency("wait_seconds", "Waits.");
const SIZE: Desc = Desc::distribution("size_bytes", "Sizes.", Unit::Bytes, &[100.0]);
const JOBS: Desc = Desc::counter("jobs_total", "Jobs.").labels(&["kind"]);

struct Metrics {
    jobs: Counter,
    wait: Latency,
    size: Distribution,
}

impl Metrics {
    fn register(bench: &Bench) -> Self {
        Self {
            jobs: bench.registry.counter(&JOBS, &["any"]).expect("it is valid"),
            wait: bench.registry.latency(&WAIT, &[]).expect("it is valid"),
            size: bench.registry.distribution(&SIZE, &[]).expect("it is valid"),
        }
    }

    fn record(&self, n: u64) {
        self.jobs.inc();
        self.wait.record(Duration::from_nanos(n));
        self.size.record(n as f64);
    }

    /// The counts of the deltas.
    fn deltas(&self, sample: &Sample) -> [u64; 3] {
        let view = sample.view();
        let wait = view.latency(&self.wait).expect("it is registered");
        let size = view.distribution(&self.size).expect("it is registered");
        [view.count(&self.jobs).delta, wait.delta().count(), size.delta().count()]
    }
}

#[test]
fn a_sample_has_the_number_and_the_span_of_its_tick() {
    let mut bench = Bench::new();
    let before = bench.registry.latest();
    assert_eq!((before.tick, before.tick_span, before.is_tick_end), (0, Duration::ZERO, false));
    let fresh = bench.registry.read();
    assert_eq!((fresh.tick, fresh.is_tick_end), (0, false));
    bench.clock.advance(Duration::from_millis(500));
    let first = bench.tick().sample;
    assert_eq!((first.tick, first.tick_span), (1, Duration::from_millis(1500)));
    assert!(first.is_tick_end);
    let second = bench.tick().sample;
    assert_eq!((second.tick, second.tick_span), (2, Duration::from_secs(1)));
    bench.clock.advance(Duration::from_millis(700));
    let fresh = bench.registry.read();
    assert_eq!(
        (fresh.tick, fresh.tick_span, fresh.is_tick_end),
        (2, Duration::from_secs(1), false)
    );
    assert!(fresh.pass > second.pass);
}

#[test]
fn where_nobody_ticks_a_due_read_ends_the_tick() {
    let Bench { clock, registry, ticker } = Bench::new();
    drop(ticker);
    let numbers: Vec<_> = (0..4)
        .map(|_| {
            clock.advance(Duration::from_millis(600));
            let sample = registry.read();
            (sample.tick, sample.is_tick_end)
        })
        .collect();
    assert_eq!(numbers, [(1, true), (1, false), (2, true), (2, false)]);
}

#[test]
fn a_fresh_read_has_the_delta_of_the_last_whole_tick() {
    let mut bench = Bench::new();
    let metrics = Metrics::register(&bench);
    (0..5).for_each(|n| metrics.record(n));
    assert_eq!(metrics.deltas(&bench.registry.read()), [0; 3], "no tick has ended");
    assert_eq!(metrics.deltas(&bench.tick().sample), [5; 3]);
    (0..3).for_each(|n| metrics.record(n));
    let fresh = bench.registry.read();
    assert_eq!(metrics.deltas(&fresh), [5; 3]);
    assert_eq!(fresh.view().latency(&metrics.wait).unwrap().count(), 8);
    assert_eq!(metrics.deltas(&bench.tick().sample), [3; 3]);
    assert_eq!(metrics.deltas(&fresh), [5; 3], "a sample stays what it was");
}

#[test]
fn an_idle_series_has_an_empty_delta() {
    let mut bench = Bench::new();
    let metrics = Metrics::register(&bench);
    metrics.record(7);
    assert_eq!(metrics.deltas(&bench.tick().sample), [1; 3]);
    for _ in 0..400 {
        let sample = bench.tick().sample;
        assert_eq!(metrics.deltas(&sample), [0; 3]);
        assert!(sample.view().latency(&metrics.wait).unwrap().delta().is_empty());
    }
    assert_eq!(metrics.deltas(&bench.registry.read()), [0; 3]);
}

#[test]
fn a_delta_is_there_though_the_window_holds_nothing() {
    let mut bench = Bench::with(|builder| builder.max_age(Duration::ZERO));
    let metrics = Metrics::register(&bench);
    metrics.record(7);
    let sample = bench.tick().sample;
    let wait = sample.view().latency(&metrics.wait).unwrap();
    assert_eq!((wait.window().samples(), wait.delta().count()), (0, 1));
}

#[test]
fn a_series_that_begins_anew_has_another_id() {
    let mut bench = Bench::new();
    let first = bench.registry.counter(&JOBS, &["one"]).unwrap();
    let other = bench.registry.counter(&JOBS, &["two"]).unwrap();
    let id = first.series_id().unwrap();
    assert_eq!(bench.registry.counter(&JOBS, &["one"]).unwrap().series_id(), Some(id));
    assert!(other.series_id().unwrap() > id);
    assert!(bench.tick().sample.snapshot.by_id(id).is_some());
    drop(first);
    bench.tick();
    assert!(bench.tick().sample.snapshot.by_id(id).is_none());
    let anew = bench.registry.counter(&JOBS, &["one"]).unwrap();
    assert!(anew.series_id() > Some(id));
    assert_ne!(Bench::new().registry.counter(&JOBS, &["one"]).unwrap().series_id(), Some(id));
    assert_eq!(Counter::disabled().series_id(), None);
}

/// The id and the value of the only series of a family.
fn only(sample: &Sample, family: &str) -> Option<(SeriesId, Value)> {
    let mut found = sample.snapshot.series().filter(|series| *series.desc.name == *family);
    found.next().map(|series| (series.id, series.value.clone()))
}

#[test]
fn a_name_that_expired_goes_on_under_its_id_with_new_deltas() {
    let ticks = |ticks: u32, and_read: bool| {
        let mut bench = Bench::new();
        let jobs = bench.registry.counters::<1>(&JOBS).unwrap();
        let waits = bench.registry.latencies::<0>(&WAIT).unwrap();
        jobs.add(["mail"], 5);
        waits.record([], Duration::from_millis(5));
        let first = bench.tick().sample;
        let ids = [JOBS, WAIT].map(|desc| only(&first, desc.name()).unwrap().0);
        for _ in 1..ticks {
            jobs.expire_idle(Duration::from_secs(60));
            waits.expire_idle(Duration::from_secs(60));
            bench.tick();
        }
        let is_gone = and_read && only(&bench.registry.read(), JOBS.name()).is_none();
        (bench, jobs, waits, ids, is_gone)
    };
    let gone_after = (1..1000).find(|n| ticks(*n, true).4).expect("idle series expire");
    // Back before the next pass, which still has the row of the old cells; and later.
    for (after, and_read) in [(gone_after, false), (gone_after, true), (gone_after + 5, false)] {
        let (mut bench, jobs, waits, ids, _) = ticks(after, and_read);
        jobs.add(["mail"], 2);
        waits.record([], Duration::from_millis(5));
        let fresh = bench.registry.read();
        let total = fresh.snapshot.by_id(ids[0]).map(Value::as_f64);
        assert_eq!(total, Some(7.0), "after {after} ticks");
        let sample = bench.tick().sample;
        let Some((id, Value::Counter(count))) = only(&sample, JOBS.name()) else {
            panic!("{after}")
        };
        assert_eq!((id, count.total, count.delta), (ids[0], 7, 2));
        let Some((id, Value::Histogram(wait))) = only(&sample, WAIT.name()) else {
            panic!("{after}")
        };
        assert_eq!((id, wait.count(), wait.delta().count()), (ids[1], 2, 1));
    }
}

#[test]
fn a_snapshot_lists_its_series_with_their_ids() {
    let mut bench = Bench::new();
    let jobs = ["b", "a"].map(|kind| bench.registry.counter(&JOBS, &[kind]).unwrap());
    jobs[0].add(2);
    let snapshot = &bench.tick().sample.snapshot;
    let all: Vec<_> = snapshot.series().collect();
    assert_eq!(all.len(), snapshot.families().map(|family| family.series().len()).sum::<usize>());
    for series in &all {
        assert!(std::ptr::eq(snapshot.by_id(series.id).unwrap(), series.value));
    }
    let own = all.iter().filter(|series| series.desc.name == JOBS.name());
    let own: Vec<_> = own.map(|series| (series.labels.get("kind").unwrap(), series.id)).collect();
    let ids = jobs.each_ref().map(|counter| counter.series_id().unwrap());
    assert_eq!(own, [("a", ids[1]), ("b", ids[0])], "by rising labels");
    assert_eq!(snapshot.family(JOBS.name()).unwrap().ids(), [ids[1], ids[0]]);
}

/// Adds the deltas of each tick number once, whatever samples come by.
#[derive(Default)]
struct Sums {
    tick: u64,
    counts: HashMap<SeriesId, u64>,
    histograms: HashMap<SeriesId, Delta>,
}

impl Sums {
    fn observe(&mut self, sample: &Sample) {
        if sample.tick == self.tick {
            return;
        }
        assert_eq!(sample.tick, self.tick + 1, "no tick is missed");
        self.tick = sample.tick;
        for series in sample.snapshot.series() {
            match series.value {
                Value::Counter(count) => *self.counts.entry(series.id).or_default() += count.delta,
                Value::Histogram(histogram) => {
                    let delta = histogram.delta();
                    let empty = || Delta::new(delta.layout());
                    self.histograms.entry(series.id).or_insert_with(empty).merge(delta);
                }
                _ => {}
            }
        }
    }

    /// Holds the sums against a sample that ended the last tick.
    fn judge(&self, sample: &Sample) {
        assert!(sample.is_tick_end && sample.tick == self.tick);
        for series in sample.snapshot.series() {
            match series.value {
                Value::Counter(count) => assert_eq!(self.counts[&series.id], count.total),
                Value::Histogram(histogram) => {
                    let sum = Buckets::from(&self.histograms[&series.id]);
                    assert!(sum.counts().eq(histogram.total().counts()), "{}", series.desc.name);
                    assert_eq!(sum.count(), histogram.count());
                    let off = (sum.sum() - histogram.sum()).abs();
                    assert!(
                        off <= histogram.sum() * 1e-12,
                        "{} for {}",
                        sum.sum(),
                        histogram.sum()
                    );
                }
                _ => {}
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn deltas_of_all_ticks_are_the_totals(
        steps in prop::collection::vec((prop::collection::vec(0..1u64 << 43, 0..40), 0..3u8), 1..40),
    ) {
        let mut bench = Bench::new();
        let metrics = Metrics::register(&bench);
        let mut sums = Sums::default();
        for (values, then) in steps {
            values.iter().for_each(|n| metrics.record(*n));
            match then {
                0 => sums.observe(&bench.registry.read()),
                _ => {
                    let sample = bench.tick().sample;
                    sums.observe(&sample);
                    sums.judge(&sample);
                }
            }
        }
    }
}

#[test]
fn deltas_are_the_totals_while_threads_record() {
    let mut bench = Bench::new();
    let metrics = Metrics::register(&bench);
    let mut sums = Sums::default();
    thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|thread| {
                let metrics = &metrics;
                scope.spawn(move || (0..50_000).for_each(|n| metrics.record(n * 4 + thread)))
            })
            .collect();
        while !writers.iter().all(|writer| writer.is_finished()) {
            sums.observe(&bench.registry.read());
            let sample = bench.tick().sample;
            sums.observe(&sample);
            for series in sample.snapshot.series() {
                let Value::Histogram(histogram) = series.value else { continue };
                let sum = &sums.histograms[&series.id];
                assert!(sum.counts().eq(histogram.total().counts()));
            }
        }
    });
    // What a value that raced with the last tick left behind comes with the next one.
    sums.observe(&bench.tick().sample);
    let last = bench.tick().sample;
    sums.observe(&last);
    sums.judge(&last);
    let view = last.view();
    assert_eq!(view.latency(&metrics.wait).unwrap().count(), 200_000);
}
