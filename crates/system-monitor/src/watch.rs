//! The monitors that the registry owns: one for the process, one for its runtimes.
//!
//! They are two, since lack of memory and a blocked runtime have different remedies, and
//! `/health/performance` has a check for each. They share their instances, since
//! `/metrics/system` shows the process and its runtimes in one body.

use std::sync::Arc;
use std::time::Duration;

use node0_metrics_core::{
    Buckets, Instances, Judgement, Monitor, Report, Topic, UnknownTarget, View,
};

use crate::judge;
use crate::metrics::RuntimeMetrics;
use crate::process::Process;
use crate::pulse::Pulse;
use crate::reading::Reading;
use crate::report::{RuntimeReport, RuntimesReport, SystemReport};
use crate::runtime::WatchedRuntime;
use crate::thresholds::Thresholds;

/// The topic of the process; its report shows the runtimes too.
pub static TOPIC: Topic = Topic::new("system", "memory");

/// The topic of the runtimes.
pub static RUNTIME_TOPIC: Topic = Topic::new("runtime", "runtime").target("runtime");

/// The process and all attached runtimes.
#[derive(Debug)]
pub(crate) struct System {
    pub(crate) process: Process,
    pub(crate) runtimes: Instances<WatchedRuntime>,
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) thresholds: Thresholds,
}

impl System {
    pub(crate) fn judge_process(&self, view: &View<'_>) -> Judgement {
        // A pause is over when it is seen: it is told of for one tick, so that no alert waits for
        // its end. The metric keeps it.
        let pauses = view.read(&self.pulse.pauses).map(|pauses| Buckets::from(pauses.delta()));
        let longest = pauses.and_then(|pauses| pauses.max()).map(Duration::from_secs_f64);
        judge::process(&self.process.read(view), longest, &self.thresholds)
    }

    pub(crate) fn reading<'a>(&self, view: &View<'a>, name: &str) -> Option<Reading<'a>> {
        Some(Reading::of(&*self.runtimes.get(name)?, view))
    }

    pub(crate) fn readings<'a>(&self, view: &View<'a>) -> Vec<Reading<'a>> {
        self.runtimes.living().iter().map(|runtime| Reading::of(runtime, view)).collect()
    }
}

/// The monitor of the process.
pub(crate) struct ProcessWatch(pub(crate) Arc<System>);

impl Monitor for ProcessWatch {
    fn topic(&self) -> &'static Topic {
        &TOPIC
    }

    fn poll(&self) {
        self.0.process.poll();
    }

    fn judge(&self, view: &View<'_>) -> Judgement {
        self.0.judge_process(view)
    }

    fn report(&self, view: &View<'_>, target: Option<&str>) -> Result<Report, UnknownTarget> {
        UnknownTarget::refuse(target)?;
        let system = &self.0;
        let body = SystemReport {
            process: system.process.read(view).into(),
            runtime: RuntimeMetrics::of(&system.readings(view)),
            thresholds: system.thresholds,
        };
        Ok(Report::new(body).joined_by(&RUNTIME_TOPIC))
    }
}

/// The monitor of the runtimes.
pub(crate) struct RuntimeWatch(pub(crate) Arc<System>);

impl Monitor for RuntimeWatch {
    fn topic(&self) -> &'static Topic {
        &RUNTIME_TOPIC
    }

    fn poll(&self) {
        self.0.pulse.beat();
        self.0.runtimes.prune().iter().for_each(|gone| gone.forget_levels());
        self.0.runtimes.living().iter().for_each(|runtime| runtime.poll());
    }

    fn judge(&self, view: &View<'_>) -> Judgement {
        judge::runtimes(&self.0.readings(view), &self.0.thresholds)
    }

    fn report(&self, view: &View<'_>, target: Option<&str>) -> Result<Report, UnknownTarget> {
        if let Some(target) = target {
            let runtime = self.0.runtimes.find(target)?;
            return Ok(Report::new(RuntimeReport::of(Reading::of(&runtime, view), None)));
        }
        let named = |reading: Reading<'_>| {
            let health = view.component_health(&RUNTIME_TOPIC, &reading.name);
            (reading.name.clone(), RuntimeReport::of(reading, Some(health)))
        };
        let runtimes = self.0.readings(view).into_iter().map(named).collect();
        Ok(Report::new(RuntimesReport { runtimes, thresholds: self.0.thresholds }))
    }
}
