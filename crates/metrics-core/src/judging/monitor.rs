//! Monitors: the trait through which all surfaces see a watched resource.
//!
//! A monitor keeps all numbers in the registry's cells. One sample of the registry feeds
//! Prometheus, JSON, streams, health and history alike, so a monitor needs no code for any of
//! them. It adds a judgement of the numbers ([`Monitor::judge`]) and a JSON body
//! ([`Monitor::report`]).

use std::sync::Arc;

use crate::judging::judgement::Judgement;
use crate::judging::readiness::ReadinessCheck;
use crate::judging::report::{Report, UnknownTarget};
use crate::judging::topic::Topic;
use crate::reading::sample::View;

/// Watches one kind of resource, with all its instances.
///
/// Implement this trait for a resource of your own, and pass the monitor to
/// [`Registry::monitor`](crate::Registry::monitor). From then on every surface shows it: the
/// page for Prometheus its metrics, the service's health its score, `/metrics/{topic}` its
/// report, and the events its findings.
///
/// Calls run on worker threads. A call that panics, overruns its budget or does not return is
/// counted under the topic's name and blocks no caller; see
/// [`GUEST_FAILURES`](crate::GUEST_FAILURES).
///
/// ```
/// use node0_metrics_core::{
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
    /// Returns the names of the monitor; called once, at registration.
    fn topic(&self) -> &'static Topic;

    /// Copies values that have to be polled into the monitor's gauges; does nothing by default.
    ///
    /// Called before the numbers are read: once a tick, and for each sample between two ticks
    /// while a reader asks for some ([`Ticker::read_between`](crate::Ticker::read_between)). Its
    /// budget is 1 ms by default: it may read system files such as `/proc`, but must not wait for
    /// anything else. Refresh a slower source in a thread or task of its own, and copy the last
    /// value here.
    fn poll(&self) {}

    /// Judges the numbers of a view.
    ///
    /// Called once a tick, after the numbers were read, with a budget of 10 ms by default; before
    /// the first tick also for each report, so that calls may run at the same time. It must have
    /// no side effects: it records nothing and reads only the view, the list of instances and
    /// their settings.
    fn judge(&self, view: &View<'_>) -> Judgement;

    /// Returns the body of `GET /metrics/{topic}`; with a `target`, that of this instance.
    ///
    /// The core adds `timestamp` and the published `health`.
    ///
    /// # Errors
    /// [`UnknownTarget`] if there is no such instance.
    fn report(&self, view: &View<'_>, target: Option<&str>) -> Result<Report, UnknownTarget>;

    /// Returns the checks that the service's readiness depends on; none by default.
    fn readiness(&self) -> Vec<Arc<dyn ReadinessCheck>> {
        Vec::new()
    }
}
