//! Recording by name, and by handles of the same names.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use node0_metrics_core::{
    CACHE_GETS, DEFAULT_CACHE, Judgement, Monitor, OTHER, RegisterError, Registry, Report,
    SERIES_FOLDED, Status, Topic, UnknownTarget, VALUES_CLAMPED, Value, View,
};
use node0_performance_monitor::{OPERATION_DURATION, OPERATIONS, PerformanceMonitor};

use crate::bench::{Bench, ms};

#[test]
fn name_and_handle_record_into_the_same_series() {
    let bench = Bench::new();
    let performance = &bench.performance;
    let (latency, throughput) = (performance.latency("a").unwrap(), performance.throughput("a"));
    let (throughput, cache) = (throughput.unwrap(), performance.cache("L1").unwrap());
    latency.record(ms(1));
    performance.record_latency("a", ms(1));
    throughput.add(2);
    performance.record_throughput("a", 3);
    cache.hit();
    performance.record_cache_miss("L1");
    assert_eq!(performance.latency_percentiles("a").unwrap().count, 2);
    assert_eq!(performance.throughput_count("a").unwrap().total, 5);
    assert_eq!(performance.cache_hit_rate("L1"), Some(0.5));
}

#[test]
fn a_flood_of_names_is_folded_and_counted() {
    let mut bench = Bench::new();
    for i in 0..100_000u32 {
        bench.performance.record_latency(&format!("op:{i}"), ms(1));
        if i % 25_000 == 0 {
            bench.tick();
        }
    }
    let sample = bench.tick();
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
    for i in 0..1000 {
        let name = format!("{}{i}", "n".repeat(300));
        bench.performance.record_cache_hit(&name);
    }
    let sample = bench.registry.read();
    assert_eq!(sample.snapshot.family(CACHE_GETS.name()).unwrap().series().len(), 2);
}

#[test]
fn names_take_any_value_and_their_report_can_be_read() {
    let mut bench = Bench::new();
    let performance = &bench.performance;
    for name in ["", "a", "ü\n\"", &"long".repeat(1000)] {
        for units in [0, 1, u64::MAX, i64::MAX as u64] {
            performance.record_throughput(name, units);
        }
        for took in [Duration::ZERO, Duration::MAX] {
            performance.record_latency(name, took);
        }
        performance.record_cache_hit(name);
    }
    for result in ["hit", "miss"] {
        let labels = [DEFAULT_CACHE, "full", result];
        bench.registry.counter(&CACHE_GETS, &labels).unwrap().add(u64::MAX);
    }
    let body = bench.report();
    assert_eq!(body["throughput"]["a"]["total"], i64::MAX as u64);
    assert_eq!(body["operations"]["a"]["count"], 2);
    assert_eq!(body["cache"]["a"]["hitRateTotal"], 1.0);
    assert_eq!(body["cache"]["full"]["hitRateTotal"], 0.5);
    // What a pass finds of odd values, the next one shows.
    bench.tick();
    let sample = bench.tick();
    let clamped = sample.snapshot.value(VALUES_CLAMPED.name(), &[]).map(Value::as_f64);
    assert_eq!(clamped, Some(4.0));
}

#[test]
fn two_monitors_on_one_thread_keep_their_names_apart() {
    let (first, second) = (Bench::new(), Bench::new());
    for _ in 0..5 {
        first.performance.record_throughput("x", 1);
        second.performance.record_throughput("x", 10);
    }
    assert_eq!(first.performance.throughput_count("x").unwrap().total, 5);
    assert_eq!(second.performance.throughput_count("x").unwrap().total, 50);
}

#[test]
fn second_monitor_of_a_registry_is_refused() {
    let bench = Bench::new();
    let refused = PerformanceMonitor::register(&bench.registry).unwrap_err();
    assert_eq!(refused, RegisterError::DuplicateTopic { topic: "performance" });
}

#[test]
fn disabled_monitor_takes_everything_and_knows_nothing() {
    const NONE: PerformanceMonitor = PerformanceMonitor::disabled();
    NONE.record_latency("a", ms(1));
    NONE.record_throughput("a", 1);
    NONE.record_cache_hit("a");
    NONE.record_cache_miss("a");
    NONE.latency("a").unwrap().record(ms(1));
    NONE.throughput("a").unwrap().inc();
    NONE.cache("a").unwrap().hit();
    assert_eq!((NONE.latency_percentiles("a"), NONE.throughput_count("a")), (None, None));
    assert_eq!(NONE.cache_hit_rate("a"), None);
    assert_eq!(NONE.assess(&Registry::new().read()).status, Status::Unknown);
}

#[test]
fn names_out_of_the_registrys_room_are_refused_when_the_monitor_is_made() {
    let full = Registry::builder().max_families(0).build();
    let refused = PerformanceMonitor::register(&full).unwrap_err();
    assert!(matches!(refused, RegisterError::TooManyFamilies { .. }), "{refused}");
    let taken = Registry::new();
    let _taken =
        taken.counter(&node0_metrics_core::Desc::counter(OPERATIONS.name(), "Other."), &[]);
    let refused = PerformanceMonitor::register(&taken).unwrap_err();
    assert!(matches!(refused, RegisterError::Conflict { .. }), "{refused}");
}

/// A monitor that lives as long as the registry.
struct Neighbour;

impl Monitor for Neighbour {
    fn topic(&self) -> &'static Topic {
        static TOPIC: Topic = Topic::new("neighbour", "neighbour");
        &TOPIC
    }

    fn judge(&self, _: &View<'_>) -> Judgement {
        Judgement::healthy("fine")
    }

    fn report(&self, _: &View<'_>, _: Option<&str>) -> Result<Report, UnknownTarget> {
        Ok(Report::new(BTreeMap::<String, u64>::new()))
    }
}

#[test]
fn dropped_monitor_and_registry_leave_nothing() {
    let registry = Registry::new();
    let neighbour = Arc::new(Neighbour);
    registry.monitor(neighbour.clone()).unwrap();
    let performance = PerformanceMonitor::register(&registry).unwrap();
    performance.record_latency("a", ms(1));
    drop((registry, performance));
    assert_eq!(Arc::strong_count(&neighbour), 1, "the registry holds it no more");
}
