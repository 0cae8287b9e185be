//! Checks on which it depends whether a service should get traffic.

use std::pin::Pin;

/// A question that is asked in the background, once a second, with a timeout of one.
///
/// It must not take what it watches: a check that waits for a pooled
/// connection fails under load, and takes the service out when it is needed
/// most.
pub trait ReadinessCheck: Send + Sync {
    /// The check's name in the body of `/health/ready`.
    fn name(&self) -> &str;

    /// Asks.
    fn check(&self) -> Pin<Box<dyn Future<Output = Result<(), NotReady>> + Send + '_>>;
}

/// Why a service should get no traffic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct NotReady {
    /// A line for people; it is shown to whoever can reach the probe.
    pub reason: String,
}

impl NotReady {
    /// Not ready, for this reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}
