//! The calls by which a deadpool comes to be watched: finished, or built here with hooks.

use std::sync::{Arc, OnceLock};

use deadpool::managed::{BuildError, Manager, Object, Pool, PoolBuilder};

use super::phases::Phases;
use super::pool::{MonitoredPool, Watched};
use super::status;
use crate::attach::{AttachError, checked};
use crate::attached::Attached;
use crate::cells::PoolCells;
use crate::monitor::PoolMonitor;
use crate::thresholds::Thresholds;
use crate::tracked::Ages;

/// A pool that is not built, and why.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildPoolError {
    /// The pool cannot be watched under this name.
    #[error(transparent)]
    Attach(AttachError),
    /// The pool itself cannot be built.
    #[error("the pool cannot be built")]
    Build(#[source] BuildError),
}

impl PoolMonitor {
    /// Watches a pool of deadpool's that is built already, against the default [`Thresholds`].
    ///
    /// Its levels, whole waits, holds and outcomes are known. The parts of the
    /// wait, and connections opened, recycled and discarded, take hooks that a
    /// finished pool accepts no more: see [`Self::build`]. The monitor does not
    /// keep the pool alive: with its last clone its series go, and its name is
    /// free again.
    ///
    /// # Errors
    /// [`AttachError`] for a name that is taken or unusable.
    pub fn attach<M, W>(
        &self,
        name: &str,
        pool: &Pool<M, W>,
    ) -> Result<MonitoredPool<M, W>, AttachError>
    where
        M: Manager + 'static,
        W: From<Object<M>>,
    {
        self.attach_with(name, pool, Thresholds::default())
    }

    /// Watches a pool that is built already, against thresholds of its own.
    ///
    /// # Errors
    /// As for [`Self::attach`].
    pub fn attach_with<M, W>(
        &self,
        name: &str,
        pool: &Pool<M, W>,
        thresholds: Thresholds,
    ) -> Result<MonitoredPool<M, W>, AttachError>
    where
        M: Manager + 'static,
        W: From<Object<M>>,
    {
        self.wrap(checked(name)?, thresholds, None, pool.clone())
    }

    /// Builds a pool of deadpool's with our hooks and watches it, against the default
    /// [`Thresholds`].
    ///
    /// Hooks of your own run before ours; a connection that your `pre_recycle`
    /// refuses is replaced without being counted as discarded.
    ///
    /// # Errors
    /// [`BuildPoolError`] for a name that is taken or unusable, and for a pool that cannot be
    /// built.
    pub fn build<M, W>(
        &self,
        name: &str,
        builder: PoolBuilder<M, W>,
    ) -> Result<MonitoredPool<M, W>, BuildPoolError>
    where
        M: Manager + 'static,
        W: From<Object<M>>,
    {
        self.build_with(name, builder, Thresholds::default())
    }

    /// Builds a pool with our hooks and watches it, against thresholds of its own.
    ///
    /// # Errors
    /// As for [`Self::build`].
    pub fn build_with<M, W>(
        &self,
        name: &str,
        builder: PoolBuilder<M, W>,
        thresholds: Thresholds,
    ) -> Result<MonitoredPool<M, W>, BuildPoolError>
    where
        M: Manager + 'static,
        W: From<Object<M>>,
    {
        let phases = self.phases(name).map_err(BuildPoolError::Attach)?;
        let pool = phases.hook(builder).build().map_err(BuildPoolError::Build)?;
        self.wrap(name, thresholds, Some(phases), pool).map_err(BuildPoolError::Attach)
    }

    fn phases(&self, name: &str) -> Result<Arc<Phases>, AttachError> {
        let phases = Phases::register(&self.registry, checked(name)?);
        phases.map(Arc::new).map_err(AttachError::Register)
    }

    fn wrap<M, W>(
        &self,
        name: &str,
        thresholds: Thresholds,
        phases: Option<Arc<Phases>>,
        pool: Pool<M, W>,
    ) -> Result<MonitoredPool<M, W>, AttachError>
    where
        M: Manager + 'static,
        W: From<Object<M>>,
    {
        let watched = self.enter(name, |registry| {
            let cells = PoolCells::register(registry, name)?;
            let watched = Watched::register(registry, cells.clone(), phases)?;
            let ages = Ages::register(registry, watched.tracked.clone())?;
            let ages = Arc::new(OnceLock::from(ages));
            let source = (Box::new(pool.weak()) as _, status::levels(pool.status()));
            let attached = Attached::register(registry, cells, thresholds, ages, source)?;
            Ok((attached, watched))
        })?;
        Ok(MonitoredPool::new(pool, watched))
    }
}
