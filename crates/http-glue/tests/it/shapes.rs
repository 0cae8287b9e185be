//! The bodies, held against the examples that clients were written for.

use metrics_core::{Assessment, Issue, Severity, Topic};
use performance_monitor::PerformanceMonitor;
use serde_json::Value;

use crate::support::{QUEUE, Surface, Told};

/// The example of `/health/performance`.
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

fn told(topic: &'static Topic, assess: impl Fn() -> Assessment + Send + Sync + 'static) -> Told {
    Told { assess: Box::new(assess), ..Told::new(topic) }
}

fn issue() -> Issue {
    Issue {
        code: "slow_waits",
        severity: Severity::Warning,
        component: "main".into(),
        observed: 0.2,
        threshold: 0.1,
        message: "pool `main`: waits take 200 ms at p95".into(),
    }
}

/// The paths of all fields of an example, in their order, with the kinds of their values.
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
    let surface = Surface::new(vec![
        told(&DATABASE, || Assessment::healthy("Database pool healthy")),
        told(&CACHE, || Assessment::healthy("Cache performing well")),
        told(&BREAKER, || Assessment::healthy("All circuits healthy")),
        told(&MEMORY, || Assessment::healthy("Heap usage: 65.2%")),
    ]);
    surface.clock.advance(std::time::Duration::from_secs(3600));
    let answer = surface.get("/health/performance").await;
    assert_eq!(answer.status, 200);
    let body = answer.json();

    let mut expected = Vec::new();
    fields("", &serde_json::from_str(HEALTH).expect("JSON"), &mut expected);
    let mut got = Vec::new();
    fields("", &body, &mut got);
    for field in &expected {
        assert!(got.contains(field), "{field:?} is missing in {got:?}");
    }
    // The order is that of the text, which a parsed map does not keep.
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
    let surface = Surface::new(vec![
        told(&DATABASE, || Assessment::healthy("fine").with(20, issue(), "raise the maximum")),
        told(&CACHE, || Assessment::unknown("no lookups yet")),
    ]);
    let body = surface.get("/health/performance?detailed=true&metrics=true").await.json();
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

    let body = surface.get("/health/performance?detailed=false&metrics=false").await.json();
    assert!(body.get("details").is_none() && body.get("metrics").is_none());
}

#[tokio::test]
async fn only_an_unhealthy_service_is_a_503() {
    let check = async |penalty, status: &str, code| {
        let assess = move || match penalty {
            None => Assessment::unknown("no data"),
            Some(0) => Assessment::healthy("fine"),
            Some(penalty) => Assessment::healthy("fine").with(penalty, issue(), "act"),
        };
        let answer = Surface::new(vec![told(&DATABASE, assess)]).get("/health/performance").await;
        assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (code, &status.into()));
    };
    check(Some(0), "healthy", 200).await;
    check(Some(20), "degraded", 200).await;
    check(Some(60), "unhealthy", 503).await;
    check(None, "unknown", 200).await;
}

#[tokio::test]
async fn the_score_of_health_decides_no_probe() {
    let assess = || Assessment::healthy("fine").with(90, issue(), "act");
    let surface = Surface::new(vec![told(&DATABASE, assess)]);
    surface.readiness.started();
    assert_eq!(surface.get("/health/performance").await.status, 503);
    for probe in ["/health/ready", "/readyz", "/health/live", "/livez"] {
        assert_eq!(surface.get(probe).await.status, 200, "{probe}");
    }
}

#[tokio::test]
async fn liveness_says_alive() {
    let answer = Surface::new(vec![]).get("/health/live").await;
    assert_eq!(answer.text(), r#"{"status":"alive"}"#);
}

#[tokio::test]
async fn a_judgement_is_brought_up_to_date_while_nobody_samples() {
    let is_bad = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let told_bad = is_bad.clone();
    let assess = move || {
        let fine = Assessment::healthy("fine");
        let bad = told_bad.load(std::sync::atomic::Ordering::Relaxed);
        if bad { fine.with(60, issue(), "act") } else { fine }
    };
    let surface = Surface::new(vec![told(&DATABASE, assess)]);
    assert_eq!(surface.get("/health/performance").await.status, 200);
    is_bad.store(true, std::sync::atomic::Ordering::Relaxed);
    surface.clock.advance(std::time::Duration::from_secs(10));
    assert_eq!(surface.get("/health/performance").await.status, 503);
}

#[tokio::test]
async fn the_topic_of_a_monitor_has_an_endpoint() {
    let surface = Surface::new(vec![Told::new(&QUEUE)]);
    let performance = PerformanceMonitor::register(&surface.registry).expect("a new topic");
    performance.record_latency("api:request", std::time::Duration::from_millis(150));
    let body = surface.get("/metrics/performance").await.json();
    assert_eq!(body["operations"]["api:request"]["count"], 1);
    let one = surface.get("/metrics/performance?operation=api:request").await;
    assert_eq!(one.json()["operations"]["api:request"]["samples"], 1);
    let none = surface.get("/metrics/performance?operation=none").await;
    assert_eq!(none.json()["error"]["code"], "unknown_operation");

    let export = surface.get("/metrics/export.json").await.json();
    let families = export["families"].as_array().expect("a list");
    assert!(families.iter().any(|family| family["name"] == "operation_duration_seconds"));
}
