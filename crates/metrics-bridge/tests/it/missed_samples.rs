//! Samples that a publisher misses, sees twice or gets between ticks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, SharedString, Unit};
use node0_metrics_bridge::Publisher;
use node0_metrics_core::{Desc, Sample};
use proptest::prelude::*;

use crate::bench::Bench;

const WAITS: Desc = Desc::latency("waits_seconds", "Waits.").labels(&["queue"]);

/// Keeps all values of histograms by series, each with how often it came.
#[derive(Default)]
struct Collecting {
    histograms: Mutex<BTreeMap<String, Arc<Collected>>>,
}

#[derive(Default)]
struct Collected(Mutex<BTreeMap<u64, u64>>);

impl HistogramFn for Collected {
    fn record(&self, value: f64) {
        self.record_many(value, 1);
    }

    fn record_many(&self, value: f64, count: usize) {
        *self.0.lock().unwrap().entry(value.to_bits()).or_default() += count as u64;
    }
}

impl metrics::Recorder for Collecting {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        let mut histograms = self.histograms.lock().unwrap();
        Histogram::from_arc(histograms.entry(key.to_string()).or_default().clone())
    }
}

impl Collecting {
    fn values(&self, name: &str) -> Vec<(f64, u64)> {
        let histograms = self.histograms.lock().unwrap();
        let collected = histograms.iter().filter(|(key, _)| key.contains(name));
        let values = collected.flat_map(|(_, of)| of.0.lock().unwrap().clone());
        values.map(|(bits, n)| (f64::from_bits(bits), n)).collect()
    }
}

/// A step of a registry and a publisher.
#[derive(Clone, Debug)]
enum Step {
    Record(Vec<u64>),
    /// A tick ends and its sample is published, or missed.
    Tick {
        is_published: bool,
    },
    /// A fresh read is published, between ticks.
    Read,
    /// The sample that was published last comes again.
    Again,
}

fn step() -> impl Strategy<Value = Step> {
    // Few values, so that different stretches of time have equally many.
    prop_oneof![
        4 => prop::collection::vec(0..1u64 << 34, 0..4).prop_map(Step::Record),
        3 => Just(Step::Tick { is_published: true }),
        1 => Just(Step::Tick { is_published: false }),
        2 => Just(Step::Read),
        1 => Just(Step::Again),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_value_is_sent_once_whatever_samples_are_missed(
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let mut bench = Bench::new();
        let waits = bench.registry.latency(&WAITS, &["mail"]).unwrap();
        let theirs = Collecting::default();
        let mut publisher = Publisher::new();
        let mut last = bench.registry.latest();
        for step in steps {
            let sample = match step {
                Step::Record(nanos) => {
                    nanos.iter().for_each(|nanos| waits.record(Duration::from_nanos(*nanos)));
                    continue;
                }
                Step::Tick { is_published } => {
                    let sample = bench.tick();
                    if !is_published {
                        continue;
                    }
                    sample
                }
                Step::Read => bench.registry.read(),
                Step::Again => last.clone(),
            };
            metrics::with_local_recorder(&theirs, || publisher.publish(&sample));
            let shown = sample.view().latency(&waits);
            let expected: Vec<_> = shown.iter().flat_map(|waits| waits.total().iter()).collect();
            prop_assert_eq!(theirs.values("waits_seconds"), expected);
            last = sample;
        }
    }
}

#[test]
fn an_older_sample_changes_nothing() {
    let mut bench = Bench::new();
    let waits = bench.registry.latency(&WAITS, &["mail"]).unwrap();
    let theirs = Collecting::default();
    let mut publisher = Publisher::new();
    waits.record(Duration::from_millis(1));
    let older = bench.tick();
    waits.record(Duration::from_millis(1));
    let newer = bench.tick();
    for sample in [&newer, &older, &newer] {
        metrics::with_local_recorder(&theirs, || publisher.publish(sample));
        let counts = theirs.values("waits_seconds").into_iter().map(|(_, n)| n);
        assert_eq!(counts.sum::<u64>(), 2);
    }
}

#[test]
fn a_name_that_expires_and_comes_back_is_sent_once() {
    // The first sample after it came back is that of the next tick, a fresh read, or missed.
    for way in 0..3 {
        let mut bench = Bench::new();
        let waits = bench.registry.latencies::<1>(&WAITS).unwrap();
        let theirs = Collecting::default();
        let mut publisher = Publisher::new();
        let mut publish =
            |sample: &Sample| metrics::with_local_recorder(&theirs, || publisher.publish(sample));
        for round in 1..=3 {
            waits.record(["mail"], Duration::from_millis(5));
            match way {
                0 => publish(&bench.tick()),
                1 => publish(&bench.registry.read()),
                _ => {
                    bench.tick();
                    publish(&bench.tick());
                }
            }
            let counts = theirs.values("waits_seconds").into_iter().map(|(_, n)| n);
            assert_eq!(counts.sum::<u64>(), round, "way {way}");
            for _ in 0..200 {
                waits.expire_idle(Duration::from_secs(60));
                publish(&bench.tick());
            }
            assert!(bench.registry.read().snapshot.family(WAITS.name()).is_none(), "it expired");
        }
    }
}
