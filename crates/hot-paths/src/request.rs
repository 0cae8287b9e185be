//! Requests to a router, without a server: with us and without us.

use std::convert::Infallible;
use std::error::Error;

use axum::Router;
use axum::body::Body;
use axum::extract::Path as Segment;
use axum::response::Response;
use axum::routing::get;
use http::Request;
use http_body_util::BodyExt as _;
use node0_metrics_core::{Counter, Desc, Latency, RegisterError, Registry};
use node0_request_layer::{RequestLayer, WatchedRouter};
use tower_service::Service;

use crate::repeat::repeat_async;
use crate::{Outcome, Path, registry};

const OPERATION: Desc = Desc::latency("operation_duration_seconds", "Time of all requests.");
const OPERATIONS: Desc = Desc::counter("operations_total", "All requests.");

/// A path that equals its template, and one with a parameter.
pub(crate) const STATIC: &str = "/orders";
pub(crate) const PARAMETER: &str = "/orders/42";

pub(crate) const PATHS: &[Path] = &[
    ("alone-static", |times| send(router(), STATIC, times)),
    ("alone-parameter", |times| send(router(), PARAMETER, times)),
    ("watched-static", |times| send(watched()?, STATIC, times)),
    ("watched-parameter", |times| send(watched()?, PARAMETER, times)),
];

pub(crate) fn router() -> Router {
    Router::new()
        .route("/orders", get(async || "all"))
        .route("/orders/{id}", get(async |Segment(_): Segment<u64>| "one"))
        .route("/orders/{id}/items/{item}", get(async || "an item"))
        // As a server does, or handlers become routes again for each request.
        .with_state(())
}

fn watched() -> Result<WatchedRouter, RegisterError> {
    Ok(requests(&registry())?.wrap(router()))
}

/// Registers the metrics of requests, with all that they may record.
pub(crate) fn requests(registry: &Registry) -> Result<RequestLayer, RegisterError> {
    let latency: Latency = registry.latency(&OPERATION, &[])?;
    let throughput: Counter = registry.counter(&OPERATIONS, &[])?;
    Ok(RequestLayer::register(registry)?.operation(latency, throughput))
}

fn send<S, B>(mut service: S, path: &str, times: u64) -> Outcome
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible>,
    B: http_body::Body,
    B::Error: Error + 'static,
{
    repeat_async(times, async || {
        let response = service.call(Request::builder().uri(path).body(Body::empty())?).await?;
        response.into_body().collect().await?;
        Ok(())
    })
}
