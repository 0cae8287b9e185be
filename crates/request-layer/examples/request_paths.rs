//! Sends requests to a service a given number of times, for `cargo xtask prove instructions`.
//!
//! `request_paths PATH TIMES`; without arguments it lists the paths. The paths of the router alone
//! are there to tell whether more instructions are ours or axum's.

use std::convert::Infallible;
use std::error::Error;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use http::Request;
use http_body_util::BodyExt;
use metrics_core::{Counter, Desc, Latency, ManualClock, RegisterError, Registry};
use request_layer::{RequestLayer, WatchedRouter};
use tower_service::Service;

const OPERATION: Desc = Desc::latency("operation_duration_seconds", "Time of all requests.");
const OPERATIONS: Desc = Desc::counter("operations_total", "All requests.");

const PATHS: &[&str] = &["alone-static", "alone-parameter", "watched-static", "watched-parameter"];

fn router() -> Router {
    Router::new()
        .route("/orders", get(async || "all"))
        .route("/orders/{id}", get(async |Path(_): Path<u64>| "one"))
        .route("/orders/{id}/items/{item}", get(async || "an item"))
}

fn watched(registry: &Registry) -> Result<WatchedRouter, RegisterError> {
    let latency: Latency = registry.latency(&OPERATION, &[])?;
    let throughput: Counter = registry.counter(&OPERATIONS, &[])?;
    Ok(RequestLayer::register(registry)?.operation(latency, throughput).wrap(router()))
}

async fn send<S, B>(mut service: S, path: &str, times: u64) -> Result<(), Box<dyn Error>>
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible>,
    B: http_body::Body,
    B::Error: Error + 'static,
{
    for _ in 0..times {
        let response = service.call(Request::builder().uri(path).body(Body::empty())?).await?;
        response.into_body().collect().await?;
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "it answers on the terminal")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let Some(name) = arguments.next() else {
        PATHS.iter().for_each(|name| println!("{name}"));
        return Ok(());
    };
    let times = arguments.next().ok_or("say how many times")?.parse()?;
    let registry = Registry::builder().clock(ManualClock::new().clock()).build();
    let (form, target) = name.split_once('-').ok_or("no such path")?;
    let path = if target == "static" { "/orders" } else { "/orders/42" };
    match form {
        "alone" => send(router().with_state::<()>(()), path, times).await,
        "watched" => send(watched(&registry)?, path, times).await,
        _ => Err("no such path".into()),
    }
}
