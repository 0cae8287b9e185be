//! Requests for the stream: who gets it, and what the others are told.

use node0_http_glue::{Credential, Gate};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::client::{Raw, UPGRADE};
use super::service::{SOON, Service};

const EVENTS: &str = "accept: text/event-stream";

/// Asserts that a request is refused with this status and code; returns the head and the error.
async fn refused(
    service: &Service,
    target: &str,
    headers: &[&str],
    status: u16,
    code: &str,
) -> (String, Value) {
    let (got, head, body) = service.get(target, headers).await;
    assert_eq!(got, status, "{target} {headers:?}: {body}");
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(body["error"]["code"], code, "{target} {headers:?}");
    (head, body["error"].clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_asks_for_neither_is_told_what_to_do() {
    let service = Service::start().await;
    for headers in [&[][..], &["accept: */*"], &["accept: application/json"]] {
        let (head, error) =
            refused(&service, "/metrics/stream", headers, 426, "upgrade_required").await;
        assert!(head.contains("upgrade: websocket") && head.contains("sec-websocket-version: 13"));
        assert!(error["message"].as_str().expect("text").contains("text/event-stream"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_flaw_of_a_handshake_has_its_status() {
    let service = Service::start().await;
    let with = |changed: &'static str| {
        let name = changed.split(':').next().expect("a name");
        let others = UPGRADE.into_iter().filter(move |line| !line.starts_with(name));
        others.chain([changed]).collect::<Vec<_>>()
    };
    let check = async |changed, status, code| {
        refused(&service, "/metrics/stream", &with(changed), status, code).await
    };
    let (head, _) = check("sec-websocket-version: 8", 426, "upgrade_required").await;
    assert!(head.contains("sec-websocket-version: 13"), "{head}");
    check("upgrade: h2c", 426, "upgrade_required").await;
    check("connection: close", 400, "invalid_handshake").await;
    check("sec-websocket-key: short", 400, "invalid_handshake").await;
    check("sec-websocket-key:", 400, "invalid_handshake").await;
    assert_eq!(service.clients(), 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handshake_is_agreed_to_without_extensions() {
    let service = Service::start().await;
    let offer = "sec-websocket-extensions: permessage-deflate; client_max_window_bits";
    let headers = [&UPGRADE[..], &[offer, "sec-websocket-protocol: chat"]].concat();
    let (status, head, _) = service.get("/metrics/stream", &headers).await;
    assert_eq!(status, 101);
    assert!(head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="), "{head}");
    assert!(!head.contains("extensions") && !head.contains("protocol:"), "{head}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_query_is_refused_before_the_upgrade() {
    let service = Service::start().await;
    let headers = [&UPGRADE[..], &[EVENTS]];
    for headers in headers {
        let check = async |query: &str, parameter: &str| {
            let target = format!("/metrics/stream?{query}");
            let (_, error) = refused(&service, &target, headers, 400, "invalid_parameter").await;
            assert_eq!(error["parameter"], parameter, "{query}");
            error
        };
        let error = check("metrics=database,nope", "metrics").await;
        assert_eq!(error["allowed"], serde_json::json!(["database", "queue", "performance"]));
        for query in ["metrics=", "metrics=a&metrics=b", "metrics=database,,queue", "metrics=%ff"] {
            check(query, "metrics").await;
        }
        for value in ["", "0", "-1", "1e12", "null", "60001", "soon", "100&interval=100"] {
            check(&format!("interval={value}"), "interval").await;
        }
    }
    assert_eq!(service.clients(), 0.0);
    let (status, ..) = service.get("/metrics/stream?newer=key&interval=250", &UPGRADE).await;
    assert_eq!(status, 101, "unknown keys are ignored");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_other_hosts_are_refused_unless_they_are_listed() {
    let service = Service::behind(Gate::new().origins(["https://ops.example"])).await;
    let foreign = [&UPGRADE[..], &["origin: https://evil.example"]].concat();
    refused(&service, "/metrics/stream", &foreign, 403, "origin_not_allowed").await;
    refused(&service, "/metrics/stream", &[EVENTS, "origin: null"], 403, "origin_not_allowed")
        .await;
    assert_eq!(service.refused("origin"), 2.0);
    for headers in [
        [&UPGRADE[..], &["origin: https://ops.example"]].concat(),
        [&UPGRADE[..], &["host: a.example:3000", "origin: http://a.example:3000"]].concat(),
    ] {
        assert_eq!(service.get("/metrics/stream", &headers).await.0, 101, "{headers:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_methods_are_not_allowed_and_head_opens_nothing() {
    let service = Service::start().await;
    for (method, status) in [("POST", "405"), ("HEAD", "200")] {
        let mut stream = service.connect().await;
        let request = format!(
            "{method} /metrics/stream HTTP/1.1\r\nhost: a\r\n{EVENTS}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.expect("it is read");
        let mut answer = String::new();
        timeout(SOON, stream.read_to_string(&mut answer)).await.expect("in time").expect("text");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
    assert_eq!(service.clients(), 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_handshake_is_not_waited_for() {
    let service = Service::start().await;
    let mut stream = service.connect().await;
    let half = format!("GET /metrics/stream HTTP/1.1\r\nhost: a\r\n{}\r\n", UPGRADE[0]);
    stream.write_all(half.as_bytes()).await.expect("it is read");
    let mut answer = Vec::new();
    let read = timeout(SOON, stream.read_to_end(&mut answer)).await.expect("the server hangs up");
    assert!(read.is_err() || answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
    assert_eq!(service.clients(), 0.0);
    drop(Raw::open(&service).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stream_needs_the_secret_of_the_gate() {
    let token = Credential::bearer("first-token").expect("it can be sent");
    let service = Service::behind(Gate::new().credentials([token])).await;
    refused(&service, "/metrics/stream", &[EVENTS], 401, "unauthorized").await;
    refused(&service, "/metrics/stream", &UPGRADE, 401, "unauthorized").await;
    assert_eq!(service.clients(), 0.0);
    let secret = "authorization: Bearer first-token";
    let upgrade: Vec<_> = UPGRADE.into_iter().chain([secret]).collect();
    let (status, ..) = service.get("/metrics/stream", &upgrade).await;
    assert_eq!(status, 101);
}
