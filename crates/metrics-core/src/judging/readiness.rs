//! Readiness checks, which decide whether a service gets traffic.

use std::future;
use std::pin::Pin;

use crate::judging::guest::GuestError;
use crate::judging::topic::Topic;

/// A check that runs in the background once a second, with a timeout of a second.
///
/// It must not use the resource that it checks: a check that waits for a
/// pooled connection fails under load, and stops traffic to a service that
/// works.
pub trait ReadinessCheck: Send + Sync {
    /// Returns the check's name in the body of `/health/ready`.
    fn name(&self) -> &str;

    /// Runs the check once.
    ///
    /// # Errors
    /// [`NotReady`] if the service should get no traffic.
    fn check(&self) -> Pin<Box<dyn Future<Output = Result<(), NotReady>> + Send + '_>>;
}

/// The reason why a service should get no traffic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct NotReady {
    /// A line for people; everyone who can reach the probe can read it.
    pub reason: String,
}

impl NotReady {
    /// Creates an error with a line for people.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

/// Stands for the checks of a monitor that could not be asked for them.
pub(crate) struct Unlisted {
    pub(crate) topic: &'static Topic,
    pub(crate) error: GuestError,
}

impl ReadinessCheck for Unlisted {
    fn name(&self) -> &str {
        self.topic.name
    }

    fn check(&self) -> Pin<Box<dyn Future<Output = Result<(), NotReady>> + Send + '_>> {
        let reason = format!("its monitor, asked for its checks, {}", self.error);
        Box::pin(future::ready(Err(NotReady::new(reason))))
    }
}
