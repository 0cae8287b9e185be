//! Recording of the requests that the host serves.
//!
//! Everything here is on the path of every request: the layer and the router
//! that start a measurement, the body that ends it, and the handles that it is
//! recorded into. It knows no endpoint of ours and no server, so that a host can
//! use it with endpoints and an accept loop of its own.

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
