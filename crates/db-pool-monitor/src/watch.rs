//! The monitor that the registry holds: polls, judges and reports the attached pools.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics_core::{Assessment, Monitor, ReadinessCheck, Report, Topic, UnknownTarget, View};

use crate::assess;
use crate::attached::Attached;
use crate::reading::Reading;
use crate::report::{DatabaseReport, PoolReport, TargetReport};

/// What this monitor is called.
pub static TOPIC: Topic = Topic::new("database", "database").target("pool").required();

/// All attached pools; they are held weakly, so that watching one keeps none alive.
#[derive(Default)]
pub(crate) struct Watch {
    pools: Mutex<BTreeMap<Box<str>, Arc<Attached>>>,
    pub(crate) checks: Mutex<Vec<Arc<dyn ReadinessCheck>>>,
}

impl Watch {
    /// Enters what `make` makes, unless a living pool has the name.
    pub(crate) fn enter<T, E>(
        &self,
        name: &str,
        make: impl FnOnce() -> Result<(Attached, T), E>,
    ) -> Option<Result<T, E>> {
        let mut pools = lock(&self.pools);
        if pools.get(name).is_some_and(|has| has.is_alive()) {
            return None;
        }
        Some(make().map(|(attached, made)| {
            pools.insert(name.into(), Arc::new(attached));
            made
        }))
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let pools = lock(&self.pools);
        pools.keys().map(|name| String::from(&**name)).collect()
    }

    fn attached(&self) -> Vec<Arc<Attached>> {
        lock(&self.pools).values().cloned().collect()
    }

    pub(crate) fn reading<'a>(&self, view: &View<'a>, name: &str) -> Option<Reading<'a>> {
        let attached = lock(&self.pools).get(name)?.clone();
        Some(Reading::of(attached, view))
    }

    pub(crate) fn readings<'a>(&self, view: &View<'a>) -> Vec<Reading<'a>> {
        self.attached().into_iter().map(|attached| Reading::of(attached, view)).collect()
    }
}

impl Monitor for Watch {
    fn topic(&self) -> &'static Topic {
        &TOPIC
    }

    /// Asks outside of the lock: a source is a user's code, or drops a pool that was the last of its kind.
    fn poll(&self) {
        let mut gone = self.attached();
        gone.retain(|attached| !attached.poll());
        // By identity: the name may have gone to another pool since.
        let is_gone = |has: &Arc<Attached>| gone.iter().any(|gone| Arc::ptr_eq(gone, has));
        lock(&self.pools).retain(|_, has| !is_gone(has));
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
