//! A monitor as the registry holds it: its panics are counted, its topic is known.
//!
//! A monitor is code of others, and whoever calls into one contains its panics: the
//! sampler, the reader of a report, the runner of readiness checks. That they happen is
//! counted here, once for all callers, and the panic goes on to the caller. The topic is
//! asked for at registration, on the registering thread, and never again.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use crate::judging::health::Assessment;
use crate::judging::monitor::{Monitor, Report, Topic, UnknownTarget};
use crate::judging::readiness::ReadinessCheck;
use crate::naming::desc::Desc;
use crate::reading::sample::View;
use crate::recording::counter::Counter;
use crate::recording::families::RegisterError;
use crate::registry::Registry;

/// How often code of a monitor panicked.
pub const MONITOR_PANICS: Desc = Desc::counter(
    "node0_monitor_panics_total",
    "Calls into a monitor (poll, assess, report, readiness) that panicked; its caller went on.",
)
.labels(&["topic", "call"]);

pub(crate) struct CountedMonitor {
    topic: &'static Topic,
    monitor: Arc<dyn Monitor>,
    polls: Counter,
    assessments: Counter,
    reports: Counter,
    readiness: Counter,
}

impl CountedMonitor {
    pub(crate) fn register(
        registry: &Registry,
        monitor: Arc<dyn Monitor>,
    ) -> Result<Self, RegisterError> {
        let topic = monitor.topic();
        let panics = |call| registry.counter(&MONITOR_PANICS, &[topic.name, call]);
        Ok(Self {
            topic,
            monitor,
            polls: panics("poll")?,
            assessments: panics("assess")?,
            reports: panics("report")?,
            readiness: panics("readiness")?,
        })
    }
}

/// Calls, and counts a panic on its way through.
fn counted<T>(panics: &Counter, call: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        panics.inc();
        resume_unwind(panic)
    })
}

impl Monitor for CountedMonitor {
    fn topic(&self) -> &'static Topic {
        self.topic
    }

    fn poll(&self) {
        counted(&self.polls, || self.monitor.poll());
    }

    fn assess(&self, view: &View<'_>) -> Assessment {
        counted(&self.assessments, || self.monitor.assess(view))
    }

    fn report(&self, view: &View<'_>, target: Option<&str>) -> Result<Report, UnknownTarget> {
        counted(&self.reports, || self.monitor.report(view, target))
    }

    fn readiness(&self) -> Vec<Arc<dyn ReadinessCheck>> {
        counted(&self.readiness, || self.monitor.readiness())
    }
}
