//! Families of a registry, published to the recorder of another exporter.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, SharedString, Unit};
use metrics::{counter, gauge, histogram};
use node0_metrics_bridge::{Publisher, Recorder};
use node0_metrics_core::{Desc, Registry};

use crate::bench::{Bench, theirs};

const WAITS: Desc = Desc::latency("waits_seconds", "Waits.").labels(&["queue"]);
const SIZES: Desc = Desc::distribution("sizes", "Sizes.", node0_metrics_core::Unit::None, &[]);
const JOBS: Desc = Desc::counter("jobs_total", "Jobs done.");
const DEPTH: Desc = Desc::gauge("depth", "Jobs that wait.").labels(&["queue"]);

#[test]
fn each_sample_adds_what_a_histogram_gained() {
    let mut bench = Bench::new();
    let waits = bench.registry.latency(&WAITS, &["mail"]).unwrap();
    let sizes = bench.registry.distribution(&SIZES, &[]).unwrap();
    let theirs = theirs(&[0.01, 0.1, 1.0, 10.0]);
    let mut publisher = Publisher::new();
    let mut sum = 0.0;
    for round in 1..=20_u32 {
        for nth in 0..round {
            let millis = f64::from(nth * nth + round);
            sum += millis / 1000.0;
            waits.record(Duration::from_secs_f64(millis / 1000.0));
            sizes.record_n(2.0, 2);
        }
        let sample = if round % 2 == 0 { bench.tick() } else { bench.registry.read() };
        metrics::with_local_recorder(&theirs, || publisher.publish(&sample));
        let page = theirs.handle().render();
        let line = |start: &str| {
            let line = page.lines().find_map(|line| line.strip_prefix(start));
            line.unwrap().parse::<f64>().unwrap()
        };
        let count = f64::from(round * (round + 1) / 2);
        assert_eq!(line("waits_seconds_count{queue=\"mail\"} "), count);
        assert_eq!(line("sizes_count "), count * 2.0);
        let shown = line("waits_seconds_sum{queue=\"mail\"} ");
        assert!((shown - sum).abs() < sum / 100.0, "{shown} is not {sum}");
    }
}

#[test]
fn a_gauge_that_begins_anew_is_not_unknown() {
    let mut bench = Bench::new();
    let theirs = theirs(&[1.0]);
    let mut publisher = Publisher::new();
    let depth = bench.registry.gauge(&DEPTH, &["mail"]).unwrap();
    let sample = bench.tick();
    metrics::with_local_recorder(&theirs, || publisher.publish(&sample));
    drop(depth);
    bench.tick();
    bench.tick();
    let depth = bench.registry.gauge(&DEPTH, &["mail"]).unwrap();
    depth.set(5.0);
    let sample = bench.tick();
    metrics::with_local_recorder(&theirs, || publisher.publish(&sample));
    let page = theirs.handle().render();
    assert!(page.contains("depth{queue=\"mail\"} 5\n"), "{page}");
}

#[test]
fn a_recorder_that_comes_later_gets_all_totals() {
    let bench = Bench::new();
    let jobs = bench.registry.counter(&JOBS, &[]).unwrap();
    let waits = bench.registry.latency(&WAITS, &["mail"]).unwrap();
    jobs.add(5);
    waits.record(Duration::from_millis(3));
    let mut publisher = Publisher::new();
    publisher.publish(&bench.registry.read());
    let late = theirs(&[1.0]);
    metrics::with_local_recorder(&late, || publisher.publish(&bench.registry.read()));
    let page = late.handle().render();
    assert!(page.contains("jobs_total 5\n"), "{page}");
    assert!(page.contains("waits_seconds_count{queue=\"mail\"} 1\n"), "{page}");
}

#[test]
fn a_gauge_whose_series_is_gone_is_unknown() {
    let mut bench = Bench::new();
    let mail = bench.registry.gauge(&DEPTH, &["mail"]).unwrap();
    let print = bench.registry.gauge(&DEPTH, &["print"]).unwrap();
    mail.set(3.0);
    print.set(4.0);
    let theirs = theirs(&[1.0]);
    let mut publisher = Publisher::new();
    let mut publish = |bench: &mut Bench| {
        let sample = bench.tick();
        metrics::with_local_recorder(&theirs, || publisher.publish(&sample));
    };
    publish(&mut bench);
    drop(mail);
    publish(&mut bench);
    publish(&mut bench);
    let page = theirs.handle().render();
    assert!(page.contains("depth{queue=\"mail\"} NaN\n"), "{page}");
    assert!(page.contains("depth{queue=\"print\"} 4\n"), "{page}");
}

#[test]
fn a_series_that_begins_anew_is_sent_from_its_beginning() {
    let mut bench = Bench::new();
    let theirs = theirs(&[1.0]);
    let mut publisher = Publisher::new();
    for _ in 0..2 {
        let waits = bench.registry.latency(&WAITS, &["mail"]).unwrap();
        waits.record(Duration::from_millis(3));
        let sample = bench.tick();
        metrics::with_local_recorder(&theirs, || publisher.publish(&sample));
        drop(waits);
        bench.tick();
        let sample = bench.tick();
        metrics::with_local_recorder(&theirs, || publisher.publish(&sample));
    }
    let page = theirs.handle().render();
    assert!(page.contains("waits_seconds_count{queue=\"mail\"} 2\n"), "{page}");
}

#[test]
fn our_own_recorder_takes_nothing_from_a_publisher() {
    let mut bench = Bench::new();
    bench.record(|| {
        counter!("jobs").increment(1);
        gauge!("depth").set(2.0);
        histogram!("waits_seconds").record(0.1);
    });
    let mut publisher = Publisher::new();
    let names = |sample: &node0_metrics_core::Sample| {
        let families = sample.snapshot.families();
        families
            .map(|family| (family.desc.name.to_string(), family.series().len()))
            .collect::<Vec<_>>()
    };
    let before = names(&bench.tick());
    for _ in 0..5 {
        let sample = bench.tick();
        bench.record(|| publisher.publish(&sample));
    }
    assert_eq!(names(&bench.tick()), before);
    assert_eq!(bench.number("jobs_total", &[]), Some(1.0));
    assert_eq!(bench.number("waits_seconds", &[]), Some(1.0));
    assert!(bench.refused().is_empty());
    // And takes everything again when that is done.
    bench.record(|| counter!("jobs").increment(1));
    assert_eq!(bench.number("jobs_total", &[]), Some(2.0));
}

/// Ours and theirs at once, as a `Fanout` has them.
struct Both(Recorder, metrics_exporter_prometheus::PrometheusRecorder);

#[derive(Debug)]
struct BothHistograms(Histogram, Histogram);

impl HistogramFn for BothHistograms {
    fn record(&self, value: f64) {
        self.0.record(value);
        self.1.record(value);
    }
}

impl metrics::Recorder for Both {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        let _ = self.0.register_counter(key, metadata);
        self.1.register_counter(key, metadata)
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        let _ = self.0.register_gauge(key, metadata);
        self.1.register_gauge(key, metadata)
    }

    fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> Histogram {
        let ours = self.0.register_histogram(key, metadata);
        let theirs = self.1.register_histogram(key, metadata);
        Histogram::from_arc(std::sync::Arc::new(BothHistograms(ours, theirs)))
    }
}

#[test]
fn beside_another_recorder_nothing_is_sent_that_it_has() {
    let mut bench = Bench::new();
    let own = bench.registry.latency(&WAITS, &["mail"]).unwrap();
    let both = Both(bench.recorder.clone(), theirs(&[1.0]));
    let mut publisher = Publisher::beside(&bench.recorder);
    for _ in 0..3 {
        metrics::with_local_recorder(&both, || histogram!("request_seconds").record(0.5));
        own.record(Duration::from_millis(1));
        let sample = bench.tick();
        metrics::with_local_recorder(&both, || publisher.publish(&sample));
    }
    let page = both.1.handle().render();
    assert!(page.contains("request_seconds_count 3\n"), "{page}");
    assert!(page.contains("waits_seconds_count{queue=\"mail\"} 3\n"), "{page}");
    assert_eq!(bench.number("request_seconds", &[]), Some(3.0));
    assert_eq!(bench.number("waits_seconds", &[("queue", "mail")]), Some(3.0));
}

/// Counts how often it is told something.
#[derive(Default)]
struct Attentive {
    described: AtomicU64,
}

impl metrics::Recorder for Attentive {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {
        self.described.fetch_add(1, Ordering::Relaxed);
    }

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {
        self.described.fetch_add(1, Ordering::Relaxed);
    }

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {
        self.described.fetch_add(1, Ordering::Relaxed);
    }

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[test]
fn each_family_is_described_once() {
    let registry = Registry::new();
    let attentive = Attentive::default();
    let mut publisher = Publisher::new();
    let mut handles = Vec::new();
    for queue in ["mail", "print", "web"] {
        handles.push(registry.gauge(&DEPTH, &[queue]).unwrap());
        metrics::with_local_recorder(&attentive, || publisher.publish(&registry.read()));
    }
    let families = registry.read().snapshot.families().len() as u64;
    assert_eq!(attentive.described.load(Ordering::Relaxed), families);
}
