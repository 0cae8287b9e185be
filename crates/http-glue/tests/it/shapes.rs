//! The JSON bodies have the fields, kinds and order of the examples that clients rely on.

use std::time::Duration;

use node0_metrics_core::{Finding, Judgement, ManualClock, Registry, Topic};
use node0_performance_monitor::PerformanceMonitor;
use serde_json::Value;

use crate::support::{QUEUE, Scripted, Served};

/// The example body of `/health/performance`.
const HEALTH: &str = r#"{
  "status": "healthy",
  "timestamp": 1234567890,
  "uptime": 3600000,
  "version": "1.0.0",
  "checks": {
    "database": { "status": "pass", "message": "Database pool healthy" },
    "cache": { "status": "pass", "message": "Cache performing well" },
    "circuitBreaker": { "status": "pass", "message": "All circuits healthy" },
    "memory": { "status": "pass", "message": "Heap usage: 65.2%" }
  }
}"#;

static DATABASE: Topic = Topic::new("database", "database").target("pool");
static CACHE: Topic = Topic::new("cache", "cache");
static BREAKER: Topic = Topic::new("circuit-breaker", "circuitBreaker").target("service");
static MEMORY: Topic = Topic::new("system", "memory");

fn scripted(
    topic: &'static Topic,
    judge: impl Fn() -> Judgement + Send + Sync + 'static,
) -> Scripted {
    Scripted { judge: Box::new(judge), ..Scripted::new(topic) }
}

pub(crate) fn finding() -> Finding {
    Finding::warning("slow_waits")
        .component("main")
        .beyond(0.2, 0.1)
        .message("pool `main`: waits take 200 ms at p95")
        .advice("act")
}

/// Collects the paths of all fields of a body, with the kinds of their values.
fn fields(prefix: &str, value: &Value, found: &mut Vec<(String, &'static str)>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    found.push((prefix.to_owned(), kind));
    if let Value::Object(map) = value {
        for (key, value) in map {
            fields(&format!("{prefix}/{key}"), value, found);
        }
    }
}

#[tokio::test]
async fn health_has_the_fields_of_the_example_in_its_order() {
    let served = Served::new(vec![
        scripted(&DATABASE, || Judgement::healthy("Database pool healthy")),
        scripted(&CACHE, || Judgement::healthy("Cache performing well")),
        scripted(&BREAKER, || Judgement::healthy("All circuits healthy")),
        scripted(&MEMORY, || Judgement::healthy("Heap usage: 65.2%")),
    ]);
    served.clock.advance(std::time::Duration::from_secs(3600));
    let answer = served.get("/health/performance").await;
    assert_eq!(answer.status, 200);
    let body = answer.json();

    let mut expected = Vec::new();
    fields("", &serde_json::from_str(HEALTH).expect("JSON"), &mut expected);
    let mut got = Vec::new();
    fields("", &body, &mut got);
    for field in &expected {
        assert!(got.contains(field), "{field:?} is missing in {got:?}");
    }
    // The order is checked in the text, since a parsed map does not keep it.
    let text = answer.text();
    let keys = ["status", "timestamp", "uptime", "version", "checks", "database", "cache"];
    let more = ["circuitBreaker", "memory"];
    let at = keys.iter().chain(&more).map(|key| text.find(&format!("\"{key}\":")).expect("a key"));
    assert!(at.collect::<Vec<_>>().is_sorted(), "{text}");
    let database = text.split("\"database\":").nth(1).expect("the check");
    assert!(database.starts_with(r#"{"status":"pass","message":"Database pool healthy""#));

    assert_eq!(body["status"], "healthy");
    assert_eq!(body["uptime"], 3_600_000);
    assert_eq!(body["timestamp"], 1_577_836_800_000_u64 + 3_600_000);
    assert_eq!(body["version"], "1.0.0");
    assert!(body.get("details").is_none() && body.get("metrics").is_none());
}

#[tokio::test]
async fn details_and_metrics_are_there_when_asked_for() {
    let served = Served::new(vec![
        scripted(&DATABASE, || {
            Judgement::healthy("fine").with(finding().advice("raise the maximum"))
        }),
        scripted(&CACHE, || Judgement::unknown("no lookups yet")),
    ]);
    let body = served.get("/health/performance?detailed=true&metrics=true").await.json();
    assert_eq!(body["status"], "degraded");
    assert_eq!(body["checks"]["database"]["status"], "warn");
    assert_eq!(body["checks"]["database"]["score"], 80);
    assert_eq!(body["checks"]["cache"]["status"], "unknown");
    assert_eq!(body["checks"]["cache"]["score"], Value::Null);
    let details = &body["details"]["database"];
    assert_eq!(details["issues"][0], "pool `main`: waits take 200 ms at p95");
    assert_eq!(details["recommendations"][0], "raise the maximum");
    assert_eq!(details["issueDetails"][0]["code"], "slow_waits");
    assert!(body["metrics"]["database"].is_object());

    let body = served.get("/health/performance?detailed=false&metrics=false").await.json();
    assert!(body.get("details").is_none() && body.get("metrics").is_none());
}

#[tokio::test]
async fn only_an_unhealthy_service_is_a_503() {
    let check = async |penalty, status: &str, code| {
        let judge = move || match penalty {
            None => Judgement::unknown("no data"),
            Some(0) => Judgement::healthy("fine"),
            Some(penalty) => Judgement::healthy("fine").with(finding().penalty(penalty)),
        };
        let answer = Served::new(vec![scripted(&DATABASE, judge)]).get("/health/performance").await;
        assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (code, &status.into()));
    };
    check(Some(0), "healthy", 200).await;
    check(Some(20), "degraded", 200).await;
    check(Some(60), "unhealthy", 503).await;
    check(None, "unknown", 200).await;
}

#[tokio::test]
async fn the_score_of_health_decides_no_probe() {
    let judge = || Judgement::healthy("fine").with(finding().penalty(90));
    let served = Served::new(vec![scripted(&DATABASE, judge)]);
    served.readiness.started();
    assert_eq!(served.get("/health/performance").await.status, 503);
    for probe in ["/health/ready", "/readyz", "/health/live", "/livez"] {
        assert_eq!(served.get(probe).await.status, 200, "{probe}");
    }
}

#[tokio::test]
async fn liveness_says_alive() {
    let answer = Served::new(vec![]).get("/health/live").await;
    assert_eq!(answer.text(), r#"{"status":"alive"}"#);
}

#[tokio::test]
async fn a_judgement_is_brought_up_to_date_while_nobody_samples() {
    let is_bad = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let told_bad = is_bad.clone();
    let judge = move || {
        let fine = Judgement::healthy("fine");
        let bad = told_bad.load(std::sync::atomic::Ordering::Relaxed);
        if bad { fine.with(finding().penalty(60)) } else { fine }
    };
    let served = Served::new(vec![scripted(&DATABASE, judge)]);
    assert_eq!(served.get("/health/performance").await.status, 200);
    is_bad.store(true, std::sync::atomic::Ordering::Relaxed);
    served.clock.advance(std::time::Duration::from_secs(10));
    assert_eq!(served.get("/health/performance").await.status, 503);
}

#[tokio::test]
async fn the_topic_of_a_monitor_has_an_endpoint() {
    let served = Served::new(vec![Scripted::new(&QUEUE)]);
    let performance = PerformanceMonitor::register(&served.registry).expect("a new topic");
    performance.record_latency("api:request", std::time::Duration::from_millis(150));
    let body = served.get("/metrics/performance").await.json();
    assert_eq!(body["operations"]["api:request"]["count"], 1);
    let one = served.get("/metrics/performance?operation=api:request").await;
    assert_eq!(one.json()["operations"]["api:request"]["samples"], 1);
    let none = served.get("/metrics/performance?operation=none").await;
    assert_eq!(none.json()["error"]["code"], "unknown_operation");

    let export = served.get("/metrics/export.json").await.json();
    let families = export["families"].as_array().expect("a list");
    assert!(families.iter().any(|family| family["name"] == "operation_duration_seconds"));
}

#[tokio::test]
async fn a_judgement_is_current_within_the_longest_tick_of_all() {
    let clock = ManualClock::new();
    let registry = Registry::builder().clock(clock.clock()).tick(Duration::MAX).build();
    let served = Served::over(clock, registry, |routes| routes);
    served.registry.read();
    assert_eq!(served.get("/health/performance").await.status, 200);
}
