//! The server of node0: an accept loop with limits, readiness, and a graceful shutdown.
//!
//! - [`serve()`] serves any HTTP service. Its limits protect the service from clients that are slow
//!   or too many; they do not limit the service's own handlers.
//! - [`Readiness`] checks the dependencies of the service in the background, for the readiness
//!   probe.
//! - [`Shutdown`] stops servers gracefully: readiness becomes `draining`, load balancers get time to
//!   notice, and open requests get time to finish.
//!
//! ```
//! use axum::{Router, routing::get};
//! use node0_http_server::{Readiness, Shutdown, bind, serve};
//! use node0_metrics_core::Registry;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let registry = Registry::new();
//! let readiness = Readiness::builder(&registry).start();
//! let shutdown = Shutdown::new().readiness(&readiness);
//!
//! let app = Router::new().route("/", get(|| async { "hello" }));
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
//! The endpoints that show all this, probes included, are in the crate `http-glue`.

mod readiness;
mod serve;
mod shutdown;

mod activity;
mod beyond;
mod connection;
mod listener;
mod paced;
mod pause;
mod places;
mod request_body;
mod self_metrics;
mod shares;
mod transport;

use node0_metrics_core::Desc;

pub use listener::{BindError, Listener, bind};
pub use places::max_connections_by_descriptors;
pub use readiness::{
    CheckReport, CheckStatus, Readiness, ReadinessBuilder, ReadinessReport, ReadinessStatus,
};
pub use request_body::{RequestBody, RequestBodyError};
pub use self_metrics::{CONNECTIONS, REQUESTS_REFUSED};
pub use serve::{PROBE_PATHS, Serve, serve};
pub use shutdown::Shutdown;

/// Every metric that this crate records.
pub const DESCS: &[&Desc] = &[&CONNECTIONS, &REQUESTS_REFUSED];
