//! A service as many have it: layers of tower-http, and a server that is not node0's.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Path};
use axum::http::StatusCode;
use axum::routing::get;
use axum_server::Handle;
use node0::{Monitoring, WatchedRouter, stop_signal};
use tower_http::compression::CompressionLayer;
use tower_http::cors::CorsLayer;
use tower_http::trace::TraceLayer;

/// The service itself, with node0's endpoints and the layers around both.
///
/// # Errors
/// Fails if the registry has its maximum of metric names.
pub fn app(monitoring: &Monitoring) -> Result<WatchedRouter, node0::RoutesError> {
    let app = Router::new()
        .route("/orders/{id}", get(async |Path(id): Path<u64>| format!("order {id} ").repeat(100)))
        .route("/broken", get(async || StatusCode::BAD_GATEWAY))
        .route("/me", get(async |ConnectInfo(me): ConnectInfo<SocketAddr>| me.ip().to_string()))
        .merge(monitoring.routes()?)
        .layer(CompressionLayer::new())
        .layer(CorsLayer::permissive())
        .layer(TraceLayer::new_for_http());
    // Around the layers: what they do is part of a request's time.
    Ok(monitoring.watch(app))
}

/// Begins the shutdown at SIGTERM or Ctrl-C, and waits until the server has to stop accepting.
pub async fn closing(monitoring: Monitoring) {
    let shutdown = monitoring.shutdown();
    let begin = shutdown.clone();
    tokio::spawn(async move {
        stop_signal().await;
        begin.begin();
    });
    shutdown.closing().await;
}

/// Ends axum-server once `closing` is over.
pub fn end_with(closing: impl Future<Output = ()> + Send + 'static) -> Handle<SocketAddr> {
    let handle = Handle::new();
    let server = handle.clone();
    tokio::spawn(async move {
        closing.await;
        server.graceful_shutdown(Some(Duration::from_secs(5)));
    });
    handle
}
