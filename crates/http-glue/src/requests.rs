//! Recording of the requests that the host serves.
//!
//! Every request runs through this code: the layer and the router start a measurement,
//! the response's body ends it, and handles of the registry record it. It depends on
//! neither the endpoints nor the server of this crate, so a host can use it with its own.

mod request_layer;
mod watched_router;

mod fixed_table;
mod matched_route;
mod measurement;
mod method;
mod recorded_body;
mod recorder;
mod templates;

pub use matched_route::{ExposeRoute, ExposeRouteService};
pub use recorded_body::RecordedBody;
pub use recorder::{
    ACTIVE_REQUESTS, REQUEST_DURATION, REQUEST_OPERATION, REQUESTS_OPERATION, UNMATCHED,
};
pub use request_layer::{RequestFuture, RequestLayer, RequestWatch};
pub use watched_router::{MakeWatchedRouter, WatchedFuture, WatchedRouter};
