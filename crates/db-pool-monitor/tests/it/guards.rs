//! Pools of any kind, whose waits and holds a handle's guards follow from their start.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use node0_db_pool_monitor::{PoolHandle, PoolLevels, Thresholds};
use node0_metrics_core::{Desc, Measuring, Sample, Status};

use crate::bench::{
    Bench, POOL, body, check_leak, check_outcomes, check_uses, has, ms, number, sum_millis,
};

/// Families of which only guards can know.
const FOLLOWED: [&str; 5] = [
    "db_client_connections_used_peak",
    "db_client_leaked_connections",
    "db_client_leaks_total",
    "db_client_oldest_use_age_seconds",
    "db_client_oldest_wait_age_seconds",
];

fn usual() -> Option<PoolLevels> {
    Some(PoolLevels { used: Some(0), idle: Some(1), max: Some(10), ..PoolLevels::default() })
}

fn handle(bench: &Bench) -> PoolHandle {
    bench.monitor.pool("main", usual).unwrap()
}

#[test]
fn wait_ends_with_the_connection_and_its_use_with_the_checkout() {
    let mut bench = Bench::new();
    let handle = handle(&bench);
    let acquiring = handle.acquire();
    bench.pass(ms(40));
    let checkout = acquiring.acquired();
    bench.pass(ms(300));
    let sample = bench.tick_now();
    check_outcomes(&sample, [1, 0, 0, 0]);
    check_uses(&sample, 0.0, 0.0);
    let waited = sum_millis(&sample, "db_client_wait_duration_seconds", &[POOL]);
    assert_eq!(waited.round(), 40.0);
    drop(checkout);
    check_uses(&bench.tick_now(), 1.0, 300.0);
}

#[test]
fn each_end_of_a_wait_is_an_outcome_of_its_own() {
    let mut bench = Bench::new();
    let handle = handle(&bench);
    handle.acquire().timed_out();
    handle.acquire().failed();
    handle.acquire().failed();
    drop(handle.acquire().acquired());
    check_outcomes(&bench.tick(), [1, 1, 2, 0]);
}

#[test]
fn dropped_acquire_counts_as_cancelled_with_its_time() {
    let mut bench = Bench::new();
    let handle = handle(&bench);
    let acquiring = handle.acquire();
    bench.pass(ms(70));
    drop(acquiring);
    let sample = bench.tick();
    check_outcomes(&sample, [0, 0, 0, 1]);
    let waited = sum_millis(&sample, "db_client_wait_duration_seconds", &[POOL]);
    assert_eq!(waited.round(), 70.0);
}

#[test]
fn ages_are_those_of_the_oldest_wait_and_the_oldest_use() {
    let mut bench = Bench::new();
    let handle = handle(&bench);
    let checkout = handle.acquire().acquired();
    bench.pass(ms(500));
    let (first, second) = (handle.acquire(), handle.acquire());
    bench.pass(ms(250));
    let age = |sample: &Sample, of| number(sample, of, &[POOL]);
    let (wait, hold) = ("db_client_oldest_wait_age_seconds", "db_client_oldest_use_age_seconds");
    let sample = bench.tick_now();
    assert_eq!((age(&sample, wait), age(&sample, hold)), (0.25, 0.75));
    let tracked = bench.monitor.metrics(&sample, "main").unwrap().tracked.unwrap();
    assert_eq!((tracked.oldest_wait, tracked.oldest_use), (Some(ms(250)), Some(ms(750))));
    drop((first, second, checkout));
    let sample = bench.tick_now();
    assert!(age(&sample, wait).is_nan() && age(&sample, hold).is_nan());
}

#[test]
fn wait_that_does_not_end_is_stalled() {
    let mut bench = Bench::new();
    let handle = handle(&bench);
    let _acquiring = handle.acquire();
    bench.pass(Duration::from_secs(6));
    let sample = bench.tick();
    let judged = bench.monitor.assess(&sample, "main").unwrap();
    assert_eq!(
        judged.findings.iter().map(|finding| finding.code).collect::<Vec<_>>(),
        ["stalled_wait"]
    );
}

#[test]
fn use_that_goes_on_far_longer_than_the_others_is_stalled() {
    let mut bench = Bench::new();
    let handle = handle(&bench);
    let codes = |bench: &mut Bench| {
        let sample = bench.tick();
        let judged = bench.monitor.assess(&sample, "main").unwrap();
        (judged.status, judged.findings.iter().map(|finding| finding.code).collect::<Vec<_>>())
    };
    let used_for = |bench: &Bench, times, millis| {
        for _ in 0..times {
            let checkout = handle.acquire().acquired();
            bench.pass(ms(millis));
            drop(checkout);
        }
    };
    used_for(&bench, 19, 2);
    let stuck = handle.acquire().acquired();
    bench.pass(Duration::from_secs(5));
    assert_eq!(codes(&mut bench), (Status::Healthy, vec![]), "19 uses tell nothing");
    used_for(&bench, 1, 2);
    assert_eq!(codes(&mut bench), (Status::Degraded, vec!["stalled_use"]));
    drop(stuck);
    let other = handle.acquire().acquired();
    assert_eq!(codes(&mut bench).1, [""; 0], "it has ended");
    drop(other);

    // Where one use in twenty takes a second, six are nothing unusual.
    used_for(&bench, 20, 1000);
    let long = handle.acquire().acquired();
    bench.pass(Duration::from_secs(6));
    assert!(!codes(&mut bench).1.contains(&"stalled_use"));
    drop(long);
}

#[test]
fn forgotten_checkout_is_a_leak_with_its_age_and_line() {
    let mut bench = Bench::new();
    let handle = handle(&bench);
    let leak_after = Duration::from_secs(3);
    handle.set_thresholds(Thresholds { leak_after, ..Thresholds::default() });
    let line = line!() + 1;
    std::mem::forget(handle.acquire().acquired());
    bench.pass(ms(3100));
    let sample = bench.tick_now();
    assert_eq!(number(&sample, "db_client_leaked_connections", &[POOL]), 1.0);
    let sample = bench.tick_now();
    assert_eq!(number(&sample, "db_client_leaks_total", &[POOL]), 1.0);
    check_leak(&body(&sample, Some("main")), 3100.0, &format!("guards.rs:{line}:"));
}

#[test]
fn use_as_long_as_the_threshold_is_no_leak_yet() {
    let mut bench = Bench::new();
    let handle = handle(&bench);
    let leaked = |sample: &Sample| number(sample, "db_client_leaked_connections", &[POOL]);
    let checkout = handle.acquire().acquired();
    bench.pass(Thresholds::default().leak_after);
    assert_eq!(leaked(&bench.tick_now()), 0.0);
    bench.pass(Duration::from_nanos(1));
    assert_eq!(leaked(&bench.tick_now()), 1.0);
    drop(checkout);
    assert_eq!(leaked(&bench.tick_now()), 0.0);
}

#[test]
fn leaks_are_listed_oldest_first() {
    let mut bench = Bench::new();
    let handle = handle(&bench);
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(handle.acquire().acquired());
        bench.pass(Thresholds::default().leak_after);
    }
    // The newest takes the place of the oldest, and is not mistaken for it.
    held[0] = handle.acquire().acquired();
    bench.pass(ms(1));
    let body = body(&bench.tick_now(), Some("main"));
    let leaks = body["leaks"].as_array().unwrap().iter();
    let ages: Vec<_> = leaks.map(|leak| leak["heldFor"].as_f64().unwrap()).collect();
    assert_eq!(ages, [60_001.0, 30_001.0]);
}

#[test]
fn peak_shows_what_came_and_went_between_two_ticks() {
    let mut bench = Bench::new();
    let handle = handle(&bench);
    drop([0, 1, 2].map(|_| handle.acquire().acquired()));
    let sample = bench.tick();
    assert_eq!(number(&sample, "db_client_connections_used_peak", &[POOL]), 3.0);
}

#[test]
fn connections_that_stay_in_use_stay_in_the_peak_of_a_pool_that_does_not_count_them() {
    let mut bench = Bench::new();
    let levels = || Some(PoolLevels { max: Some(4), ..PoolLevels::default() });
    let handle = bench.monitor.pool("main", levels).unwrap();
    let _held = [0, 1].map(|_| handle.acquire().acquired());
    for _ in 0..90 {
        bench.tick();
    }
    let sample = bench.tick();
    assert_eq!(number(&sample, "db_client_connections_used_peak", &[POOL]), 2.0);
}

#[test]
fn what_only_guards_know_is_shown_from_the_first_one_on() {
    let mut bench = Bench::new();
    let handle = handle(&bench);
    handle.acquired(ms(1));
    let sample = bench.tick();
    assert_eq!(FOLLOWED.map(|name| has(&sample, name)), [false; 5]);
    assert_eq!(bench.monitor.metrics(&sample, "main").unwrap().tracked, None);

    drop(handle.acquire());
    // An age is unknown until the next poll, and never zero.
    let sample = bench.registry.read();
    assert!(number(&sample, "db_client_oldest_use_age_seconds", &[POOL]).is_nan());
    let sample = bench.tick();
    assert_eq!(FOLLOWED.map(|name| has(&sample, name)), [true; 5]);
    assert!(bench.monitor.metrics(&sample, "main").unwrap().tracked.is_some());
}

#[test]
fn how_many_callers_wait_for_others_is_unknown_to_guards() {
    let mut bench = Bench::new();
    let handle = handle(&bench);
    let _waiting = [handle.acquire(), handle.acquire()];
    let sample = bench.tick();
    assert!(!has(&sample, "db_client_pending_requests_peak"));
    let report = body(&sample, Some("main"));
    let metrics = report["metrics"].as_object().unwrap();
    assert!(metrics.contains_key("peakActiveConnections") && metrics.contains_key("oldestWait"));
    for unknown in ["waitingClients", "peakWaitingClients", "openedConnections"] {
        assert!(!metrics.contains_key(unknown), "{unknown}");
    }
}

#[test]
fn guards_move_to_another_thread_and_outlive_their_handle() {
    let mut bench = Bench::new();
    let handle = handle(&bench);
    let (acquiring, checkout) = (handle.acquire(), handle.acquire().acquired());
    bench.tick();
    drop(handle);
    let elsewhere = thread::spawn(move || (acquiring.acquired(), checkout));
    let held = elsewhere.join().unwrap();
    bench.tick();
    let sample = bench.tick();
    // With the handle the pool is gone, and its ages with it; what is held is still recorded.
    assert!(bench.monitor.pools().is_empty());
    assert!(!has(&sample, "db_client_oldest_use_age_seconds"));
    check_outcomes(&sample, [2, 0, 0, 0]);
    drop(held);
    assert_eq!(number(&bench.tick(), "db_client_use_duration_seconds", &[POOL]), 2.0);
    bench.tick();
    assert!(!has(&bench.tick(), "db_client_use_duration_seconds"));
}

#[test]
fn guards_record_waits_of_a_pool_that_says_that_it_is_gone() {
    let mut bench = Bench::new();
    let gone = Arc::new(AtomicBool::new(false));
    let asked = gone.clone();
    let levels = move || usual().filter(|_| !asked.load(Ordering::Relaxed));
    let handle = bench.monitor.pool("main", levels).unwrap();
    gone.store(true, Ordering::Relaxed);
    bench.tick();
    handle.acquire().failed();
    let sample = bench.tick();
    check_outcomes(&sample, [0, 0, 1, 0]);
    assert!(!has(&sample, "db_client_oldest_wait_age_seconds"));
}

#[test]
fn nothing_is_recorded_while_measuring_is_off() {
    let mut bench = Bench::new();
    let handle = handle(&bench);
    bench.registry.set_measuring(Measuring::Off);
    let checkout = handle.acquire().acquired();
    handle.acquire().failed();
    drop(handle.acquire());
    bench.registry.set_measuring(Measuring::On);
    drop(checkout);
    let sample = bench.tick();
    check_outcomes(&sample, [0, 0, 0, 0]);
    check_uses(&sample, 0.0, 0.0);
}

#[test]
fn series_that_is_refused_late_leaves_the_waits_and_uses() {
    const OTHERS: Desc = Desc::counter("db_client_leaks_total", "Somebody else's.");
    let mut bench = Bench::new();
    let _others = bench.registry.counter(&OTHERS, &[]).unwrap();
    let handle = handle(&bench);
    drop(handle.acquire().acquired());
    let sample = bench.tick();
    check_outcomes(&sample, [1, 0, 0, 0]);
    check_uses(&sample, 1.0, 0.0);
    assert_eq!(bench.monitor.metrics(&sample, "main").unwrap().tracked, None);
}
