//! Tests through the public API: endpoints and probes.

mod access;
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
mod shapes;
#[cfg(feature = "stream")]
mod stream;
mod support;
mod surfaces;
