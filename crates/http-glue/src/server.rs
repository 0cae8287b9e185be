//! The accept loop with its limits, and the graceful shutdown.
//!
//! It serves any HTTP service. Its limits protect the service from clients that are slow or
//! too many; they do not limit the service's own handlers. [`Shutdown`] uses
//! [`Readiness`](crate::Readiness), since the first step of a shutdown is that readiness
//! becomes `draining`.

mod serve;
mod shutdown;

mod activity;
mod beyond;
mod connection;
mod listener;
mod places;
mod self_metrics;
mod transport;

pub use listener::{BindError, Listener, bind};
pub(crate) use self_metrics::refusals;
pub use self_metrics::{CONNECTIONS, REQUESTS_REFUSED};
pub use serve::{Serve, serve};
pub use shutdown::Shutdown;
