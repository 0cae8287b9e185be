//! The monitor that the registry holds: polls, judges and reports the attached pools.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use deadpool::Status;
use deadpool::managed::{Manager, WeakPool};
use metrics_core::{Assessment, Monitor, ReadinessCheck, Report, Topic, UnknownTarget, View};

use crate::assess;
use crate::cells::PoolCells;
use crate::reading::Reading;
use crate::report::{DatabaseReport, PoolReport, TargetReport};

/// What this monitor is called.
pub static TOPIC: Topic = Topic::new("database", "database").target("pool").required();

/// All attached pools; they are held weakly, so that watching one keeps none alive.
#[derive(Default)]
pub(crate) struct Watch {
    pub(crate) pools: Mutex<BTreeMap<Box<str>, Attached>>,
    pub(crate) checks: Mutex<Vec<Arc<dyn ReadinessCheck>>>,
}

/// A pool that is watched.
pub(crate) struct Attached {
    pub(crate) cells: Arc<PoolCells>,
    pub(crate) source: Box<dyn Source>,
}

/// A pool of any manager, as far as it can be polled.
pub(crate) trait Source: Send + Sync {
    /// `None` when the pool is gone.
    fn status(&self) -> Option<Status>;
}

impl<M: Manager> Source for WeakPool<M> {
    fn status(&self) -> Option<Status> {
        Some(self.upgrade()?.status())
    }
}

impl Watch {
    pub(crate) fn names(&self) -> Vec<String> {
        let pools = lock(&self.pools);
        pools.keys().map(|name| String::from(&**name)).collect()
    }

    pub(crate) fn reading<'a>(&self, view: &View<'a>, name: &str) -> Option<Reading<'a>> {
        let cells = lock(&self.pools).get(name)?.cells.clone();
        Some(Reading::of(cells, view))
    }

    pub(crate) fn readings<'a>(&self, view: &View<'a>) -> Vec<Reading<'a>> {
        let pools = lock(&self.pools);
        let cells = pools.values().map(|attached| attached.cells.clone());
        cells.map(|cells| Reading::of(cells, view)).collect()
    }
}

impl Monitor for Watch {
    fn topic(&self) -> &'static Topic {
        &TOPIC
    }

    fn poll(&self) {
        lock(&self.pools).retain(|_, attached| match attached.source.status() {
            Some(status) => {
                attached.cells.observe(status);
                true
            }
            None => {
                attached.cells.retire();
                false
            }
        });
    }

    fn assess(&self, view: &View<'_>) -> Assessment {
        assess::all(&self.readings(view))
    }

    fn report(&self, view: &View<'_>, target: Option<&str>) -> Result<Report, UnknownTarget> {
        let Some(target) = target else {
            return Ok(Report::new(DatabaseReport::of(view, &self.readings(view))));
        };
        let Some(reading) = self.reading(view, target) else {
            let (target, known) = (target.to_owned(), self.names());
            return Err(UnknownTarget { target, known });
        };
        Ok(Report::new(TargetReport { timestamp: view.at(), pool: PoolReport::of(&reading) }))
    }

    fn readiness(&self) -> Vec<Arc<dyn ReadinessCheck>> {
        lock(&self.checks).clone()
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
