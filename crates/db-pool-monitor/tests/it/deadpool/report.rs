//! The report's JSON against the example that clients were written for.

use std::sync::Arc;
use std::time::Duration;

use node0_metrics_core::{ReportError, Sample};
use serde_json::{Value, json};
use testbed::shape::check_shape;

use super::fake::{now, pool_of, waiting};
use crate::bench::{Bench, body, ms};

const EXAMPLE: &str = include_str!("../fixtures/database.json");

fn example() -> Value {
    serde_json::from_str(EXAMPLE).unwrap()
}

/// The example with the envelope first, as the core writes it: `timestamp`, then `health`.
fn enveloped() -> Value {
    let mut example = example();
    let fields = example.as_object_mut().unwrap();
    let health = fields.shift_remove("health").unwrap();
    fields.shift_insert(1, "health".to_owned(), health);
    example
}

/// Drives two pools until their totals are the example's, all at one moment.
///
/// The example has callers waiting beside idle connections, which takes two
/// pools. A full pool with a short queue is an issue that costs eight points.
fn with_example(check: impl FnOnce(&Arc<Sample>)) {
    let mut bench = Bench::new();
    let (main, _) = bench.build("main", 20);
    let (full, _) = bench.build("full", 2);
    let mut held: Vec<_> = (0..13).map(|_| now(main.get()).unwrap()).collect();
    held.truncate(6);
    let mut queue: Vec<_> = (0..2).map(|_| now(full.get()).unwrap()).collect();
    // 125 waits in ten seconds: 15 without time, these 110 with 5662.5 ms in all.
    let long = Duration::from_micros(103_500);
    for time in [long].into_iter().chain([ms(51); 109]) {
        let next = waiting(&full);
        bench.pass(time);
        drop(queue.remove(0));
        queue.push(now(next).unwrap());
    }
    let _callers: Vec<_> = (0..2).map(|_| waiting(&full)).collect();
    bench.pass(Duration::from_secs(10) - bench.registry.clock().uptime());
    check(&bench.tick_now());
}

#[test]
fn body_has_the_examples_fields_in_nesting_type_and_order() {
    with_example(|sample| {
        check_shape(&enveloped(), &body(sample, None));
        check_shape(&enveloped(), &body(sample, Some("full")));
        let mut without_time = example();
        without_time.as_object_mut().unwrap().shift_remove("timestamp");
        check_shape(&without_time, &body(sample, None)["pools"]["full"]);
    });
}

#[test]
fn body_has_the_examples_values_when_the_pools_are_driven_to_them() {
    with_example(|sample| {
        let body = body(sample, None);
        for block in ["metrics", "rates"] {
            for (key, value) in example()[block].as_object().unwrap() {
                assert_eq!(body[block][key].as_f64(), value.as_f64(), "{block}.{key}");
            }
        }
        let health = &body["health"];
        assert_eq!((&health["status"], &health["score"]), (&json!("healthy"), &json!(92)));
        assert_eq!(health["issueDetails"][0]["code"], "pool_exhausted");
        assert_eq!(body["timestamp"], sample.at.as_millis());
    });
}

#[test]
fn totals_are_the_sums_over_the_pools() {
    with_example(|sample| {
        let body = body(sample, None);
        for key in
            ["totalConnections", "activeConnections", "waitingClients", "acquired", "samples"]
        {
            let of = |pool: &str| body["pools"][pool]["metrics"][key].as_u64().unwrap();
            assert_eq!(body["metrics"][key], of("main") + of("full"), "{key}");
        }
        let names: Vec<_> = body["pools"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["full", "main"]);
    });
}

#[test]
fn named_pool_has_its_own_numbers_and_the_thresholds_it_is_judged_by() {
    with_example(|sample| {
        let body = body(sample, Some("main"));
        assert_eq!(body["metrics"]["totalConnections"], 13);
        assert_eq!(body["metrics"]["maxConnections"], 20);
        assert_eq!(body["health"]["score"], 100);
        assert_eq!(body["thresholds"]["leakAfter"], 30_000.0);
        assert_eq!(body["thresholds"]["errorRate"], 0.05);
        assert!(body.get("pools").is_none());
    });
}

#[test]
fn unknown_pool_is_refused_with_the_known_ones() {
    with_example(|sample| {
        let error = sample.report("database", Some("else")).unwrap_err();
        let ReportError::UnknownTarget { topic, source } = error else {
            panic!("{error:?}");
        };
        assert_eq!(topic.target_param, Some("pool"));
        assert_eq!(source.target, "else");
        assert_eq!(source.known, ["full", "main"]);
    });
}

#[test]
fn what_has_no_data_is_null_and_what_cannot_be_known_is_absent() {
    let mut bench = Bench::new();
    let bare = pool_of(1).0.build().unwrap();
    let _pool = bench.monitor.attach("main", &bare).unwrap();
    let body = body(&bench.tick(), None);
    let metrics = body["metrics"].as_object().unwrap();
    for key in ["avgWaitTime", "p95WaitTime", "avgUseTime", "oldestUse", "oldestWait"] {
        assert_eq!(metrics[key], Value::Null, "{key}");
    }
    for key in ["openedConnections", "discardedConnections", "waitPhases"] {
        assert!(!metrics.contains_key(key), "{key}");
    }
    assert_eq!(body["rates"]["errorRate"], Value::Null);
    assert_eq!(body["health"]["status"], "unknown");
    assert_eq!(body["health"]["score"], Value::Null);
}

#[test]
fn phases_are_reported_in_milliseconds() {
    let mut bench = Bench::new();
    let (pool, script) = bench.build("main", 1);
    let _held = bench.get_opened(&pool, &script);
    let body = body(&bench.tick(), Some("main"));
    let metrics = &body["metrics"];
    assert_eq!(metrics["waitPhases"]["connect"]["avg"], 30.0);
    assert_eq!(metrics["waitPhases"]["recycle"], json!({"avg": null, "p95": null}));
    assert_eq!(metrics["openedConnections"], 1);
}

#[test]
fn topic_and_pools_show_the_published_health() {
    let mut bench = Bench::new();
    let (pool, _) = bench.build("main", 1);
    let _held = now(pool.get()).unwrap();
    bench.tick();
    let _queue: Vec<_> = (0..6).map(|_| waiting(&pool)).collect();
    let scores = |sample: &Arc<Sample>| {
        let (all, one) = (body(sample, None), body(sample, Some("main")));
        [&all["health"], &all["pools"]["main"]["health"], &one["health"]]
            .map(|health| health["score"].as_u64())
    };
    assert_eq!(scores(&bench.tick()), [Some(100); 3], "one bad tick is not believed yet");
    assert_eq!(scores(&bench.tick()), [Some(77); 3]);
}
