//! Tests through the public API: endpoints, probes and the server.

mod alerts;
mod endpoints;
#[cfg(feature = "history")]
mod history;
mod openapi;
mod overload;
#[cfg(feature = "page")]
mod page;
mod panics;
mod readiness;
mod recording;
mod server;
mod shapes;
mod shutdown;
#[cfg(feature = "stream")]
mod stream;
mod support;
mod surfaces;
