//! The metrics, health and report of a monitor that node0's crates do not know.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use node0::{Event, FindingState, Monitoring, Testing};
use queue_monitor::QueueMonitor;
use serde_json::Value;
use tower::ServiceExt as _;

/// Makes a queue with this many waiting messages, after one was taken that had waited 0.25 s.
fn queue(testing: &mut Testing, waiting: usize) -> QueueMonitor {
    let queue = QueueMonitor::register(testing.registry()).expect("it is the first");
    (0..=waiting).for_each(|_| queue.sent());
    queue.taken(Duration::from_millis(250));
    testing.advance(Duration::from_secs(1));
    queue
}

async fn get(testing: &Testing, path: &str) -> (StatusCode, String) {
    let routes: Router = testing.routes().expect("the registry has room");
    let request = Request::get(path).body(Body::empty()).expect("the path is one");
    let response = routes.oneshot(request).await.expect("a router always answers");
    let status = response.status();
    let body = response.into_body().collect().await.expect("the body is whole").to_bytes();
    (status, String::from_utf8(body.into()).expect("the body is text"))
}

async fn json(testing: &Testing, path: &str) -> (StatusCode, Value) {
    let (status, body) = get(testing, path).await;
    (status, serde_json::from_str(&body).expect("the body is JSON"))
}

#[tokio::test]
async fn report_is_at_the_topics_path() {
    let mut testing = Monitoring::testing();
    let _queue = queue(&mut testing, 3);
    let (status, body) = json(&testing, "/metrics/queue").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["waiting"], 3);
    assert_eq!(body["messagesPerSecond"], 1.0);
    assert_eq!(body["health"]["status"], "healthy");
    let p95 = body["wait"]["p95"].as_f64().expect("a message waited");
    assert!((p95 - 250.0).abs() < 2.5, "{p95} ms");
}

#[tokio::test]
async fn series_are_on_the_page() {
    let mut testing = Monitoring::testing();
    let _queue = queue(&mut testing, 3);
    let (_, page) = get(&testing, "/metrics?naming=standard").await;
    for line in [
        "# TYPE queue_messages_total counter",
        "queue_messages_total 1",
        "queue_messages_waiting 3",
        "queue_wait_duration_seconds_count 1",
    ] {
        assert!(page.lines().any(|has| has == line), "no `{line}` in:\n{page}");
    }
}

#[tokio::test]
async fn past_is_kept_by_the_history() {
    let mut testing = Monitoring::testing();
    let _queue = queue(&mut testing, 3);
    let path = "/metrics/history?metric=queue_wait_duration_seconds&from=-1s&quantile=0.5";
    let (status, body) = json(&testing, path).await;
    assert_eq!(status, StatusCode::OK);
    let median = body["series"][0]["values"][0].as_f64().expect("a message waited");
    assert!((median - 0.25).abs() < 0.0025, "{median} s");
    let (_, body) = json(&testing, "/metrics/history?metric=queue_messages_waiting&from=-1s").await;
    assert_eq!(body["series"][0]["values"][0], 3.0);
}

#[tokio::test]
async fn report_is_in_the_stream() {
    let monitoring = Monitoring::builder().enable_streaming().build().expect("a monitoring");
    let queue = QueueMonitor::register(monitoring.registry()).expect("it is the first");
    (0..3).for_each(|_| queue.sent());
    let routes: Router = monitoring.routes().expect("the registry has room");
    let request = Request::get("/metrics/stream?metrics=queue&interval=100");
    let request = request.header("accept", "text/event-stream").body(Body::empty());
    let response = routes.oneshot(request.expect("the path is one")).await;
    let mut body = response.expect("a router always answers").into_body();
    let mut text = String::new();
    while !text.contains(r#""waiting":3"#) {
        let frame = body.frame().await.expect("a stream has no end").expect("it is whole");
        text.push_str(&String::from_utf8_lossy(frame.data_ref().expect("data")));
    }
    assert!(text.contains(r#""data":{"queue":{"#), "{text}");
}

#[tokio::test]
async fn judgement_is_part_of_the_services_health() {
    let mut testing = Monitoring::testing();
    let _queue = queue(&mut testing, 101);
    testing.advance(Duration::from_secs(2));
    let (_, body) = json(&testing, "/health/performance?detailed=true&metrics=true").await;
    assert_eq!(body["checks"]["queue"]["status"], "warn");
    assert_eq!(body["checks"]["queue"]["message"], "101 messages wait");
    assert_eq!(body["details"]["queue"]["recommendations"][0], "add consumers");
    assert_eq!(body["metrics"]["queue"]["waiting"], 101);
    let score = testing.value("node0_component_health_score", &[("component", "queue")]);
    assert_eq!(score, Some(80.0));
}

#[tokio::test]
async fn a_finding_that_lasts_is_an_alert() {
    let mut testing = Monitoring::testing();
    let _queue = queue(&mut testing, 101);
    testing.advance(Duration::from_secs(310));
    let (_, body) = json(&testing, "/alerts").await;
    let alert = &body["active"][0];
    assert_eq!((&alert["name"], &alert["state"]), (&"MonitorFinding".into(), &"firing".into()));
    assert_eq!(
        (&alert["topic"], &alert["labels"]["code"]),
        (&"queue".into(), &"queue_deep".into())
    );
    assert_eq!(
        (&alert["message"], &alert["remedy"]),
        (&"101 messages wait".into(), &"add consumers".into())
    );
}

#[tokio::test]
async fn report_shows_the_health_that_the_service_believes() {
    let mut testing = Monitoring::testing();
    let queue = queue(&mut testing, 3);
    (0..200).for_each(|_| queue.sent());
    testing.advance(Duration::from_secs(1));
    let (_, report) = json(&testing, "/metrics/queue").await;
    let (_, health) = json(&testing, "/health/performance").await;
    assert_eq!(health["checks"]["queue"]["status"], "pass", "one tick says little");
    assert_eq!(report["health"]["status"], "healthy", "both say the same");
}

#[tokio::test]
async fn findings_are_among_the_events() {
    let mut testing = Monitoring::testing();
    let (sender, found) = std::sync::mpsc::channel();
    let listener = move |event: &Event| {
        if let Event::Finding(change) = event {
            let _ = sender.send((change.topic.name, change.finding.code, change.state));
        }
    };
    testing.registry().listen("pager", listener).expect("it is the first");
    let queue = queue(&mut testing, 101);
    (0..101).for_each(|_| queue.taken(Duration::from_millis(1)));
    testing.advance(Duration::from_secs(1));
    let expected = [FindingState::Raised, FindingState::Cleared];
    assert_eq!(
        found.try_iter().collect::<Vec<_>>(),
        expected.map(|state| ("queue", "queue_deep", state))
    );
}
