//! The body of `GET /metrics/performance`.

use node0_metrics_core::{CACHE_GETS, ReportError, SpanId, TraceContext, TraceId};
use serde_json::json;

use crate::bench::{Bench, ms};

#[test]
fn what_is_recorded_by_name_is_reported_by_name() {
    let mut bench = Bench::new();
    for millis in [145, 145, 145] {
        bench.performance.record_latency("api:request", ms(millis));
    }
    bench.performance.record_throughput("api:requests", 30);
    bench.performance.record_cache_hit("L1");
    bench.performance.record_cache_hit("L1");
    bench.performance.record_cache_miss("L1");
    bench.tick();
    let body = bench.report();
    let operation = &body["operations"]["api:request"];
    assert_eq!((&operation["samples"], &operation["windowSeconds"]), (&json!(3), &json!(1.0)));
    assert_eq!(operation["avg"], json!(145.0));
    let throughput = json!({"total": 30, "ratePerSecond": 30.0, "windowSeconds": 1.0});
    assert_eq!(body["throughput"]["api:requests"], throughput);
    assert_eq!(body["cache"]["L1"]["hitRate"], json!(2.0 / 3.0));
    assert_eq!(bench.performance.cache_hit_rate("L1"), Some(2.0 / 3.0));
    assert_eq!(bench.performance.cache_hit_rate("L9"), None);
    assert_eq!(bench.performance.throughput_count("api:requests").unwrap().total, 30);
}

#[test]
fn body_has_its_fields_in_order() {
    let mut bench = Bench::new();
    bench.performance.record_latency("a", ms(1));
    bench.performance.record_throughput("a", 1);
    bench.performance.record_cache_hit("L1");
    bench.tick();
    let body = bench.report();
    let fields = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(
        fields(&body),
        ["timestamp", "health", "operations", "throughput", "cache", "slowest"]
    );
    let statistics =
        ["min", "max", "avg", "p50", "p95", "p99", "samples", "windowSeconds", "count"];
    assert_eq!(fields(&body["operations"]["a"]), statistics);
    assert_eq!(fields(&body["throughput"]["a"]), ["total", "ratePerSecond", "windowSeconds"]);
    assert_eq!(fields(&body["cache"]["L1"]), ["hits", "misses", "hitRate", "hitRateTotal"]);
    assert_eq!(fields(&body["slowest"]), ["operation", "durationMs", "traceId", "spanId"]);
}

#[test]
fn the_slowest_of_the_window_has_its_own_trace_or_none() {
    let mut bench = Bench::new();
    assert_eq!(bench.report()["slowest"], json!(null));
    let (fast, slow) = ("fast", bench.performance.latency("slow").unwrap());
    bench.performance.record_latency(fast, ms(20));
    let (trace, span) = (TraceId::new(7), Some(SpanId::new(9)));
    slow.record_traced(ms(300), TraceContext { trace, span });
    slow.record_traced(ms(200), TraceId::new(8));
    let expected = json!({
        "operation": "slow", "durationMs": 300.0,
        "traceId": "00000000000000000000000000000007", "spanId": "0000000000000009",
    });
    assert_eq!(bench.report()["slowest"], expected);
    bench.tick();
    assert_eq!(bench.report()["slowest"], expected);
    let of_one = bench.registry.read().report("performance", Some(fast)).unwrap();
    assert_eq!(serde_json::to_value(of_one).unwrap()["slowest"]["operation"], fast);

    // A slower one without a trace: another's would be wrong.
    slow.record(ms(400));
    let body = bench.report();
    assert_eq!(body["slowest"]["traceId"], json!(null));
    assert!((body["slowest"]["durationMs"].as_f64().unwrap() / 400.0 - 1.0).abs() < 0.01);
}

#[test]
fn one_operation_can_be_asked_for() {
    let bench = Bench::new();
    bench.performance.record_latency("a", ms(1));
    bench.performance.record_throughput("b", 1);
    bench.performance.record_cache_hit("L1");
    let sample = bench.registry.read();
    let report = |name| sample.report("performance", Some(name));
    let body = serde_json::to_value(report("a").unwrap()).unwrap();
    assert!(body["operations"]["a"].is_object() && body["throughput"]["b"].is_null());
    assert_eq!(body["cache"], json!({}));
    let body = serde_json::to_value(report("b").unwrap()).unwrap();
    assert!(body["throughput"]["b"].is_object() && body["operations"]["a"].is_null());
    let ReportError::UnknownTarget { source, .. } = report("c").unwrap_err() else {
        panic!("another error")
    };
    assert_eq!(source.known, ["a", "b"]);
}

#[test]
fn tiers_of_other_caches_are_not_ours_to_report() {
    let bench = Bench::new();
    let other = bench.registry.hit_ratio(&CACHE_GETS, &["orders", "L1"]).unwrap();
    other.hit();
    assert_eq!(bench.report()["cache"], json!({}));
    assert_eq!(bench.performance.cache_hit_rate("L1"), None);
    bench.performance.record_cache_miss("L1");
    assert_eq!(bench.performance.cache_hit_rate("L1"), Some(0.0));
}
