//! The handle by which a host watches its pools.
//!
//! The registry owns another type, [`Watch`]. This handle owns the registry, in order to register
//! pools. If the registry owned this handle, neither would ever be dropped.

use std::sync::{Arc, Mutex};

use node0_metrics_core::{
    Assessment, InstanceError, Instances, Monitor, ReadinessCheck, RegisterError, Registry, Sample,
    lock,
};

use crate::handle::PoolHandle;
use crate::judge;
use crate::levels::PoolLevels;
use crate::metrics::{PoolMetrics, PoolRates};
use crate::reading::Reading;
use crate::recorder::Recorder;
use crate::watch::Watch;
use crate::watched::{PoolId, WatchedPool};

/// Watches connection pools; clones share what is attached.
#[derive(Clone, Debug)]
pub struct PoolMonitor {
    pub(crate) registry: Registry,
    pub(crate) watch: Arc<Watch>,
}

/// The reason why a pool cannot be watched by a handle.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttachError {
    /// The name is taken or unusable, or the registry refused a metric.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// The pool was gone when it was first asked for its levels.
    #[error("pool `{name}` says that it is gone: attach a pool that is open")]
    Gone {
        /// The name.
        name: String,
    },
}

impl PoolMonitor {
    /// Registers the topic `database`.
    ///
    /// # Errors
    /// [`RegisterError::DuplicateTopic`] when the registry has it: clone the first monitor instead.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let watch = Arc::new(Watch { pools: Instances::new("pool"), checks: Mutex::default() });
        registry.monitor(watch.clone())?;
        Ok(Self { registry: registry.clone(), watch })
    }

    /// Watches a pool of any kind by a handle.
    ///
    /// `levels` is called at once, and then once a tick on a worker thread of the registry. It
    /// must do no I/O and return within a millisecond. It returns `None` when the pool is gone:
    /// then the pool is no longer shown, its name is free, and what was recorded stays as long as
    /// the handle. A level that the first answer leaves out stays absent; one that a later answer
    /// leaves out is NaN. A panic is caught and counted, and makes all levels NaN.
    ///
    /// The closure may own the pool, which then lives as long as the handle. If the pool owns the
    /// handle, such as in a hook, give the closure a weak reference, or neither is ever dropped.
    ///
    /// # Errors
    /// [`AttachError`] for a name that is taken or unusable, and for a pool that is gone.
    pub fn pool(
        &self,
        name: &str,
        levels: impl Fn() -> Option<PoolLevels> + Send + Sync + 'static,
    ) -> Result<PoolHandle, AttachError> {
        self.watch_levels(name, None, levels)
    }

    /// Watches a pool that has an identity if the adapter can see one.
    pub(crate) fn watch_levels(
        &self,
        name: &str,
        id: Option<PoolId>,
        levels: impl Fn() -> Option<PoolLevels> + Send + Sync + 'static,
    ) -> Result<PoolHandle, AttachError> {
        let (registry, pools) = (self.registry.clone(), &self.watch.pools);
        let name = pools.name(name)?;
        let Some(first) = levels() else {
            return Err(AttachError::Gone { name: name.into() });
        };
        let is_same = |other: &WatchedPool| id.is_some_and(|id| other.is(id));
        let pool = pools.enter_unless(name, is_same, |name| {
            let recorder = Recorder::register(&registry, name)?;
            let mut pool = WatchedPool::register(&registry, name, recorder, levels, &first)?;
            pool.id = id;
            Ok(pool)
        })?;
        Ok(PoolHandle::new(registry, pool))
    }

    /// Makes the service's readiness depend on a check.
    ///
    /// Call it before the HTTP endpoints start: they ask for the checks once.
    pub fn require(&self, check: impl ReadinessCheck + 'static) {
        lock(&self.watch.checks).push(Arc::new(check));
    }

    /// The names of the watched pools, sorted.
    pub fn pools(&self) -> Vec<String> {
        self.watch.pools.names()
    }

    /// The numbers of one pool in a sample; `None` for an unknown name.
    pub fn metrics(&self, sample: &Sample, pool: &str) -> Option<PoolMetrics> {
        Some(PoolMetrics::of(&[self.reading(sample, pool)?]))
    }

    /// The rates of one pool in a sample; `None` for an unknown name.
    pub fn rates(&self, sample: &Sample, pool: &str) -> Option<PoolRates> {
        Some(PoolRates::of(&[self.reading(sample, pool)?]))
    }

    /// The judgement of one pool in a sample; `None` for an unknown name.
    pub fn assess(&self, sample: &Sample, pool: &str) -> Option<Assessment> {
        Some(judge::all(&[self.reading(sample, pool)?]).assess())
    }

    /// The numbers of all pools in a sample together.
    pub fn totals(&self, sample: &Sample) -> PoolMetrics {
        PoolMetrics::of(&self.watch.readings(&sample.view()))
    }

    /// The judgement of the worst pool in a sample, with the findings of all.
    pub fn assess_all(&self, sample: &Sample) -> Assessment {
        self.watch.judge(&sample.view()).assess()
    }

    fn reading<'a>(&self, sample: &'a Sample, pool: &str) -> Option<Reading<'a>> {
        self.watch.reading(&sample.view(), pool)
    }
}
