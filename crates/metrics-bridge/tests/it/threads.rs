//! Concurrent threads, recorders that are dropped, and the cost of recording through the facade.

use std::sync::Barrier;
use std::time::Duration;

use metrics::{counter, gauge, histogram};
use node0_metrics_bridge::{AlreadyInstalled, Recorder};
use node0_metrics_core::Registry;

use crate::bench::{Bench, refusal, theirs};

#[test]
fn totals_are_exact_whoever_asks_first() {
    const THREADS: u64 = 8;
    const ROUNDS: u64 = 2_000;
    let bench = Bench::new();
    let start = Barrier::new(THREADS as usize);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (bench, start) = (&bench, &start);
            scope.spawn(move || {
                start.wait();
                bench.record(|| {
                    for round in 0..ROUNDS {
                        let kind = ["a", "b", "c"][(round % 3) as usize];
                        counter!("jobs", "kind" => kind).increment(1);
                        counter!("copied").absolute(round * THREADS + thread);
                        gauge!("depth").increment(1.0);
                        gauge!("depth").decrement(0.5);
                        histogram!("waits_seconds", "kind" => kind).record(0.001);
                        histogram!("sizes").record_many(3.0, 2);
                        gauge!("jobs").set(1.0);
                    }
                });
            });
        }
    });
    let all = (THREADS * ROUNDS) as f64;
    let sum = |name: &str| {
        let sample = bench.registry.read();
        let family = sample.snapshot.family(name).unwrap();
        family.series().map(|(_, value)| value.as_f64()).sum::<f64>()
    };
    assert_eq!(sum("jobs_total"), all);
    assert_eq!(sum("waits_seconds"), all);
    assert_eq!(sum("sizes"), all * 2.0);
    assert_eq!(sum("depth"), all / 2.0);
    assert_eq!(sum("copied_total"), all - 1.0);
    assert_eq!(bench.refused(), [refusal("jobs", "kind", 1)].into());
}

#[test]
fn a_counter_that_all_threads_set_never_exceeds_what_it_is_set_to() {
    const THREADS: u64 = 4;
    const ROUNDS: u64 = 20_000;
    let bench = Bench::new();
    let copied = bench.record(|| counter!("copied"));
    let start = Barrier::new(THREADS as usize);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (copied, start) = (&copied, &start);
            scope.spawn(move || {
                start.wait();
                (0..ROUNDS).for_each(|round| copied.absolute(round * THREADS + thread));
            });
        }
    });
    assert_eq!(bench.number("copied_total", &[]), Some((THREADS * ROUNDS - 1) as f64));
}

#[test]
fn two_recorders_on_one_thread_do_not_mix() {
    let (one, other) = (Bench::new(), Bench::new());
    for _ in 0..3 {
        one.record(|| counter!("jobs").increment(1));
        other.record(|| counter!("jobs").increment(10));
    }
    assert_eq!(one.number("jobs_total", &[]), Some(3.0));
    assert_eq!(other.number("jobs_total", &[]), Some(30.0));
}

#[test]
fn the_series_of_a_recorder_go_with_it() {
    let mut bench = Bench::new();
    bench.record(|| counter!("jobs").increment(1));
    assert!(bench.tick().snapshot.family("jobs_total").is_some());
    bench.recorder = Recorder::register(&bench.registry).unwrap();
    // The thread lets go when it asks again.
    bench.record(|| gauge!("depth").set(1.0));
    bench.tick();
    assert!(bench.tick().snapshot.family("jobs_total").is_none());
    assert_eq!(bench.number("depth", &[]), Some(1.0));
}

#[test]
fn a_handle_outlives_its_recorder() {
    let registry = Registry::new();
    let recorder = Recorder::register(&registry).unwrap();
    let jobs = metrics::with_local_recorder(&recorder, || counter!("jobs"));
    drop(recorder);
    jobs.increment(2);
    let value = registry.read().snapshot.value("jobs_total", &[]).map(|value| value.as_f64());
    assert_eq!(value, Some(2.0));
}

#[test]
fn a_process_has_one_recorder() {
    let registry = Registry::new();
    let recorder = Recorder::register(&registry).unwrap();
    recorder.clone().install().unwrap();
    let error = recorder.install();
    assert_eq!(error, Err(AlreadyInstalled));
    // On threads that have none of their own.
    std::thread::spawn(|| counter!("installed").increment(1)).join().unwrap();
    let value = registry.read().snapshot.value("installed_total", &[]).map(|value| value.as_f64());
    assert_eq!(value, Some(1.0));
}

#[test]
fn ten_thousand_series_pass() {
    const SERIES: usize = 10_000;
    let registry = Registry::builder().max_series(2 * SERIES).max_scalars_per_family(SERIES);
    let mut bench =
        Bench::with(registry, |recorder| recorder.max_series(SERIES).max_series_per_name(SERIES));
    let ids: Vec<String> = (0..SERIES).map(|id| id.to_string()).collect();
    let round = |bench: &Bench| {
        let clock = node0_metrics_core::Clock::tsc();
        let start = clock.now();
        bench.record(|| {
            for id in &ids {
                counter!("hits", "tenant" => id.clone()).increment(1);
            }
        });
        clock.since(start)
    };
    let first = round(&bench);
    let again = round(&bench);
    let sample = bench.tick();
    let family = sample.snapshot.family("hits_total").unwrap();
    assert_eq!(family.series().len(), SERIES);
    assert!(family.series().all(|(_, value)| value.as_f64() == 2.0));
    let page = bench.page(node0_exporter::Format::Text);
    assert_eq!(page.lines().filter(|line| line.starts_with("hits_total{")).count(), SERIES);
    println!("10 000 series: {first:?} to register, {again:?} to find again");
    assert!(first < Duration::from_secs(5), "{first:?}");
}

/// Times a call through our recorder and through theirs; `-- --nocapture cost` shows it.
#[test]
fn the_cost_of_a_call_is_that_of_finding_a_handle() {
    let calls = if cfg!(debug_assertions) { 20_000 } else { 2_000_000 };
    let bench = Bench::new();
    let peer = theirs(&[0.01, 0.1, 1.0]);
    let clock = node0_metrics_core::Clock::tsc();
    let time = |recorder: &dyn metrics::Recorder, f: &dyn Fn()| {
        metrics::with_local_recorder(recorder, || {
            f();
            let start = clock.now();
            (0..calls).for_each(|_| f());
            clock.since(start).as_secs_f64() * 1e9 / f64::from(calls)
        })
    };
    let compare = |what: &str, f: &dyn Fn()| {
        let (ours, theirs) = (time(&bench.recorder, f), time(&peer, f));
        peer.handle().run_upkeep();
        println!("{what}: {ours:.1} ns, theirs {theirs:.1} ns");
    };
    let held = bench.record(|| counter!("held"));
    let theirs = metrics::with_local_recorder(&peer, || counter!("held"));
    let held = time(&bench.recorder, &|| held.increment(1));
    let theirs = time(&peer, &|| theirs.increment(1));
    println!("counter, held: {held:.1} ns, theirs {theirs:.1} ns");
    compare("counter by name", &|| counter!("jobs").increment(1));
    compare("counter by name and two constant labels", &|| {
        counter!("labelled", "method" => "GET", "route" => "/orders/{id}").increment(1);
    });
    let route = "/orders/{id}".to_owned();
    compare("counter by name and a label made at run time", &|| {
        counter!("made", "route" => route.clone()).increment(1);
    });
    compare("histogram of seconds by name", &|| histogram!("waits_seconds").record(0.0125));
    compare("histogram without a unit by name", &|| histogram!("sizes").record(12.5));
    compare("gauge by name", &|| gauge!("depth").set(12.5));
    let two_threads = |recorder: &(dyn metrics::Recorder + Sync)| {
        let start = Barrier::new(2);
        let timed = || {
            start.wait();
            time(recorder, &|| counter!("jobs").increment(1))
        };
        std::thread::scope(|scope| {
            let other = scope.spawn(timed);
            timed().max(other.join().unwrap())
        })
    };
    let (ours, theirs) = (two_threads(&bench.recorder), two_threads(&peer));
    println!("counter by name on two threads: {ours:.1} ns, theirs {theirs:.1} ns");
}
