//! Attaches a finished pool of deadpool, or builds one with hooks.

use std::sync::Arc;

use deadpool::managed::{BuildError, Manager, Object, Pool, PoolBuilder};
use node0_metrics_core::InstanceError;

use super::phases::Phases;
use super::pool::MonitoredPool;
use super::status;
use crate::cells::QueueCells;
use crate::monitor::PoolMonitor;
use crate::recorder::Recorder;
use crate::watched::{PoolId, WatchedPool};

/// The reason why a pool was not built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildPoolError {
    /// The pool cannot be watched under this name.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// The pool itself cannot be built.
    #[error("the pool cannot be built")]
    Build(#[source] BuildError),
}

impl PoolMonitor {
    /// Watches a pool of deadpool's that is built already.
    ///
    /// It shows levels, whole waits, holds and outcomes. The phases of a wait, and connections
    /// opened, recycled and discarded, need hooks, which a finished pool does not accept: see
    /// [`Self::build`]. The monitor does not keep the pool alive: once it is closed or its last
    /// clone is dropped, its series are removed and its name is free.
    ///
    /// # Errors
    /// [`InstanceError`] for a name that is taken or unusable, and for a pool that is watched
    /// under another name.
    pub fn attach<M: Manager + 'static, W: From<Object<M>>>(
        &self,
        name: &str,
        pool: &Pool<M, W>,
    ) -> Result<MonitoredPool<M, W>, InstanceError> {
        self.wrap(name, pool.clone(), None)
    }

    /// Builds a pool of deadpool's with our hooks and watches it.
    ///
    /// Hooks of your own run before ours; a connection that your `pre_recycle` refuses is
    /// replaced without being counted as discarded.
    ///
    /// # Errors
    /// [`BuildPoolError`] for a name that is taken or unusable, and for a pool that cannot be
    /// built.
    pub fn build<M: Manager + 'static, W: From<Object<M>>>(
        &self,
        name: &str,
        builder: PoolBuilder<M, W>,
    ) -> Result<MonitoredPool<M, W>, BuildPoolError> {
        let checked = self.watch.pools.name(name)?;
        let phases = Phases::register(&self.registry, &checked);
        let refused = |source| InstanceError::Register { kind: "pool", source };
        let phases = Arc::new(phases.map_err(refused)?);
        let pool = phases.hook(builder).build().map_err(BuildPoolError::Build)?;
        Ok(self.wrap(name, pool, Some(phases))?)
    }

    fn wrap<M: Manager + 'static, W: From<Object<M>>>(
        &self,
        name: &str,
        pool: Pool<M, W>,
        phases: Option<Arc<Phases>>,
    ) -> Result<MonitoredPool<M, W>, InstanceError> {
        let (registry, pools) = (self.registry.clone(), &self.watch.pools);
        let id = PoolId::of(pool.manager());
        let is_same = |other: &WatchedPool| other.is(id);
        let watched = pools.enter_unless(pools.name(name)?, is_same, |name| {
            let recorder = Recorder {
                queue: Some(QueueCells::register(&registry, &[name])?),
                hooks: phases.as_ref().map(|phases| phases.cells.clone()),
                ..Recorder::register(&registry, name)?
            };
            let first = status::levels(pool.status());
            let weak = pool.weak();
            let mut watched = WatchedPool::register(&registry, name, recorder, weak, &first)?;
            watched.id = Some(id);
            let used_peak = watched.track(&registry, name)?;
            watched.recorder.used_peak.get_or_init(|| used_peak);
            Ok(watched)
        })?;
        // The instance ends with the pool and not with this handle.
        let watched = watched.detach();
        watched.poll();
        let recorder = watched.recorder.clone();
        Ok(MonitoredPool { pool, watched, recorder, registry, phases })
    }
}
