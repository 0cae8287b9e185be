//! The endpoints of node0, for axum.
//!
//! [`Routes`] builds the router of all endpoints: metrics for Prometheus, a JSON report for each
//! monitored topic, health, probes, and the endpoints that the host adds through the trait
//! [`Surface`]. The crate `node0-http-server`, whose types are exported here too, has what a service needs
//! beside them: [`Readiness`] checks the dependencies in the background, for the readiness probe;
//! [`serve()`] is an accept loop with limits, and [`Shutdown`] stops it gracefully.
//!
//! ```
//! use axum::{Router, routing::get};
//! use node0_exporter::Exporter;
//! use node0_http_glue::{Readiness, Routes, Shutdown, bind, serve};
//! use node0_metrics_core::Registry;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let registry = Registry::new();
//! let readiness = Readiness::builder(&registry).start();
//! let shutdown = Shutdown::new().readiness(&readiness);
//!
//! let app = Router::new()
//!     .route("/", get(|| async { "hello" }))
//!     .merge(Routes::new(&registry, Exporter::new(), &readiness).router()?);
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
//! This crate depends on no monitor. It reads the registry's samples: a sample is a
//! snapshot of all metrics, with the health that was judged from it. Each monitor
//! has a topic, such as `database`, and `/metrics/database` answers as soon as that
//! monitor is registered. The feature `history` adds [`Routes::history`], the endpoint
//! `/metrics/history`, the feature `stream` adds `StreamEndpoint`, the endpoint `/metrics/stream`, and
//! the feature `page` adds `LivePage`, the page that shows them to people.

mod endpoints;
mod gate;
#[cfg(feature = "page")]
mod page;
#[cfg(feature = "stream")]
mod stream;

pub use endpoints::{
    AlertPages, ApiError, Endpoint, EndpointDesc, Index, Mount, Parameter, Query, RenderLimits,
    RenderSlots, Routes, RoutesError, Surface,
};
pub use gate::{Credential, CredentialError, Gate, Network, NetworkError};
pub use node0_http_server::{
    BindError, CONNECTIONS, CheckReport, CheckStatus, Listener, PROBE_PATHS, REQUESTS_REFUSED,
    Readiness, ReadinessBuilder, ReadinessReport, ReadinessStatus, RequestBody, RequestBodyError,
    Serve, Shutdown, bind, max_connections_by_descriptors, serve,
};
#[cfg(feature = "page")]
pub use page::LivePage;
#[cfg(feature = "stream")]
pub use stream::{STREAM_CLOSED, STREAM_DESCS, STREAM_MESSAGES, STREAM_REFUSED, StreamEndpoint};
