//! Names that are no longer used expire.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::bench::{Bench, ms};

fn expiring() -> Bench {
    Bench::with(|builder| builder.idle_expiry(Duration::from_secs(60)))
}

#[test]
fn an_idle_name_goes_and_a_held_handle_keeps_its_series() {
    let mut bench = expiring();
    bench.performance.record_latency("idle", ms(1));
    bench.performance.record_latency("held", ms(1));
    let held = bench.performance.latency("held").unwrap();
    for _ in 0..200 {
        bench.performance.record_latency("busy", ms(1));
        bench.tick();
    }
    let known = |name| bench.performance.latency_percentiles(name).map(|latency| latency.count);
    assert_eq!((known("idle"), known("held"), known("busy")), (None, Some(1), Some(200)));
    bench.performance.record_latency("held", ms(1));
    assert_eq!(known("held"), Some(2));
    drop(held);
}

#[test]
fn an_idle_name_goes_although_an_idle_thread_recorded_it() {
    let mut bench = expiring();
    let (end, ended) = mpsc::channel::<()>();
    let (recorded, has_recorded) = mpsc::channel();
    let idle = thread::spawn({
        let performance = bench.performance.clone();
        move || {
            performance.record_cache_hit("idle");
            recorded.send(()).unwrap();
            ended.recv().unwrap_err();
            performance.record_cache_hit("idle");
        }
    });
    has_recorded.recv().unwrap();
    bench.ticks(200);
    assert_eq!(bench.performance.cache_hit_rate("idle"), None);
    drop(end);
    idle.join().unwrap();
    assert_eq!(bench.performance.cache_hit_rate("idle"), Some(1.0));
}

#[test]
fn a_name_that_is_used_just_before_it_would_go_stays_as_long_again() {
    let mut bench = expiring();
    bench.performance.record_throughput("rare", 1);
    // It was first looked at after 30 s: after 90 s threads let go of it, after 120 s it would go.
    bench.ticks(100);
    bench.performance.record_throughput("rare", 1);
    bench.ticks(60);
    assert_eq!(bench.performance.throughput_count("rare").unwrap().total, 2);
    bench.ticks(100);
    assert_eq!(bench.performance.throughput_count("rare"), None);
}

#[test]
fn idle_names_stay_ten_minutes_by_default() {
    let mut bench = Bench::new();
    bench.performance.record_throughput("idle", 1);
    bench.ticks(600);
    assert!(bench.performance.throughput_count("idle").is_some());
    bench.ticks(95);
    assert_eq!(bench.performance.throughput_count("idle"), None);
}

#[test]
fn a_name_that_expired_goes_on_from_its_last_total() {
    let mut bench = Bench::new();
    let performance = bench.performance.clone();
    performance.record_throughput("rare", 5);
    performance.record_latency("rare", ms(1));
    performance.record_cache_hit("L1");
    bench.ticks(700);
    assert_eq!(performance.throughput_count("rare"), None);
    assert_eq!(performance.latency_percentiles("rare"), None);
    assert_eq!(performance.cache_hit_rate("L1"), None);
    performance.record_throughput("rare", 1);
    performance.record_latency("rare", ms(1));
    performance.record_cache_miss("L1");
    assert_eq!(performance.throughput_count("rare").unwrap().total, 6);
    let latency = performance.latency_percentiles("rare").unwrap();
    assert_eq!((latency.count, latency.samples), (2, 1));
    assert_eq!(performance.cache_hit_rate("L1"), Some(0.5));
}
