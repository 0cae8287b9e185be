//! Threads, metrics and registries come and go by the million, and leave nothing behind.
//!
//! The parts measure the memory of the whole process and the leases of all its
//! threads, so they have a process of their own and run one after the other. The order
//! matters once: the last part uses up the byte budget of the process. `cargo xtask
//! prove threads` runs them in full.

#[path = "support/resident.rs"]
mod resident;

use std::collections::BTreeMap;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use node0_metrics_core::{
    Clock, Counter, Desc, Distribution, Judgement, Labelled, Latency, ManualClock, Monitor,
    RECORDING_BYTES, RECORDING_THREADS, Registry, Report, Topic, Unit, UnknownTarget, Value, View,
};
use serde_json::{Value as Json, json};
use testbed::prove::{Length, report};

use crate::resident::resident;

const JOBS: Desc = Desc::counter("jobs_total", "Jobs.").labels(&["n"]);
const WAIT: Desc = Desc::latency("wait_seconds", "Waits.").labels(&["n"]);
const LEVEL: Desc = Desc::up_down("level", "A level.").labels(&["n"]);
const PEAK: Desc = Desc::peak("level_peak", "Its peak.").labels(&["n"]);
const VALUE: Desc = Desc::gauge("value", "A value.").labels(&["n"]);
const SIZE: Desc = Desc::distribution("size_bytes", "Sizes.", Unit::Bytes, &[1e3]).labels(&["n"]);

/// The allowed growth of memory from a tenth of the rounds to all of them.
const SLACK: u64 = 2 << 20;
/// The byte budget of a process, by default.
const BUDGET: f64 = (64 << 20) as f64;

/// A monitor that holds handles of the registry that holds it.
struct Waits(Labelled<Latency, 1>);

impl Monitor for Waits {
    fn topic(&self) -> &'static Topic {
        static TOPIC: Topic = Topic::new("waits", "waits");
        &TOPIC
    }

    fn poll(&self) {
        self.0.expire_idle(Duration::from_secs(60));
    }

    fn judge(&self, _: &View<'_>) -> Judgement {
        Judgement::healthy("fine")
    }

    fn report(&self, _: &View<'_>, _: Option<&str>) -> Result<Report, UnknownTarget> {
        Ok(Report::new(BTreeMap::<String, u64>::new()))
    }
}

#[test]
fn threads_metrics_and_registries_leave_nothing_behind() {
    let length = Length::of_this_run();
    type Part = fn(Length) -> Json;
    let parts: [(&str, Part); 6] = [
        ("ready", first_records_after_a_tick_take_no_new_cells),
        ("samples_without_a_reader", samples_without_a_reader_take_no_memory),
        ("threads", threads_that_record_once_leave_their_record_and_nothing_else),
        ("metrics", metrics_that_come_and_go_leave_nothing),
        ("registries", registries_that_come_and_go_leave_nothing),
        ("budget", many_threads_on_many_metrics_stay_within_the_budget),
    ];
    for (name, part) in parts {
        report(&json!({ name: part(length) })).expect("the figures can be written");
    }
}

fn first_records_after_a_tick_take_no_new_cells(_: Length) -> Json {
    // Of the sixteen lanes one goes to this thread, which ticks.
    const THREADS: usize = 15;
    let registry = Registry::new();
    let mut ticker = registry.ticker().expect("a new registry has no ticker");
    let (jobs, wait) = (jobs(&registry, "first"), wait(&registry, "first"));
    // More than lanes begin with, so that one that was made too early would have to grow.
    let more: Vec<_> = (0..100).map(|n| self::jobs(&registry, &n.to_string())).collect();
    ticker.tick();
    wait.record(Duration::from_millis(1));
    let ready = own(&registry, &RECORDING_BYTES);
    let all_alive = Arc::new(Barrier::new(THREADS));
    let threads = [(); THREADS].map(|()| {
        let (jobs, wait, all_alive) = (jobs.clone(), wait.clone(), all_alive.clone());
        let last = more[99].clone();
        thread::spawn(move || {
            jobs.inc();
            last.inc();
            wait.record(Duration::from_millis(1));
            all_alive.wait();
        })
    });
    threads.into_iter().for_each(|thread| thread.join().expect("recording cannot fail"));
    // The windows are counted too, and passes have a latency of their own, which has grown.
    let grown = own(&registry, &RECORDING_BYTES) - ready;
    assert!(grown < 1024.0, "a thread made cells itself: {grown} bytes");
    assert_eq!((jobs.total(), more[99].total()), (THREADS as u64, THREADS as u64));
    json!({ "threads": THREADS, "ready_bytes": ready })
}

fn samples_without_a_reader_take_no_memory(_: Length) -> Json {
    const SAMPLES: u64 = 10_000_000;
    let registry = Registry::new();
    let waits = waits(&registry);
    let (jobs, wait, size) =
        (jobs(&registry, "all"), wait(&registry, "all"), size(&registry, "all"));
    let mut record = |i: u64| {
        let took = Duration::from_nanos(i % 1_000_000);
        jobs.inc();
        wait.record(took);
        size.record((i % 1000) as f64);
        waits.record(["by value"], took);
    };
    // Whatever has a cell for each distinct value has them all after these.
    (0..1_000_000).for_each(&mut record);
    let settled = resident();
    (1_000_000..SAMPLES).for_each(&mut record);
    let grown = resident().saturating_sub(settled);
    assert!(grown <= 64 << 10, "grew by {grown} bytes");

    let sample = registry.read();
    assert_eq!(sample.view().counter(&jobs), SAMPLES);
    assert_eq!(sample.view().latency(&wait).expect("it is registered").total().count(), SAMPLES);
    assert_eq!(
        sample.view().distribution(&size).expect("it is registered").total().count(),
        SAMPLES
    );
    json!({ "samples": SAMPLES, "grown_bytes": grown })
}

fn threads_that_record_once_leave_their_record_and_nothing_else(length: Length) -> Json {
    let threads: u64 = length.pick(20_000, 1_000_000);
    let registry = Registry::new();
    let (jobs, wait) = (jobs(&registry, "short"), wait(&registry, "short"));
    let run = |threads: u64| {
        let lives = || {
            for _ in 0..threads / 4 {
                let (jobs, wait) = (jobs.clone(), wait.clone());
                let life = move || {
                    jobs.inc();
                    wait.record(Duration::from_millis(1));
                };
                // The end of a join, unlike that of a scope, comes after the thread's destructors.
                thread::spawn(life).join().expect("recording cannot fail");
            }
        };
        thread::scope(|scope| {
            (0..4).for_each(|_| drop(scope.spawn(lives)));
        });
        resident()
    };
    let leases = own(&registry, &RECORDING_THREADS);
    let settled = run(threads / 10);
    let grown = run(threads - threads / 10).saturating_sub(settled);

    assert!(grown <= SLACK, "grew by {grown} bytes");
    assert_eq!(own(&registry, &RECORDING_THREADS), leases, "leases were not returned");
    assert_eq!(jobs.total(), threads);
    let sample = registry.read();
    let total = sample.view().latency(&wait).expect("it is registered").total();
    assert_eq!((total.count(), total.sum()), (threads, threads as f64 / 1e3));
    json!({ "threads": threads, "total": jobs.total(), "grown_bytes": grown, "leases": leases })
}

fn metrics_that_come_and_go_leave_nothing(length: Length) -> Json {
    let cycles: u64 = length.pick(50_000, 1_000_000);
    let clock = ManualClock::new();
    let registry = Registry::builder().clock(clock.clock()).build();
    let mut ticker = registry.ticker().expect("a new registry has no ticker");
    let grown = over(cycles, |i| {
        let name = i.to_string();
        jobs(&registry, &name).inc();
        wait(&registry, &name).record(Duration::from_millis(i % 100));
        size(&registry, &name).record(i as f64);
        registry.up_down(&LEVEL, &[&name]).expect("it is within the caps").add(1);
        registry.peak(&PEAK, &[&name]).expect("it is within the caps").record(i);
        registry.gauge(&VALUE, &[&name]).expect("it is within the caps").set(1.0);
        if i % 100 == 99 {
            clock.advance(Duration::from_secs(1));
            ticker.tick();
        }
    });
    let bytes = own(&registry, &RECORDING_BYTES);
    assert!(bytes <= BUDGET / 8.0, "{bytes} bytes for a hundred series at a time");
    assert_eq!(registry.read().snapshot.family(WAIT.name()).map(|it| it.series().len()), None);
    json!({ "cycles": cycles, "grown_bytes": grown, "recording_bytes": bytes })
}

fn registries_that_come_and_go_leave_nothing(length: Length) -> Json {
    let cycles: u64 = length.pick(20_000, 1_000_000);
    let clock = Clock::tsc();
    let keeper = Registry::new();
    let bytes = || own(&keeper, &RECORDING_BYTES);
    let mut bytes_settled = 0.0;
    let grown = over(cycles, |i| {
        let registry = Registry::builder().clock(clock.clone()).build();
        jobs(&registry, "one").inc();
        let wait = wait(&registry, "one");
        wait.record(Duration::from_millis(1));
        let waits = waits(&registry);
        waits.record(["by value"], Duration::from_millis(1));
        registry.monitor(Arc::new(Waits(waits))).expect("the topic is free");
        let sample = registry.read();
        assert_eq!(sample.view().latency(&wait).map(|it| it.total().count()), Some(1));
        if i == cycles / 10 {
            bytes_settled = bytes();
        }
    });
    // The keeper's own windows come and go too.
    let kept = bytes() - bytes_settled;
    assert!(kept < cycles as f64, "cells were not given back: {kept} bytes");
    json!({ "cycles": cycles, "grown_bytes": grown, "recording_bytes": bytes_settled })
}

fn many_threads_on_many_metrics_stay_within_the_budget(_: Length) -> Json {
    const THREADS: usize = 600;
    const METRICS: usize = 1000;
    let registry = Registry::builder().max_histograms_per_family(METRICS).build();
    let waits: Arc<[Latency]> =
        (0..METRICS).map(|metric| wait(&registry, &metric.to_string())).collect();
    let leases = own(&registry, &RECORDING_THREADS);
    let before = resident();
    let [met, parted] = [(); 2].map(|()| Arc::new(Barrier::new(THREADS + 1)));
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (waits, met, parted) = (waits.clone(), met.clone(), parted.clone());
            thread::spawn(move || {
                let record = || waits.iter().for_each(|wait| wait.record(Duration::from_millis(1)));
                record();
                met.wait();
                parted.wait();
                record();
            })
        })
        .collect();
    met.wait();
    let (bytes, live) = (own(&registry, &RECORDING_BYTES), own(&registry, &RECORDING_THREADS));
    let grown = resident().saturating_sub(before);
    parted.wait();
    threads.into_iter().for_each(|thread| thread.join().expect("recording cannot fail"));

    assert_eq!(live, leases + THREADS as f64, "all were there at once");
    assert!(bytes <= BUDGET, "{bytes} bytes");
    // The threads' stacks and the cells that all share are not in the budget.
    assert!(grown <= 2 * BUDGET as u64, "{grown} bytes");
    assert_eq!(own(&registry, &RECORDING_THREADS), leases);
    let sample = registry.read();
    for wait in waits.iter() {
        let total = sample.view().latency(wait).expect("it is registered").total();
        assert_eq!((total.count(), total.sum()), (2 * THREADS as u64, 2.0 * THREADS as f64 / 1e3));
    }
    let records = 2 * THREADS * METRICS;
    json!({ "records": records, "recording_bytes": bytes, "resident_grown_bytes": grown })
}

/// Runs all cycles; what memory grew by after the first tenth, if that is next to nothing.
fn over(cycles: u64, mut cycle: impl FnMut(u64)) -> u64 {
    let settled = cycles / 10;
    (0..settled).for_each(&mut cycle);
    let before = resident();
    (settled..cycles).for_each(&mut cycle);
    let grown = resident().saturating_sub(before);
    assert!(grown <= SLACK, "grew by {grown} bytes");
    grown
}

fn jobs(registry: &Registry, n: &str) -> Counter {
    registry.counter(&JOBS, &[n]).expect("it is within the caps")
}

fn wait(registry: &Registry, n: &str) -> Latency {
    registry.latency(&WAIT, &[n]).expect("it is within the caps")
}

fn waits(registry: &Registry) -> Labelled<Latency, 1> {
    registry.latencies(&WAIT).expect("the description is right")
}

fn size(registry: &Registry, n: &str) -> Distribution {
    registry.distribution(&SIZE, &[n]).expect("it is within the caps")
}

/// Returns one of the core's own metrics; a pass sets them at its end, so the next one shows them.
fn own(registry: &Registry, desc: &Desc) -> f64 {
    registry.read();
    let sample = registry.read();
    sample.snapshot.value(desc.name(), &[]).map(Value::as_f64).expect("the core says so")
}
