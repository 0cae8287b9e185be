//! The narrow waist: what every monitor is to every surface.
//!
//! A monitor has no second path by which it hands out numbers: they live in the
//! registry's cells, and one sample of the registry feeds Prometheus, JSON,
//! streams, health and history alike. What a monitor adds is judgement
//! ([`Monitor::assess`]) and a body for people ([`Monitor::report`]).

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::judging::health::Assessment;
use crate::judging::readiness::ReadinessCheck;
use crate::reading::sample::View;

/// Watches one kind of resource, with all its instances.
///
/// This trait is for hosts to implement. The crate's front page has one in
/// full.
pub trait Monitor: Send + Sync + 'static {
    /// What the monitor is called, everywhere.
    fn topic(&self) -> &'static Topic;

    /// Copies what can only be polled into the monitor's own gauges.
    ///
    /// Called once a tick, on the sampling thread: no I/O, under a millisecond.
    /// One that panics or takes longer is left out for some ticks. Sources that
    /// need I/O refresh themselves and store the result.
    fn poll(&self) {}

    /// Judges a view; pure, so that the same view is always judged alike.
    fn assess(&self, view: &View<'_>) -> Assessment;

    /// The body of `GET /metrics/{topic}`, of one instance if `target` names it.
    ///
    /// # Errors
    /// [`UnknownTarget`] when there is no such instance.
    fn report(&self, view: &View<'_>, target: Option<&str>) -> Result<Report, UnknownTarget>;

    /// Checks on which the service's readiness depends; none by default.
    fn readiness(&self) -> Vec<Arc<dyn ReadinessCheck>> {
        Vec::new()
    }
}

/// The names of a monitor.
///
/// ```
/// use metrics_core::Topic;
///
/// static QUEUE: Topic = Topic::new("queue", "queue").target("queue").weight(20).required();
/// assert_eq!(QUEUE.name, "queue");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Topic {
    /// In paths and subscriptions, such as `circuit-breaker`.
    pub name: &'static str,
    /// In the health body's `checks`, such as `circuitBreaker`.
    pub check_key: &'static str,
    /// The query parameter that names an instance, such as `service`.
    pub target_param: Option<&'static str>,
    /// The share in the overall score, 10 by default.
    pub weight: u16,
    /// Whether the overall score is no higher than this topic's.
    pub required: bool,
}

impl Topic {
    /// A topic of weight 10 that is not required and whose instances cannot be named.
    pub const fn new(name: &'static str, check_key: &'static str) -> Self {
        Self { name, check_key, target_param: None, weight: 10, required: false }
    }

    /// Names the query parameter that picks an instance.
    #[must_use]
    pub const fn target(mut self, param: &'static str) -> Self {
        self.target_param = Some(param);
        self
    }

    /// Sets the share in the overall score.
    #[must_use]
    pub const fn weight(mut self, weight: u16) -> Self {
        self.weight = weight;
        self
    }

    /// Caps the overall score by this topic's.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }
}

/// A report's body: anything that serde can write.
pub struct Report(Box<dyn erased_serde::Serialize + Send>);

impl Report {
    /// Wraps a body.
    pub fn new(body: impl Serialize + Send + 'static) -> Self {
        Self(Box::new(body))
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        erased_serde::serialize(&*self.0, serializer)
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Report(..)")
    }
}

/// An instance that a monitor does not watch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no `{target}`")]
pub struct UnknownTarget {
    /// The name that was asked for.
    pub target: String,
    /// The names that exist.
    pub known: Vec<String>,
}
