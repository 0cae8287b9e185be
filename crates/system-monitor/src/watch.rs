//! The monitors that the registry holds: one for the process, one for its runtimes.
//!
//! They are two because their judgements are: a service that is short of memory
//! and one whose runtime is blocked need different hands, and `/health/performance`
//! has a check for each. They share what they watch, so that `/metrics/system`
//! shows both in one body.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};

use metrics_core::{Assessment, Monitor, Report, Topic, UnknownTarget, View};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::assess;
use crate::attachment::Attachment;
use crate::lock::lock;
use crate::process::Process;
use crate::reading::Reading;
use crate::report::{RuntimeReport, RuntimeTargetReport, RuntimesReport, SystemReport};
use crate::runtime::RuntimeCells;
use crate::thresholds::Thresholds;

/// What the monitor of the process is called; its report shows the runtimes too.
pub static TOPIC: Topic = Topic::new("system", "memory");

/// What the monitor of the runtimes is called.
pub static RUNTIME_TOPIC: Topic = Topic::new("runtime", "runtime").target("runtime");

/// The process and all attached runtimes.
#[derive(Debug)]
pub(crate) struct System {
    pub(crate) process: Process,
    pub(crate) thresholds: Thresholds,
    pub(crate) runtimes: Mutex<BTreeMap<Box<str>, Attached>>,
}

/// A runtime that is watched, and not kept.
#[derive(Debug)]
pub(crate) struct Attached {
    pub(crate) attachment: Weak<Attachment>,
    pub(crate) runtime: Handle,
    pub(crate) canary: AbortHandle,
}

impl Attached {
    /// Whether somebody wants it watched and it can be.
    pub(crate) fn is_alive(&self) -> bool {
        // A runtime that shuts down ends its tasks.
        self.attachment.strong_count() > 0 && !self.canary.is_finished()
    }

    fn cells(&self) -> Option<Arc<RuntimeCells>> {
        Some(self.attachment.upgrade()?.cells.clone())
    }

    fn observe(&self) {
        let Some(cells) = self.cells() else { return };
        if self.canary.is_finished() {
            cells.retire();
        } else {
            cells.observe(&self.runtime.metrics());
        }
    }
}

impl System {
    pub(crate) fn names(&self) -> Vec<String> {
        lock(&self.runtimes).keys().map(|name| String::from(&**name)).collect()
    }

    pub(crate) fn reading<'a>(&self, view: &View<'a>, name: &str) -> Option<Reading<'a>> {
        let cells = lock(&self.runtimes).get(name)?.cells()?;
        Some(Reading::of(cells, view))
    }

    pub(crate) fn readings<'a>(&self, view: &View<'a>) -> Vec<Reading<'a>> {
        let runtimes = lock(&self.runtimes);
        let cells = runtimes.values().filter_map(Attached::cells);
        cells.map(|cells| Reading::of(cells, view)).collect()
    }

    /// The published judgement of the process, so that all surfaces say the same; else a fresh one.
    pub(crate) fn process_health(&self, view: &View<'_>) -> Assessment {
        let published = view.health(&TOPIC).cloned();
        published.unwrap_or_else(|| assess::process(&self.process.read(view), &self.thresholds))
    }

    /// The published judgement of the runtimes, else a fresh one.
    pub(crate) fn runtime_health(&self, view: &View<'_>, runtimes: &[Reading<'_>]) -> Assessment {
        let published = view.health(&RUNTIME_TOPIC).cloned();
        published.unwrap_or_else(|| assess::runtimes(runtimes, &self.thresholds))
    }
}

/// The monitor of the process.
#[derive(Debug)]
pub(crate) struct ProcessWatch(pub(crate) Arc<System>);

impl Monitor for ProcessWatch {
    fn topic(&self) -> &'static Topic {
        &TOPIC
    }

    fn poll(&self) {
        self.0.process.observe();
    }

    fn assess(&self, view: &View<'_>) -> Assessment {
        assess::process(&self.0.process.read(view), &self.0.thresholds)
    }

    fn report(&self, view: &View<'_>, target: Option<&str>) -> Result<Report, UnknownTarget> {
        match target {
            None => Ok(Report::new(SystemReport::of(&self.0, view))),
            Some(target) => Err(UnknownTarget { target: target.to_owned(), known: Vec::new() }),
        }
    }
}

/// The monitor of the runtimes.
#[derive(Debug)]
pub(crate) struct RuntimeWatch(pub(crate) Arc<System>);

impl Monitor for RuntimeWatch {
    fn topic(&self) -> &'static Topic {
        &RUNTIME_TOPIC
    }

    fn poll(&self) {
        lock(&self.0.runtimes).retain(|_, attached| {
            attached.observe();
            attached.is_alive()
        });
    }

    fn assess(&self, view: &View<'_>) -> Assessment {
        assess::runtimes(&self.0.readings(view), &self.0.thresholds)
    }

    fn report(&self, view: &View<'_>, target: Option<&str>) -> Result<Report, UnknownTarget> {
        let Some(target) = target else {
            return Ok(Report::new(RuntimesReport::of(&self.0, view)));
        };
        let Some(reading) = self.0.reading(view, target) else {
            let (target, known) = (target.to_owned(), self.0.names());
            return Err(UnknownTarget { target, known });
        };
        let runtime = RuntimeReport::of(&reading, &self.0.thresholds);
        Ok(Report::new(RuntimeTargetReport { timestamp: view.at(), runtime }))
    }
}
