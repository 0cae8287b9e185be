//! The axum integration of node0: request layer, routes, probes and server.
//!
//! Four parts, each of use without the others:
//!
//! - [`RequestLayer`] records every request around a router or any HTTP
//!   service: by method, route template and status, to the end of the body,
//!   also those that the client gave up on.
//! - [`Routes`] is the router of all endpoints: pages for Prometheus, reports
//!   by topic, health, probes.
//! - [`Readiness`] asks what the service depends on, in the background, and
//!   says whether it should get traffic.
//! - [`serve()`] is an accept loop with limits, [`Shutdown`] its end in order.
//!
//! ```
//! use axum::{Router, routing::get};
//! use exporter::Exporter;
//! use http_glue::{Readiness, RequestLayer, Routes, Shutdown, bind, serve};
//! use metrics_core::Registry;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let registry = Registry::new();
//! let readiness = Readiness::builder(&registry).start();
//! let shutdown = Shutdown::new().readiness(&readiness);
//!
//! let app = Router::new()
//!     .route("/", get(|| async { "hello" }))
//!     .merge(Routes::new(&registry, Exporter::new(), &readiness).router()?);
//! let app = RequestLayer::register(&registry)?.wrap(app);
//!
//! let listener = bind("127.0.0.1:0").await?;
//! let server = serve(listener, app).shutdown(&shutdown).metrics(&registry)?;
//! let running = tokio::spawn(server.run());
//! readiness.started();
//!
//! shutdown.begin(); // at SIGTERM
//! # shutdown.abort();
//! running.await?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! What this crate does not know: any monitor. It reads the registry's samples,
//! and a topic's endpoint is there because its monitor is.
//!
//! # What a request costs
//!
//! On a processor of 2.6 GHz, recording adds some 50 ns to a request whose path
//! is a route of its own (`/orders`), a third of that for two readings of the
//! cycle counter, and nothing is allocated. A route with parameters
//! (`/orders/{id}`) costs 140 ns more, because axum has to box it once more for
//! its template to be seen; see [`WatchedRouter`]. The wrapper itself is about
//! 60 ns, whether or not it records.
//!
//! # Metrics
//!
//! | metric | labels |
//! | --- | --- |
//! | `http_server_request_duration_seconds` | `http_request_method`, `http_route`, `http_response_status_code` |
//! | `http_server_active_requests` | `http_request_method` |
//! | `node0_http_connections` | |
//! | `node0_requests_refused_total` | `reason` |
//!
//! A host can have all requests recorded as one operation, too; see
//! [`RequestLayer::operation`].

mod request_layer;
mod watched_router;

mod fixed_table;
mod matched_route;
mod measurement;
mod method;
mod recorded_body;
mod recorder;

mod routes;

mod error;
mod query;
mod render_slots;
mod reply;

mod readiness;

mod serve;
mod shutdown;

mod activity;
mod connection;
mod listener;
mod refusal;
mod self_metrics;

use metrics_core::Desc;

pub use error::ApiError;
pub use listener::{BindError, Listener, bind};
pub use matched_route::{TellRoute, TellRouteService};
pub use readiness::{
    CheckReport, CheckStatus, Readiness, ReadinessBuilder, ReadinessReport, ReadinessStatus,
};
pub use recorded_body::RecordedBody;
pub use recorder::{
    ACTIVE_REQUESTS, REQUEST_DURATION, REQUEST_OPERATION, REQUESTS_OPERATION, UNMATCHED,
};
pub use request_layer::{RequestFuture, RequestLayer, RequestWatch};
pub use routes::Routes;
pub use self_metrics::{CONNECTIONS, REQUESTS_REFUSED};
pub use serve::{Serve, serve};
pub use shutdown::Shutdown;
pub use watched_router::{BoxedFuture, BoxedRouter, MakeWatchedRouter, WatchedRouter};

/// Every metric that this crate records.
pub const DESCS: &[&Desc] = &[&REQUEST_DURATION, &ACTIVE_REQUESTS, &CONNECTIONS, &REQUESTS_REFUSED];
