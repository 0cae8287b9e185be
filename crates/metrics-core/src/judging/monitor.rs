//! The first narrow waist: everything that a surface knows of a monitor.
//!
//! All numbers live in the registry's cells, and one sample of the registry feeds Prometheus,
//! JSON, streams, health and history alike. A monitor adds its judgement
//! ([`Monitor::judge`]) and a body for people ([`Monitor::report`]).

use std::sync::Arc;

use crate::judging::judgement::Judgement;
use crate::judging::readiness::ReadinessCheck;
use crate::judging::report::{Report, UnknownTarget};
use crate::judging::topic::Topic;
use crate::reading::sample::View;

/// Watches one kind of resource, with all its instances.
///
/// This trait is for hosts to implement. A monitor is given to
/// [`Registry::monitor`](crate::Registry::monitor), and from then on it is on every surface:
/// its numbers on the page for Prometheus, its health in the service's, its report at
/// `/metrics/{topic}`, its findings among the events.
///
/// Each call is contained: one that panics, takes too long or does not return is counted under
/// the topic's name and holds nobody; see [`GUEST_FAILURES`](crate::GUEST_FAILURES).
///
/// ```
/// use metrics_core::{
///     Desc, Finding, Judgement, Monitor, RegisterError, Registry, Report, Topic,
///     UnknownTarget, UpDown, View,
/// };
/// use std::sync::Arc;
///
/// static TOPIC: Topic = Topic::new("queue", "queue");
/// const DEPTH: Desc = Desc::up_down("queue_messages_waiting", "Messages that wait in the queue.");
///
/// #[derive(Clone)]
/// struct QueueMonitor {
///     depth: UpDown,
/// }
///
/// impl QueueMonitor {
///     fn register(registry: &Registry) -> Result<Self, RegisterError> {
///         let monitor = Self { depth: registry.up_down(&DEPTH, &[])? };
///         registry.monitor(Arc::new(monitor.clone()))?;
///         Ok(monitor)
///     }
/// }
///
/// impl Monitor for QueueMonitor {
///     fn topic(&self) -> &'static Topic {
///         &TOPIC
///     }
///
///     fn judge(&self, view: &View<'_>) -> Judgement {
///         let waiting = view.level(&self.depth);
///         let judgement = Judgement::healthy(format!("{waiting} messages wait"));
///         if waiting <= 100 {
///             return judgement;
///         }
///         judgement.with(
///             Finding::warning("queue_deep")
///                 .beyond(waiting as f64, 100.0)
///                 .message(format!("{waiting} messages wait"))
///                 .advice("add consumers"),
///         )
///     }
///
///     fn report(&self, view: &View<'_>, target: Option<&str>) -> Result<Report, UnknownTarget> {
///         UnknownTarget::refuse(target)?;
///         Ok(Report::new([("waiting", view.level(&self.depth))].into_iter().collect::<std::collections::BTreeMap<_, _>>()))
///     }
/// }
///
/// let registry = Registry::new();
/// let queue = QueueMonitor::register(&registry)?;
/// queue.depth.add(101);
/// let report = registry.read().report("queue", None)?;
/// let json = serde_json::to_value(&report)?;
/// assert_eq!((&json["waiting"], &json["health"]["score"]), (&101.into(), &80.into()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Monitor: Send + Sync + 'static {
    /// The names of the monitor; asked for once, at registration.
    fn topic(&self) -> &'static Topic;

    /// Copies what can only be polled into the monitor's own gauges.
    ///
    /// Called once a tick, before the numbers are read. It may read files of the system and
    /// must not wait for anything else, since its budget is a millisecond: a source that takes
    /// longer refreshes itself elsewhere and is copied here.
    fn poll(&self) {}

    /// Judges a view.
    ///
    /// Called once a tick, after the numbers were read. It records nothing and asks nobody, so
    /// that the same view is always judged alike.
    fn judge(&self, view: &View<'_>) -> Judgement;

    /// Makes the body of `GET /metrics/{topic}`, of one instance if `target` names it.
    ///
    /// The core adds `timestamp` and the believed `health`.
    ///
    /// # Errors
    /// [`UnknownTarget`] when there is no such instance.
    fn report(&self, view: &View<'_>, target: Option<&str>) -> Result<Report, UnknownTarget>;

    /// The checks on which the service's readiness depends; none by default.
    fn readiness(&self) -> Vec<Arc<dyn ReadinessCheck>> {
        Vec::new()
    }
}
