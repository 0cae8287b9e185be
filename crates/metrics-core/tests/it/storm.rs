//! A storm: 64 threads record, register, drop and read at once, beside a ticker.
//!
//! The totals are exact whatever the order. `cargo xtask prove sanitizers` runs it under the
//! sanitizers, which see faults that leave the totals right.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use node0_metrics_core::{
    Counter, Desc, Distribution, Gauge, Labelled, Latency, Peak, Registry, Unit, UpDown,
};
use testbed::prove::Length;

use crate::Bench;

const JOBS: Desc = Desc::counter("jobs_total", "Jobs.").labels(&["n"]);
const WAIT: Desc = Desc::latency("wait_seconds", "Waits.").labels(&["n"]);
const LEVEL: Desc = Desc::up_down("level", "A level.").labels(&["n"]);
const PEAK: Desc = Desc::peak("level_peak", "Its peak.").labels(&["n"]);
const VALUE: Desc = Desc::gauge("value", "A value.").labels(&["n"]);
const SIZE: Desc = Desc::distribution("size_bytes", "Sizes.", Unit::Bytes, &[1e3]).labels(&["n"]);

const THREADS: u64 = 64;
/// The rounds of a thread between two reads of all series.
const ROUNDS_PER_READ: u64 = 100;

/// A series of each kind, and a latency whose series are found by their labels.
struct Series {
    jobs: Counter,
    wait: Latency,
    level: UpDown,
    peak: Peak,
    value: Gauge,
    size: Distribution,
    waits: Labelled<Latency, 1>,
}

impl Series {
    fn register(registry: &Registry, n: &str) -> Self {
        Self {
            jobs: registry.counter(&JOBS, &[n]).expect("it is within the caps"),
            wait: registry.latency(&WAIT, &[n]).expect("it is within the caps"),
            level: registry.up_down(&LEVEL, &[n]).expect("it is within the caps"),
            peak: registry.peak(&PEAK, &[n]).expect("it is within the caps"),
            value: registry.gauge(&VALUE, &[n]).expect("it is within the caps"),
            size: registry.distribution(&SIZE, &[n]).expect("it is within the caps"),
            waits: registry.latencies(&WAIT).expect("it is within the caps"),
        }
    }

    fn record(&self, round: u64) {
        self.jobs.inc();
        self.wait.record(Duration::from_nanos(round * 37));
        self.level.add(1);
        self.peak.record(round);
        self.value.set(round as f64);
        self.size.record(round as f64);
        self.waits.record(["by value"], Duration::from_micros(1));
    }
}

#[test]
fn a_storm_of_threads_that_record_register_drop_and_read_loses_nothing() {
    let rounds = Length::of_this_run().pick(200, 5_000);
    let Bench { clock, registry, mut ticker } = Bench::new();
    let shared = Series::register(&registry, "shared");
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        let ticks = scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                clock.advance(Duration::from_secs(1));
                ticker.tick();
            }
        });
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (registry, shared) = (&registry, &shared);
                scope.spawn(move || one_of_the_storm(registry, shared, thread, rounds))
            })
            .collect();
        let ended: Vec<_> = threads.into_iter().map(|thread| thread.join()).collect();
        is_done.store(true, Ordering::Relaxed);
        ended.into_iter().for_each(|ended| ended.unwrap());
        ticks.join().unwrap();
    });
    let (sample, all) = (registry.read(), THREADS * rounds);
    let view = sample.view();
    assert_eq!((view.counter(&shared.jobs), shared.jobs.total()), (all, all));
    assert_eq!(view.latency(&shared.wait).unwrap().total().count(), all);
    assert_eq!(view.distribution(&shared.size).unwrap().total().count(), all);
    assert_eq!(
        sample.snapshot.value(LEVEL.name(), &[("n", "shared")]).unwrap().as_f64(),
        all as f64
    );
}

/// Records on the shared series, and on one of its own that it makes and drops.
fn one_of_the_storm(registry: &Registry, shared: &Series, thread: u64, rounds: u64) {
    for round in 0..rounds {
        shared.record(round);
        // Some names are those of other threads, which may just end their series.
        let own = Series::register(registry, &(thread % 32 + round % 2).to_string());
        own.record(round);
        if round % ROUNDS_PER_READ == thread {
            let total = registry
                .read()
                .view()
                .latency(&shared.wait)
                .expect("it is registered")
                .total()
                .count();
            assert!(total > round);
        }
    }
}
