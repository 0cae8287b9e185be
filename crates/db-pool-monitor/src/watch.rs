//! The monitor that the registry holds: it polls, judges and reports the pools.

use std::fmt;
use std::sync::{Arc, Mutex};

use node0_metrics_core::{
    Instances, Judgement, Monitor, ReadinessCheck, Report, Topic, UnknownTarget, View, lock,
};

use crate::judge;
use crate::reading::Reading;
use crate::report::{DatabaseReport, PoolReport};
use crate::watched::WatchedPool;

/// The names of this monitor.
pub static TOPIC: Topic = Topic::new("database", "database").target("pool").required();

/// All pools, without the right to register one: that takes the registry, which holds this.
pub(crate) struct Watch {
    pub(crate) pools: Instances<WatchedPool>,
    pub(crate) checks: Mutex<Vec<Arc<dyn ReadinessCheck>>>,
}

impl Watch {
    pub(crate) fn reading<'a>(&self, view: &View<'a>, name: &str) -> Option<Reading<'a>> {
        Reading::of(&*self.pools.get(name)?, view)
    }

    pub(crate) fn readings<'a>(&self, view: &View<'a>) -> Vec<Reading<'a>> {
        self.pools.living().iter().filter_map(|pool| Reading::of(pool, view)).collect()
    }
}

impl Monitor for Watch {
    fn topic(&self) -> &'static Topic {
        &TOPIC
    }

    fn poll(&self) {
        self.pools.living().iter().for_each(|pool| pool.poll());
        // Ends the series that polls fill; those of the recorder last as long as a handle.
        self.pools.prune().iter().for_each(|gone| *lock(&gone.polled) = None);
    }

    fn judge(&self, view: &View<'_>) -> Judgement {
        judge::all(&self.readings(view))
    }

    fn report(&self, view: &View<'_>, target: Option<&str>) -> Result<Report, UnknownTarget> {
        let Some(name) = target else {
            return Ok(Report::new(DatabaseReport::of(view, &self.readings(view))));
        };
        let pool = self.reading(view, name).ok_or_else(|| self.pools.unknown(name))?;
        Ok(Report::new(PoolReport::of(&pool)))
    }

    fn readiness(&self) -> Vec<Arc<dyn ReadinessCheck>> {
        lock(&self.checks).clone()
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watch").field(&self.pools).finish()
    }
}
