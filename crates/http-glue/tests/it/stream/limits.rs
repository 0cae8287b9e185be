//! The limits on clients, and on their patience with us.

use serde_json::Value;

use super::client::UPGRADE;
use super::service::{SOON, Service};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_beyond_the_limit_are_refused_until_one_leaves() {
    let service = Service::with(|it| it.max_clients(2), |it| it).await;
    let (mut first, second) = (service.open("").await, service.open_events().await);
    first.next_of("snapshot").await;
    for headers in [&UPGRADE[..], &["accept: text/event-stream"]] {
        let (status, head, body) = service.get("/metrics/stream", headers).await;
        let body: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!((status, &body["error"]["code"]), (503, &"overloaded".into()));
        assert!(head.contains("retry-after: "), "{head}");
    }
    assert_eq!(service.refused("clients"), 2.0);
    drop(second);
    service.until(SOON, |service| service.clients() == 1.0).await;
    service.open("").await.next_of("snapshot").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_has_its_own_limit() {
    let service = Service::with(|it| it, |it| it.max_clients_per_ip(1)).await;
    let first = service.open("").await;
    let (status, _, body) = service.get("/metrics/stream", &UPGRADE).await;
    assert_eq!(status, 503, "{body}");
    assert!(body.contains("1 clients of this address"), "{body}");
    assert_eq!(service.refused("clients_per_ip"), 1.0);
    drop(first);
    service.until(SOON, |service| service.clients() == 0.0).await;
    service.open("").await.next_of("snapshot").await;
}
