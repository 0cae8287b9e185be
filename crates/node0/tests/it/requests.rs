//! The records that the facade makes of requests.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use http_body_util::BodyExt as _;
use node0::Monitoring;
use tower::ServiceExt as _;

#[tokio::test]
async fn requests_are_an_operation_of_the_performance_monitor() {
    let testing = Monitoring::testing();
    let app = testing.watch(Router::new().route("/", get(async || "hello")));
    for path in ["/", "/", "/unknown"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        response.into_body().collect().await.unwrap();
    }
    let performance = testing.performance();
    assert_eq!(performance.latency_percentiles("http:request").unwrap().count, 3);
    assert_eq!(performance.throughput_count("http:requests").unwrap().total, 3);
}
