//! The request layer of node0: records each request that a service answers.
//!
//! [`RequestLayer`] records the requests to an axum router, or to any other HTTP service, by
//! method, route template and status. The recorded time runs until the end of the response's
//! body. Requests that the client cancels are recorded too.
//!
//! ```
//! use axum::{Router, routing::get};
//! use metrics_core::Registry;
//! use request_layer::RequestLayer;
//!
//! let registry = Registry::new();
//! let router = Router::new().route("/orders/{id}", get(|| async { "an order" }));
//! let app = RequestLayer::register(&registry)?.wrap(router);
//! # let _ = app;
//! # Ok::<(), metrics_core::RegisterError>(())
//! ```
//!
//! The layer and the router start a measurement, the response's body ends it, and handles of the
//! registry record it. The crate knows no endpoint and no server: a host can use it with its own.
//!
//! # Cost per request
//!
//! At 2.6 GHz, a recorded request through [`RequestLayer::wrap`] takes about 120 ns more than
//! through the router alone, and a path with a parameter (`/orders/42`) some 40 ns more than
//! that. These are requests in a loop, without a network. Between requests over a socket, the
//! processor's first cache loses our lines and code, so that it takes 170 to 250 ns: 2 to 3 % of the
//! 8 µs of the smallest request over loopback, and less of any other. `cargo xtask bench request`
//! measures it on your machine, beside the floor of a layer that only reads the clock twice and
//! records, which is 0.4 to 0.9 %.
//!
//! # Metrics
//!
//! | metric | labels |
//! | --- | --- |
//! | `http_server_request_duration_seconds` | `http_request_method`, `http_route`, `http_response_status_code` |
//! | `http_server_active_requests` | `http_request_method` |
//!
//! All requests can also be recorded together, as one latency and one throughput;
//! see [`RequestLayer::operation`].

mod layer;
mod watched_router;

mod fixed_table;
mod matched_route;
mod measurement;
mod method;
mod recorded_body;
mod recorder;
mod templates;

use metrics_core::Desc;

pub use layer::{RequestFuture, RequestLayer, RequestWatch};
pub use matched_route::{ExposeRoute, ExposeRouteService};
pub use recorded_body::RecordedBody;
pub use recorder::{
    ACTIVE_REQUESTS, REQUEST_DURATION, REQUEST_OPERATION, REQUESTS_OPERATION, UNMATCHED,
};
pub use watched_router::{MakeWatchedRouter, WatchedFuture, WatchedRouter};

/// Every metric that this crate records.
pub const DESCS: &[&Desc] = &[&REQUEST_DURATION, &ACTIVE_REQUESTS];
