//! Values recorded through the facade arrive in the base unit.

use std::time::Duration;

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use node0_metrics_core::Value;

use crate::bench::Bench;

#[test]
fn a_counter_counts_and_can_be_set() {
    let bench = Bench::new();
    bench.record(|| {
        counter!("jobs").increment(2);
        counter!("jobs").absolute(10);
        counter!("jobs").absolute(7);
        counter!("jobs").increment(1);
    });
    assert_eq!(bench.number("jobs_total", &[]), Some(11.0));
}

#[test]
fn a_gauge_is_set_raised_and_lowered() {
    let bench = Bench::new();
    bench.record(|| {
        gauge!("depth", "queue" => "mail").set(5.0);
        gauge!("depth", "queue" => "mail").increment(2.5);
        gauge!("depth", "queue" => "mail").decrement(1);
    });
    assert_eq!(bench.number("depth", &[("queue", "mail")]), Some(6.5));
}

#[test]
fn a_handle_that_is_kept_works_on_any_thread() {
    let bench = Bench::new();
    let jobs = bench.record(|| counter!("jobs"));
    assert_eq!(bench.number("jobs_total", &[]), Some(0.0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..1000).for_each(|_| jobs.increment(1)));
        }
    });
    assert_eq!(bench.number("jobs_total", &[]), Some(4000.0));
}

#[test]
fn durations_of_any_unit_are_latencies_in_seconds() {
    let bench = Bench::new();
    bench.record(|| {
        describe_histogram!("wait_ms", Unit::Milliseconds, "Waits.");
        describe_histogram!("parse", Unit::Microseconds, "Parses.");
        describe_histogram!("tick", Unit::Nanoseconds, "Ticks.");
        histogram!("wait_ms").record(250.0);
        histogram!("parse").record(250.0);
        histogram!("tick").record_many(250.0, 3);
        histogram!("request_duration_seconds").record(Duration::from_millis(250));
    });
    for (name, seconds) in [
        ("wait_seconds", 0.25),
        ("parse_seconds", 250e-6),
        ("tick_seconds", 750e-9),
        ("request_duration_seconds", 0.25),
    ] {
        let Some(Value::Histogram(histogram)) = bench.value(name, &[]) else { panic!("{name}") };
        assert!((histogram.sum() - seconds).abs() < 1e-12, "{name}: {}", histogram.sum());
        assert_eq!(bench.head(name).unwrap().0, "histogram");
        assert_eq!(bench.head(name).unwrap().1, "seconds");
    }
}

#[test]
fn other_units_are_scaled_to_their_base() {
    let bench = Bench::new();
    bench.record(|| {
        describe_gauge!("cpu_percent", Unit::Percent, "Load.");
        describe_gauge!("heap", Unit::Mebibytes, "Heap.");
        describe_counter!("sent", Unit::Kibibytes, "Sent.");
        describe_counter!("busy", Unit::Milliseconds, "Busy.");
        describe_histogram!("body", Unit::Bytes, "Bodies.");
        gauge!("cpu_percent").set(35.0);
        gauge!("heap").increment(2);
        counter!("sent").increment(3);
        counter!("busy").increment(1500);
        histogram!("body").record_many(512.0, 1_000_000);
    });
    assert_eq!(bench.number("cpu_ratio", &[]), Some(0.35));
    assert_eq!(bench.number("heap_bytes", &[]), Some(2_097_152.0));
    assert_eq!(bench.number("sent_bytes_total", &[]), Some(3072.0));
    // Counters hold whole numbers, and a second and a half is none.
    assert_eq!(bench.number("busy_milliseconds_total", &[]), Some(1500.0));
    assert_eq!(bench.number("body_bytes", &[]), Some(1_000_000.0));
}

#[test]
fn values_that_no_cell_can_hold_are_counted() {
    let mut bench = Bench::new();
    bench.record(|| {
        for value in [f64::NAN, f64::INFINITY, -1.0] {
            histogram!("wait_seconds").record(value);
            histogram!("size").record(value);
        }
        histogram!("wait_seconds").record(1e12);
    });
    // The pass that sees them shows them in the next.
    bench.tick();
    assert_eq!(bench.number("node0_values_dropped_total", &[]), Some(6.0));
    assert_eq!(bench.number("node0_values_clamped_total", &[]), Some(1.0));
    assert_eq!(bench.number("wait_seconds", &[]), Some(1.0));
}

#[test]
fn exported_buckets_are_the_hosts_if_it_names_some() {
    let registry = node0_metrics_core::Registry::builder();
    let bench = Bench::with(registry, |recorder| {
        recorder.bounds("size", &[30.0, 10.0, f64::NAN, 10.0]).bounds("wait_seconds", &[0.5])
    });
    bench.record(|| {
        histogram!("size").record(20.0);
        histogram!("wait_seconds").record(0.2);
        histogram!("other").record(0.2);
    });
    let page = bench.page(node0_exporter::Format::Text);
    for line in [
        "size_bucket{le=\"10.0\"} 0\nsize_bucket{le=\"30.0\"} 1\nsize_bucket{le=\"+Inf\"} 1\n",
        "wait_seconds_bucket{le=\"0.5\"} 1\nwait_seconds_bucket{le=\"+Inf\"} 1\n",
        "other_bucket{le=\"0.1\"} 0\nother_bucket{le=\"0.5\"} 1\n",
    ] {
        assert!(page.contains(line), "{page}");
    }
}
