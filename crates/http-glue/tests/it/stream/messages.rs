//! The conversation over a WebSocket.

use std::time::Duration;

use node0_streaming::STREAM_CLIENTS;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::service::{SOON, Service};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_snapshot_comes_first_and_updates_follow_in_order() {
    let service = Service::start().await;
    let mut reader = service.open("?metrics=database&interval=100").await;
    let snapshot = reader.next().await.expect("a message");
    assert_eq!(snapshot["type"], "snapshot");
    let data = snapshot["data"].as_object().expect("an object");
    assert!(data.keys().eq(["database"]) && data["database"]["target"].is_null(), "{data:?}");
    let mut last = snapshot["seq"].as_u64().expect("a number");
    for _ in 0..5 {
        let update = reader.next().await.expect("a message");
        assert_eq!(update["type"], "update");
        let seq = update["seq"].as_u64().expect("a number");
        assert!(seq > last, "{last} {seq}");
        last = seq;
    }
    assert_eq!(service.clients(), 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_subscribes_and_each_mistake_has_its_code() {
    let service = Service::start().await;
    let mut reader = service.open("?metrics=database&interval=60000").await;
    reader.next_of("snapshot").await;
    reader.subscribe(&["queue"], 100).await;
    assert_eq!(reader.next_of("subscribed").await["data"]["metrics"], json!(["queue"]));
    assert!(reader.next_of("snapshot").await["data"]["queue"].is_object());
    for (text, code) in [
        ("{", "invalid_json"),
        ("[]", "invalid_type"),
        (r#"{"type":7}"#, "invalid_type"),
        (r#"{"type":"sing"}"#, "unknown_type"),
        (r#"{"type":"subscribe","metrics":"queue"}"#, "invalid_type"),
        (r#"{"type":"subscribe","metrics":["nope"]}"#, "unknown_topic"),
        (r#"{"type":"subscribe","interval":0}"#, "invalid_interval"),
        (r#"{"type":"subscribe","interval":-1}"#, "invalid_interval"),
        (r#"{"type":"subscribe","interval":1e12}"#, "invalid_interval"),
        (r#"{"type":"subscribe","interval":null}"#, "invalid_interval"),
    ] {
        reader.send_raw(Message::text(text)).await;
        let error = reader.next_of("error").await;
        assert_eq!(error["data"]["code"], code, "{text}");
    }
    reader.send(json!({ "type": "ping", "id": 7 })).await;
    assert_eq!(reader.next_of("pong").await["id"], 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_is_counted_and_forgotten() {
    let service = Service::start().await;
    let mut reader = service.open("").await;
    reader.next_of("snapshot").await;
    reader.socket.close(None).await.expect("a close frame");
    let (mut hangs_up, crashes) = (service.open("").await, service.open("").await);
    hangs_up.next_of("snapshot").await;
    drop((hangs_up, crashes));
    service
        .until(SOON, |service| service.closed("client") == 3.0 && service.clients() == 0.0)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_are_in_flight_and_not_part_of_the_latency_of_requests() {
    let service = Service::start().await;
    let mut reader = service.open("?metrics=performance&interval=100").await;
    reader.next_of("snapshot").await;
    let (status, _, body) = service.get("/metrics/stream", &["accept: text/event-stream"]).await;
    assert!(status == 200 && body.contains("retry: "), "{body}");
    service.until(SOON, |service| service.clients() == 1.0).await;
    let active = || service.value("http_server_active_requests", "GET");
    service.until(SOON, |_| active() == 0.0).await;
    let _open = service.open_events().await;
    assert_eq!((service.clients(), active()), (2.0, 1.0));
    // The WebSocket is no request any more, and still an open stream over an open connection.
    let streams = |transport| service.value(STREAM_CLIENTS.name(), transport);
    assert_eq!((streams("websocket"), streams("sse")), (1.0, 1.0));
    let sample = service.registry.read();
    let connections = sample.snapshot.value("node0_http_connections", &[]);
    assert!(connections.is_some_and(|open| open.as_f64() >= 2.0), "{connections:?}");
    let of_operation = || {
        let value = |metric, operation| {
            let sample = service.registry.read();
            sample.snapshot.value(metric, &[("operation", operation)]).map(|it| it.as_f64())
        };
        [
            value("operation_duration_seconds", "http:request"),
            value("operations_total", "http:requests"),
        ]
    };
    assert_eq!(of_operation(), [Some(0.0); 2]);
    let route = service.value("http_server_request_duration_seconds", "/metrics/stream");
    assert_eq!(route, 2.0, "the upgrade, and the events that ended");
    service.get("/hello", &[]).await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    service.until(SOON, |_| of_operation() == [Some(1.0); 2]).await;
}
