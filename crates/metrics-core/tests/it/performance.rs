use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use metrics_core::{
    CACHE_GETS, OPERATION_DURATION, OTHER, Performance, SERIES_FOLDED, Status, Value,
};
use serde_json::json;

use crate::Bench;

fn poll_each_second(bench: &mut Bench, seconds: usize) {
    for _ in 0..seconds {
        bench.tick();
    }
}

#[test]
fn what_is_recorded_by_name_is_reported_by_name() {
    let mut bench = Bench::new();
    let performance = Performance::register(&bench.registry).unwrap();
    for ms in [145, 145, 145] {
        performance.record_latency("api:request", Duration::from_millis(ms));
    }
    performance.record_throughput("api:requests", 30);
    performance.record_cache_hit("L1");
    performance.record_cache_hit("L1");
    performance.record_cache_miss("L1");
    bench.tick();
    let report = bench.registry.read().report("performance", None).unwrap();
    let body = serde_json::to_value(&report).unwrap();
    let operation = &body["operations"]["api:request"];
    assert_eq!((&operation["samples"], &operation["windowSeconds"]), (&json!(3), &json!(1.0)));
    assert_eq!(operation["avg"], json!(145.0));
    let throughput = json!({"total": 30, "ratePerSecond": 30.0, "windowSeconds": 1.0});
    assert_eq!(body["throughput"]["api:requests"], throughput);
    assert_eq!(body["cache"]["L1"]["hitRate"], json!(2.0 / 3.0));
    assert_eq!(performance.cache_hit_rate("L1"), Some(2.0 / 3.0));
    assert_eq!(performance.cache_hit_rate("L9"), None);
    assert_eq!(performance.throughput_count("api:requests").unwrap().total, 30);
}

#[test]
fn one_operation_can_be_asked_for() {
    let bench = Bench::new();
    let performance = Performance::register(&bench.registry).unwrap();
    performance.record_latency("a", Duration::from_millis(1));
    performance.record_throughput("b", 1);
    let sample = bench.registry.read();
    let body = serde_json::to_value(sample.report("performance", Some("a")).unwrap()).unwrap();
    assert!(body["operations"]["a"].is_object() && body["throughput"]["b"].is_null());
    let unknown = sample.report("performance", Some("c")).unwrap_err();
    let metrics_core::ReportError::UnknownTarget { source, .. } = unknown else {
        panic!("{unknown}")
    };
    assert_eq!(source.known, ["a", "b"]);
}

#[test]
fn slow_operations_are_an_issue_once_there_are_enough_samples() {
    let mut bench = Bench::new();
    let performance = Performance::register(&bench.registry).unwrap();
    performance.record_latency("slow", Duration::from_secs(3));
    assert_eq!(bench.tick().sample.topics[0].assessment.status, Status::Unknown);
    (0..30).for_each(|_| performance.record_latency("slow", Duration::from_secs(3)));
    let assessment = bench.tick().sample.topics[0].assessment.clone();
    assert_eq!((assessment.status, assessment.score), (Status::Degraded, Some(80)));
    assert_eq!(assessment.findings[0].threshold, 1000.0);
    assert!(assessment.summary.contains("`slow` takes 30"), "{}", assessment.summary);
}

#[test]
fn a_flood_of_names_is_folded_and_counted() {
    let mut bench = Bench::new();
    let performance = Performance::register(&bench.registry).unwrap();
    for i in 0..100_000u32 {
        performance.record_latency(&format!("op:{i}"), Duration::from_millis(1));
        if i % 25_000 == 0 {
            bench.tick();
        }
    }
    let sample = bench.tick().sample;
    let family = sample.snapshot.family(OPERATION_DURATION.name()).unwrap();
    assert_eq!(family.series().len(), 501);
    let total: f64 = family.series().map(|(_, value)| value.as_f64()).sum();
    assert_eq!(total, 100_000.0);
    let value = |name, labels: &[_]| sample.snapshot.value(name, labels).map(Value::as_f64);
    assert_eq!(value(OPERATION_DURATION.name(), &[("operation", OTHER)]), Some(99_500.0));
    assert_eq!(value(OPERATION_DURATION.name(), &[("operation", "op:7")]), Some(1.0));
    let metric = [("metric", OPERATION_DURATION.name())];
    assert_eq!(value(SERIES_FOLDED.name(), &metric), Some(99_500.0));
}

#[test]
fn long_names_are_one_name_when_they_are_cut() {
    let bench = Bench::new();
    let performance = Performance::register(&bench.registry).unwrap();
    for i in 0..1000 {
        let name = format!("{}{i}", "n".repeat(300));
        performance.record_cache_hit(&name);
    }
    let sample = bench.registry.read();
    assert_eq!(sample.snapshot.family(CACHE_GETS.name()).unwrap().series().len(), 2);
}

#[test]
fn an_idle_name_goes_and_a_held_handle_keeps_its_series() {
    let mut bench = Bench::new();
    let expiry = Duration::from_secs(60);
    let performance = Performance::builder().idle_expiry(expiry).register(&bench.registry).unwrap();
    performance.record_latency("idle", Duration::from_millis(1));
    performance.record_latency("held", Duration::from_millis(1));
    let held = performance.latency("held").unwrap();
    for _ in 0..200 {
        performance.record_latency("busy", Duration::from_millis(1));
        poll_each_second(&mut bench, 1);
    }
    let known = |name| performance.latency_percentiles(name).map(|latency| latency.count);
    assert_eq!((known("idle"), known("held"), known("busy")), (None, Some(1), Some(200)));
    performance.record_latency("held", Duration::from_millis(1));
    assert_eq!(known("held"), Some(2));
    drop(held);
}

#[test]
fn an_idle_name_goes_although_an_idle_thread_recorded_it() {
    let mut bench = Bench::new();
    let expiry = Duration::from_secs(60);
    let performance = Performance::builder().idle_expiry(expiry).register(&bench.registry).unwrap();
    let (end, ended) = mpsc::channel::<()>();
    let (recorded, has_recorded) = mpsc::channel();
    let idle = thread::spawn({
        let performance = performance.clone();
        move || {
            performance.record_cache_hit("idle");
            recorded.send(()).unwrap();
            ended.recv().unwrap_err();
            performance.record_cache_hit("idle");
        }
    });
    has_recorded.recv().unwrap();
    poll_each_second(&mut bench, 200);
    assert_eq!(performance.cache_hit_rate("idle"), None);
    drop(end);
    idle.join().unwrap();
    assert_eq!(performance.cache_hit_rate("idle"), Some(1.0));
}

#[test]
fn a_name_that_is_used_just_before_it_would_go_stays_as_long_again() {
    let mut bench = Bench::new();
    let expiry = Duration::from_secs(60);
    let performance = Performance::builder().idle_expiry(expiry).register(&bench.registry).unwrap();
    performance.record_throughput("rare", 1);
    // It was first looked at after 30 s: after 90 s threads let go of it, after 120 s it would go.
    poll_each_second(&mut bench, 100);
    performance.record_throughput("rare", 1);
    poll_each_second(&mut bench, 60);
    assert_eq!(performance.throughput_count("rare").unwrap().total, 2);
    poll_each_second(&mut bench, 100);
    assert_eq!(performance.throughput_count("rare"), None);
}

#[test]
fn two_monitors_on_one_thread_keep_their_names_apart() {
    let (a, b) = (Bench::new(), Bench::new());
    let first = Performance::register(&a.registry).unwrap();
    let second = Performance::register(&b.registry).unwrap();
    for _ in 0..5 {
        first.record_throughput("x", 1);
        second.record_throughput("x", 10);
    }
    assert_eq!(first.throughput_count("x").unwrap().total, 5);
    assert_eq!(second.throughput_count("x").unwrap().total, 50);
}
