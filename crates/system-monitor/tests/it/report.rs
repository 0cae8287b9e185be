//! The reports' JSON has the shape that clients rely on.

use std::sync::Arc;

use node0_metrics_core::{ReportError, Sample};
use serde_json::{Value, json};

use crate::bench::{Bench, ms};
use crate::lag::{paused, wake};
use crate::tree::{Stat, Tree};

fn body(sample: &Arc<Sample>, topic: &str, target: Option<&str>) -> Value {
    serde_json::to_value(sample.report(topic, target).unwrap()).unwrap()
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

const PROCESS: [&str; 8] = [
    "residentMemoryBytes",
    "virtualMemoryBytes",
    "memoryLimitBytes",
    "cpuPercent",
    "openFileDescriptors",
    "maxFileDescriptors",
    "threads",
    "uptime",
];
const RUNTIME: [&str; 5] = ["workers", "busyRatio", "queueDepth", "tasks", "lag"];
const LAG: [&str; 4] = ["p50", "p95", "p99", "max"];

#[test]
fn system_has_the_promised_fields_in_their_order() {
    let mut bench = Bench::new();
    let body = body(&bench.tick(), "system", None);
    assert_eq!(keys(&body), ["timestamp", "health", "process", "runtime", "thresholds"]);
    assert_eq!(keys(&body["process"]), PROCESS);
    assert_eq!(keys(&body["runtime"]), RUNTIME);
    assert_eq!(keys(&body["runtime"]["lag"]), LAG);
    let health = ["status", "score", "issues", "recommendations", "issueDetails"];
    assert_eq!(keys(&body["health"]), health);
}

#[test]
fn what_is_unknown_is_null() {
    let tree = Tree::new("report-nothing");
    let mut bench = Bench::on(tree.root());
    let sample = bench.tick();
    let body = body(&sample, "system", None);
    assert_eq!(body["timestamp"], sample.at.as_millis());
    assert_eq!(body["health"]["status"], "unknown");
    assert!(PROCESS.iter().all(|key| body["process"][key].is_null()), "{body:#}");
    assert!(RUNTIME[..4].iter().all(|key| body["runtime"][key].is_null()), "{body:#}");
    assert!(LAG.iter().all(|key| body["runtime"]["lag"][key].is_null()), "{body:#}");
}

#[test]
#[cfg(target_os = "linux")]
fn process_is_in_the_units_of_all_reports() {
    let tree = Tree::of("report-process", Stat::default());
    let mut bench = Bench::on(tree.root());
    tree.stat(Stat { cpu_ticks: 1234 + 25, ..Stat::default() });
    let expected = json!({
        "residentMemoryBytes": 2_097_152,
        "virtualMemoryBytes": 67_108_864,
        "memoryLimitBytes": 8_388_608,
        "cpuPercent": 25.0,
        "openFileDescriptors": null,
        "maxFileDescriptors": 1024,
        "threads": 7,
        "uptime": 601_500.0,
    });
    assert_eq!(body(&bench.tick(), "system", None)["process"], expected);
}

#[test]
fn runtime_is_in_the_units_of_all_reports() {
    paused(Bench::new(), async |bench, _main| {
        let never = tokio::spawn(std::future::pending::<()>());
        for _ in 0..100 {
            wake(bench, ms(8)).await;
        }
        let sample = bench.tick_now();
        let runtime = &body(&sample, "system", None)["runtime"];
        assert_eq!((&runtime["workers"], &runtime["queueDepth"]), (&json!(1), &json!(0)));
        assert_eq!(runtime["tasks"], 1, "{runtime:#}");
        for key in LAG {
            let lag = runtime["lag"][key].as_f64().unwrap();
            assert!((lag - 8.0).abs() < 0.08, "{key} is {lag}");
        }
        never.abort();
    });
}

#[test]
fn health_of_system_is_the_worse_of_process_and_runtimes() {
    paused(Bench::new(), async |bench, _main| {
        bench.clock.advance(ms(5020));
        // Twice, for a change of health to be believed.
        bench.tick_now();
        let sample = bench.tick_now();
        let body = body(&sample, "system", None);
        let codes: Vec<_> = body["health"]["issueDetails"].as_array().unwrap().iter().collect();
        assert!(codes.iter().any(|issue| issue["code"] == "runtime_stalled"), "{body:#}");
        assert_eq!(body["health"]["status"], "unhealthy");
        let memory = sample.topics.iter().find(|health| health.topic.check_key == "memory");
        assert!(memory.unwrap().assessment.findings.iter().all(|i| i.code != "runtime_stalled"));
    });
}

#[test]
fn runtime_topic_has_each_runtime_with_its_workers() {
    paused(Bench::new(), async |bench, _main| {
        let sample = bench.tick();
        let all = body(&sample, "runtime", None);
        assert_eq!(keys(&all), ["timestamp", "health", "runtimes", "thresholds"]);
        assert_eq!(all["thresholds"]["lagWarn"], 100.0);
        let main = &all["runtimes"]["main"];
        assert_eq!(main["workerBusyRatios"].as_array().unwrap().len(), 1);
        assert_eq!(main["stalledFor"], 980.0);
        let mut named = body(&sample, "runtime", Some("main"));
        named.as_object_mut().unwrap().shift_remove("timestamp");
        assert_eq!(named, *main);
    });
}

#[test]
fn unknown_runtime_is_refused_with_the_known_ones() {
    paused(Bench::new(), async |bench, _main| {
        let error = bench.tick().report("runtime", Some("else")).unwrap_err();
        let ReportError::UnknownTarget { source, .. } = error else { panic!("{error:?}") };
        assert_eq!((source.target, source.known), ("else".to_owned(), vec!["main".to_owned()]));
    });
}
