//! The service over HTTP, as its users and its operators meet it.

use std::net::SocketAddr;

use plain_service::{app, monitoring};
use testbed::http;

/// Serves in the background; returns the addresses of the service and of its endpoints.
async fn start() -> [SocketAddr; 2] {
    let monitoring = monitoring().expect("the settings are right");
    let app = app(monitoring.performance().latency("stock").expect("there is room"));
    let listener = node0::bind("127.0.0.1:0").await.expect("a port is free");
    let admin = node0::bind("127.0.0.1:0").await.expect("a port is free");
    let addresses = [&listener, &admin].map(|it| it.local_addr().expect("it is bound"));
    tokio::spawn(monitoring.serve_routes(admin).expect("there is room"));
    tokio::spawn(async move { monitoring.serve(listener, app).await });
    addresses
}

// The test's own task may block: others serve.
#[tokio::test(flavor = "multi_thread")]
async fn orders_are_served_and_shown_by_route() {
    let [service, admin] = start().await;
    let order = http::get(service, "/orders/42").expect("an answer");
    assert_eq!((order.status, order.text().contains("item 42")), (200, true));
    assert_eq!(http::get(service, "/me").expect("an answer").text(), "127.0.0.1");
    assert_eq!(http::get(service, "/metrics").expect("an answer").status, 404);

    let page = http::get(admin, "/metrics").expect("an answer").text();
    let of_orders = "http_response_status_code=\"200\",http_route=\"/orders/{id}\"} 1\n";
    assert!(page.contains(of_orders), "{page}");
    assert!(page.contains("operation_duration_seconds_count{operation=\"stock\"} 1"), "{page}");
    assert_eq!(http::get(admin, "/health/ready").expect("an answer").status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn pings_and_scrapes_are_no_requests_of_the_service() {
    let [service, admin] = start().await;
    for _ in 0..5 {
        assert_eq!(http::get(service, "/ping").expect("an answer").status, 200);
        assert_eq!(http::get(admin, "/metrics").expect("an answer").status, 200);
    }
    http::get(service, "/orders/1").expect("an answer");
    let page = http::get(admin, "/metrics").expect("an answer").text();
    let requests = "operation_duration_seconds_count{operation=\"http:request\"} 1\n";
    assert!(page.contains(requests), "{page}");
}
