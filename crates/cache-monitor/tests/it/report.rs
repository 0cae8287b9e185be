//! The report's JSON against the example that clients were written for.

use std::sync::Arc;

use node0_cache_monitor::{Events, Levels, Operation, Size};
use node0_metrics_core::{ReportError, Sample};
use serde_json::{Value, json};
use testbed::shape::check_shape;

use crate::bench::{Bench, ms, us};

const EXAMPLE: &str = include_str!("fixtures/cache.json");

fn example() -> Value {
    serde_json::from_str(EXAMPLE).unwrap()
}

fn body(sample: &Arc<Sample>, layer: Option<&str>) -> Value {
    serde_json::to_value(sample.report("cache", layer).unwrap()).unwrap()
}

/// Drives a tier to the example's counts, and the lookups of its window to its times.
fn with_example(check: impl FnOnce(&Bench, &Arc<Sample>)) {
    let mut bench = Bench::new();
    let l1 = bench.monitor.tier("demo", "L1").unwrap();
    let l2 = bench.monitor.tier("demo", "L2").unwrap();
    l1.set(us(10), Size::Plain(512));
    (0..1876).for_each(|_| l1.miss(ms(1)));
    (0..14_234).for_each(|_| l1.hit(ms(1)));
    bench.tick();
    // The window is the last thousand; their times are the example's at its ranks.
    for rank in 1..=1000 {
        l1.hit(us(match rank {
            1 => 500,
            2..=400 => 1_900,
            401..=600 => 2_100,
            601..=940 => 2_400,
            941..=960 => 5_400,
            961..=980 => 6_000,
            981..=999 => 7_800,
            _ => 8_200,
        }));
    }
    (0..300).for_each(|_| l2.hit(ms(5)));
    let sample = bench.tick();
    check(&bench, &sample);
}

#[test]
fn body_has_the_examples_fields_in_nesting_type_and_order() {
    with_example(|_, sample| {
        check_shape(&example(), &body(sample, None));
        check_shape(&example(), &body(sample, Some("L1")));
        check_shape(&example(), &body(sample, Some("demo/L1")));
    });
}

#[test]
fn body_has_the_examples_values_when_a_tier_is_driven_to_them() {
    with_example(|_, sample| {
        let body = body(sample, None);
        let (found, wanted) = (&body["L1"]["metrics"], &example()["L1"]["metrics"]);
        for key in ["hits", "misses", "compressionRatio"] {
            assert_eq!(found[key].as_f64(), wanted[key].as_f64(), "{key}");
        }
        let rate = found["hitRate"].as_f64().unwrap();
        assert!((rate - 0.89).abs() < 0.001, "{rate}");
        assert_eq!(found["hitRate"], found["hitRateTotal"]);
        let (found, wanted) =
            (&body["L1"]["latencyDistribution"], &example()["L1"]["latencyDistribution"]);
        for key in ["min", "max", "p50", "p95", "p99"] {
            let (found, wanted) = (found[key].as_f64().unwrap(), wanted[key].as_f64().unwrap());
            assert!((found - wanted).abs() <= wanted / 100.0, "{key} is {found}");
        }
        assert_eq!(found["samples"], 1000);
        assert_eq!(body["health"]["status"], "optimal");
        assert_eq!(body["health"]["level"], "healthy");
        assert_eq!(body["timestamp"], sample.at.as_millis());
    });
}

#[test]
fn named_layer_has_its_numbers_its_health_and_nothing_of_others() {
    with_example(|_, sample| {
        let body = body(sample, Some("L2"));
        let keys: Vec<_> = body.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["timestamp", "health", "L2"]);
        assert_eq!(body["L2"]["metrics"]["hits"], 300);
        assert_eq!(body["L2"]["thresholds"]["hitRate"], 0.7);
        assert_eq!(body["L2"]["thresholds"]["slowGet"], 50.0);
    });
}

#[test]
fn unknown_layer_is_refused_with_the_known_ones() {
    with_example(|_, sample| {
        for unknown in ["L3", "demo/L3", "other/L1", "demo", "", "demo/"] {
            let error = sample.report("cache", Some(unknown)).unwrap_err();
            let ReportError::UnknownTarget { topic, source } = error else {
                panic!("{error:?}");
            };
            assert_eq!(topic.target_param, Some("layer"));
            assert_eq!(source.target, unknown);
            assert_eq!(source.known, ["L1", "L2"]);
        }
    });
}

#[test]
fn one_cache_has_its_tiers_at_the_top_level_only() {
    with_example(|_, sample| {
        let keys: Vec<_> = body(sample, None).as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["timestamp", "health", "L1", "L2"]);
    });
}

#[test]
fn several_caches_have_each_its_place_and_their_tiers_together() {
    let mut bench = Bench::new();
    let tiers = ["orders", "users"].map(|cache| bench.monitor.tier(cache, "L1").unwrap());
    (0..30).for_each(|_| tiers[0].hit(ms(1)));
    (0..10).for_each(|_| tiers[1].miss(ms(5)));
    let sample = bench.tick();
    let all = body(&sample, None);
    let keys: Vec<_> = all.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["timestamp", "health", "L1", "caches"]);
    assert_eq!(all["L1"]["metrics"]["hits"], 30);
    assert_eq!(all["L1"]["metrics"]["hitRate"], 0.75);
    assert_eq!(all["L1"]["metrics"]["avgGetLatency"], 2.0);
    let users = &all["caches"]["users"];
    assert_eq!(users["health"]["status"], "unknown");
    assert_eq!(users["L1"]["metrics"]["misses"], 10);
    assert_eq!(body(&sample, Some("L1"))["L1"], all["L1"]);
    assert_eq!(body(&sample, Some("users/L1"))["L1"], users["L1"]);

    let error = sample.report("cache", Some("L2")).unwrap_err();
    let ReportError::UnknownTarget { source, .. } = error else { panic!("{error:?}") };
    assert_eq!(source.known, ["L1", "orders/L1", "users/L1"]);
}

#[test]
fn what_has_no_data_is_null_and_what_cannot_be_known_is_absent() {
    let (mut bench, tier) = Bench::with_tier();
    let absent = body(&bench.tick(), None);
    let metrics = absent["L1"]["metrics"].as_object().unwrap();
    for key in ["hitRate", "hitRateTotal", "avgGetLatency", "compressionRatio", "errorRate"] {
        assert_eq!(metrics[key], Value::Null, "{key}");
    }
    for key in ["errors", "evictions", "entries", "maxBytes", "loads", "staleServed", "sets"] {
        assert!(!metrics.contains_key(key), "{key}");
    }
    assert_eq!(absent["L1"]["latencyDistribution"]["p95"], Value::Null);
    assert_eq!(absent["health"]["status"], "unknown");
    assert_eq!(absent["health"]["score"], Value::Null);

    tier.declare(&[Events::Errors, Events::Loads]);
    tier.set_levels(Levels { entries: Some(9), ..Levels::default() });
    let known = body(&bench.tick(), None);
    let metrics = &known["L1"]["metrics"];
    assert_eq!(metrics["errors"], 0);
    assert_eq!(metrics["entries"], 9);
    let none = json!({"succeeded": 0, "failed": 0, "cancelled": 0, "coalesced": 0});
    assert_eq!(metrics["loads"], none);
}

#[test]
fn distributions_are_by_operation_in_milliseconds() {
    let (mut bench, tier) = Bench::with_tier();
    tier.hit(ms(2));
    tier.set(ms(30), Size::Unknown);
    let body = body(&bench.tick(), Some("L1"));
    let all = body["L1"]["latencyDistributions"].as_object().unwrap();
    assert_eq!(all.keys().collect::<Vec<_>>(), ["get", "set"]);
    assert_eq!(all["get"], body["L1"]["latencyDistribution"]);
    assert_eq!((&all["get"]["avg"], &all["set"]["avg"]), (&json!(2.0), &json!(30.0)));
}

#[test]
fn health_has_the_caches_words_the_common_word_and_the_objects() {
    let (mut bench, tier) = Bench::with_tier();
    (0..20).for_each(|_| tier.error(Operation::Get, ms(1)));
    let health = body(&bench.tick(), None)["health"].clone();
    assert_eq!((&health["status"], &health["level"]), (&json!("poor"), &json!("unhealthy")));
    assert_eq!(health["issues"].as_array().unwrap().len(), 1);
    assert_eq!(health["recommendations"].as_array().unwrap().len(), 1);
    assert_eq!(health["issueDetails"][0]["code"], "high_error_rate");
    assert_eq!(health["issueDetails"][0]["component"], "demo/L1");

    let (mut bench, tier) = Bench::with_tier();
    (0..13).for_each(|_| tier.hit(ms(1)));
    (0..7).for_each(|_| tier.miss(ms(1)));
    let health = body(&bench.tick(), None)["health"].clone();
    assert_eq!((&health["status"], &health["level"]), (&json!("degraded"), &json!("degraded")));
}

#[test]
fn health_of_caches_and_layers_is_the_believed_one() {
    let mut bench = Bench::new();
    let orders = bench.monitor.tier("orders", "L1").unwrap();
    let users = bench.monitor.tier("users", "L1").unwrap();
    for tier in [&orders, &users] {
        (0..100).for_each(|_| tier.hit(ms(1)));
    }
    bench.tick();
    (0..100).for_each(|_| orders.error(Operation::Get, ms(1)));
    let shown = |sample: &Arc<Sample>| {
        let caches = &body(sample, None)["caches"];
        let layer = body(sample, Some("orders/L1"));
        let healths = [&caches["orders"]["health"], &caches["users"]["health"], &layer["health"]];
        healths.map(|health| health["status"].as_str().unwrap().to_owned())
    };
    assert_eq!(shown(&bench.tick()), ["optimal"; 3], "one bad tick says little");
    bench.tick();
    assert_eq!(shown(&bench.tick()), ["poor", "optimal", "poor"]);
}
