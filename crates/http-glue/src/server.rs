//! The accept loop: connections with limits, from the first to an orderly end.
//!
//! It serves any HTTP service. Its limits protect against clients, not against slow
//! handlers of the service. [`Shutdown`] uses [`Readiness`](crate::Readiness), since a
//! shutdown begins by ending readiness.

mod serve;
mod shutdown;

mod activity;
mod connection;
mod listener;
mod refusal;
mod self_metrics;

pub use listener::{BindError, Listener, bind};
pub(crate) use self_metrics::refusals;
pub use self_metrics::{CONNECTIONS, REQUESTS_REFUSED};
pub use serve::{Serve, serve};
pub use shutdown::Shutdown;
