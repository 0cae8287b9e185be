//! HTTP through the public API: requests as they are recorded, endpoints, probes, the server.

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
