//! Requests that pass two places which record: each counts once.

use std::collections::BTreeMap;
use std::future::pending;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use http_body_util::BodyExt;
use node0_metrics_core::{Registry, Value};
use node0_request_layer::{ACTIVE_REQUESTS, REQUEST_DURATION, RequestLayer};
use tower::ServiceExt;

fn layer(registry: &Registry) -> RequestLayer {
    RequestLayer::register(registry).expect("the names are free")
}

fn app() -> Router {
    Router::new().route("/orders/{id}", get(async || "tea")).route("/never", get(pending::<&str>))
}

async fn ask<S, B>(service: S, path: &str)
where
    S: tower::Service<
            Request<Body>,
            Response = http::Response<B>,
            Error = std::convert::Infallible,
        >,
    B: http_body::Body<Error: std::fmt::Debug>,
{
    let request = Request::get(path).body(Body::empty()).expect("well-formed");
    let response = service.oneshot(request).await.expect("infallible");
    response.into_body().collect().await.expect("a whole body");
}

/// Returns the recorded requests by route and status.
fn recorded(registry: &Registry) -> BTreeMap<(String, String), f64> {
    let sample = registry.read();
    let family = sample.snapshot.family(REQUEST_DURATION.name()).expect("it is registered");
    let series = family.series().map(|(labels, value)| {
        let label = |name| labels.get(name).unwrap_or_default().to_owned();
        ((label("http_route"), label("http_response_status_code")), value.as_f64())
    });
    series.filter(|(_, count)| *count > 0.0).collect()
}

fn active(registry: &Registry) -> Option<f64> {
    let get = [("http_request_method", "GET")];
    registry.read().snapshot.value(ACTIVE_REQUESTS.name(), &get).map(Value::as_f64)
}

#[tokio::test]
async fn a_layer_inside_a_watched_router_records_nothing() {
    let registry = Registry::new();
    let layer = layer(&registry);
    let layered = app().layer(layer.clone());
    let watched = layer.wrap(layered.clone());
    // Of the first one the route is not known before, of the others it is.
    for _ in 0..3 {
        ask(watched.clone(), "/orders/7").await;
    }
    let mut never = Box::pin(ask(watched, "/never"));
    assert!(futures_util::poll!(never.as_mut()).is_pending());
    assert_eq!(active(&registry), Some(1.0));
    drop(never);
    assert_eq!(active(&registry), Some(0.0));
    let one = |route: &str, status: &str, count| ((route.to_owned(), status.to_owned()), count);
    let cancelled = one("/never", "cancelled", 1.0);
    let expected = BTreeMap::from([one("/orders/{id}", "200", 3.0), cancelled.clone()]);
    assert_eq!(recorded(&registry), expected);

    // By itself, the layer records.
    ask(layered, "/orders/7").await;
    let expected = BTreeMap::from([one("/orders/{id}", "200", 4.0), cancelled]);
    assert_eq!(recorded(&registry), expected);
}

#[tokio::test]
async fn a_layer_of_another_registry_records_too() {
    let (outer, inner) = (Registry::new(), Registry::new());
    // Both registries have a layer and a watched router, so that marks are set and looked for.
    let [around, inside] = [layer(&outer), layer(&inner)];
    let _both = (Router::<()>::new().layer(around.clone()), inside.wrap(Router::new()));
    ask(around.wrap(app().layer(inside)), "/orders/7").await;
    assert_eq!(recorded(&outer), recorded(&inner));
    assert_eq!(recorded(&inner).values().sum::<f64>(), 1.0);
}
