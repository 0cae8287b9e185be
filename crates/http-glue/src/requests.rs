//! Recording of the requests that the host serves.
//!
//! All of it is on the path of every request: the layer and the router that start a
//! measurement, the body that ends it, and the handles that record it. It depends on
//! neither our endpoints nor our server, so a host can use it with its own.

mod request_layer;
mod watched_router;

mod fixed_table;
mod matched_route;
mod measurement;
mod method;
mod recorded_body;
mod recorder;

pub use matched_route::{ExposeRoute, ExposeRouteService};
pub use recorded_body::RecordedBody;
pub use recorder::{
    ACTIVE_REQUESTS, REQUEST_DURATION, REQUEST_OPERATION, REQUESTS_OPERATION, UNMATCHED,
};
pub use request_layer::{RequestFuture, RequestLayer, RequestWatch};
pub use watched_router::{BoxedFuture, BoxedRouter, MakeWatchedRouter, WatchedRouter};
