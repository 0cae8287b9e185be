//! A small service that node0 serves and watches.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::{ConnectInfo, Path};
use axum::routing::{get, post};
use axum::{Json, Router};
use node0::performance::Thresholds;
use node0::{BuildError, Latency, Monitoring};
use serde::{Deserialize, Serialize};

/// An order, as customers send and read it.
#[derive(Debug, Deserialize, Serialize)]
pub struct Order {
    /// The name of what is ordered.
    pub item: String,
    /// The number of pieces.
    pub pieces: u32,
}

/// Monitors with limits of our own: a request may take half a second.
///
/// # Errors
/// Fails if the sampling thread cannot be started.
pub fn monitoring() -> Result<Monitoring, BuildError> {
    let slow_p95 = Duration::from_millis(500);
    Monitoring::builder()
        .version(env!("CARGO_PKG_VERSION"))
        .performance(|it| it.thresholds(Thresholds { slow_p95, ..Thresholds::default() }))
        .http(|it| it.ignore(["/ping"]))
        .build()
}

/// The service itself. `stock` records the time that a look-up of the stock takes.
pub fn app(stock: Latency) -> Router {
    let order = async move |Path(id): Path<u64>| stock.time(look_up(id)).await;
    Router::new()
        .route("/orders/{id}", get(order))
        .route("/orders", post(async |Json(order): Json<Order>| Json(order)))
        .route("/me", get(async |ConnectInfo(me): ConnectInfo<SocketAddr>| me.ip().to_string()))
        .route("/ping", get(async || "pong"))
}

async fn look_up(id: u64) -> Json<Order> {
    tokio::time::sleep(Duration::from_millis(id % 5)).await;
    Json(Order { item: format!("item {id}"), pieces: 1 })
}
