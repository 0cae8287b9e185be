use std::collections::BTreeSet;
use std::time::Duration;

use node0_exporter::Json;
use node0_metrics_core::{Desc, Kind, OwnedDesc};
use serde_json::{Value, json};

use crate::{Bench, START};

const WAIT: Desc =
    Desc::latency("wait_seconds", "Time spent waiting.").labels(&["pool"]).bounds(&[0.005, 0.1]);

fn family(bench: &Bench, name: &str) -> Value {
    let body = serde_json::to_value(Json(&bench.registry.read())).expect("it is JSON");
    assert_eq!(body["timestamp"], json!(START));
    let families = body["families"].as_array().expect("a list");
    let family = families.iter().find(|family| family["name"] == name);
    family.expect("it is registered").clone()
}

#[test]
fn a_scalar_has_a_value_and_what_is_unknown_is_null() {
    let bench = Bench::new();
    let desc = OwnedDesc::new(Kind::Gauge, "level", "A \"level\".\n").unwrap();
    let metric = bench.registry.metric(&desc, &[("zone", "a\\b"), ("line", "1\n2")]).unwrap();
    let node0_metrics_core::AnyMetric::Gauge(level) = metric else { panic!("{metric:?}") };
    let expected = |value: Value| {
        json!({
            "name": "level",
            "help": "A \"level\".\n",
            "type": "gauge",
            "unit": null,
            "series": [{"labels": {"line": "1\n2", "zone": "a\\b"}, "value": value}],
        })
    };
    level.set(2.5);
    assert_eq!(family(&bench, "level"), expected(json!(2.5)));
    for unknown in [f64::NAN, f64::INFINITY] {
        level.set(unknown);
        assert_eq!(family(&bench, "level"), expected(Value::Null));
    }
}

#[test]
fn a_histogram_has_buckets_and_a_window_in_its_unit() {
    let bench = Bench::new();
    let wait = bench.registry.latency(&WAIT, &["main"]).unwrap();
    for ms in [1, 50, 50, 5000] {
        wait.record(Duration::from_millis(ms));
    }
    let family = family(&bench, "wait_seconds");
    assert_eq!((&family["type"], &family["unit"]), (&json!("histogram"), &json!("seconds")));
    let series = &family["series"][0];
    assert_eq!(series["labels"], json!({"pool": "main"}));
    let histogram = &series["histogram"];
    assert_eq!((&histogram["count"], &histogram["sum"]), (&json!(4), &json!(5.101)));
    let buckets = json!([{"le": 0.005, "count": 1}, {"le": 0.1, "count": 3}]);
    assert_eq!(histogram["buckets"], buckets);
    let window = histogram["window"].as_object().unwrap();
    // The order of keys depends on a feature of `serde_json` that another crate may enable.
    let keys: BTreeSet<_> = window.keys().map(String::as_str).collect();
    let statistics =
        BTreeSet::from(["avg", "max", "min", "p50", "p95", "p99", "samples", "windowSeconds"]);
    assert_eq!(keys, statistics);
    assert_eq!(window["samples"], json!(4));
    let p50 = window["p50"].as_f64().unwrap();
    assert!((p50 - 0.05).abs() < 0.0005, "{p50}");
}

#[test]
fn an_empty_window_has_no_statistics() {
    let bench = Bench::new();
    let _wait = bench.registry.latency(&WAIT, &["main"]).unwrap();
    let family = family(&bench, "wait_seconds");
    let histogram = &family["series"][0]["histogram"];
    assert_eq!(histogram["count"], json!(0));
    for statistic in ["min", "max", "avg", "p50", "p95", "p99"] {
        assert_eq!(histogram["window"][statistic], Value::Null, "{statistic}");
    }
    let text = serde_json::to_string(&Json(&bench.registry.read())).unwrap();
    assert!(!text.contains("NaN"));
}
