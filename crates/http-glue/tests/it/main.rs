//! Tests through the public API: recording of requests, endpoints, probes and the server.

mod endpoints;
mod openapi;
mod overload;
mod panics;
mod readiness;
mod requests;
mod server;
mod shapes;
mod shutdown;
mod support;
mod surfaces;
mod templates;
