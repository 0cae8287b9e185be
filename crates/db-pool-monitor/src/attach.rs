//! How a pool comes to be watched: a finished one, one that is built here, or one of any kind.

use std::sync::Arc;

use deadpool::managed::{BuildError, Manager, Object, Pool, PoolBuilder};
use metrics_core::{RegisterError, Registry, broken_name_rule};

use crate::attached::Attached;
use crate::cells::PoolCells;
use crate::handle::PoolHandle;
use crate::levels::PoolLevels;
use crate::monitor::PoolMonitor;
use crate::phases::Phases;
use crate::pool::MonitoredPool;
use crate::status;
use crate::thresholds::Thresholds;
use crate::tracked::{Ages, Tracked};

/// A pool that is not watched, and why.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttachError {
    /// The name cannot be a label that means one pool.
    #[error("pool name `{name}` is not usable: {rule}")]
    Name {
        /// The refused name.
        name: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// A living pool has the name.
    #[error("a pool named `{name}` is attached already: choose another name")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// The pool was gone when it was first asked for its levels.
    #[error("pool `{name}` says that it is gone: attach a pool that is open")]
    Gone {
        /// The name.
        name: String,
    },
    /// The registry refused a metric.
    #[error("the pool's metrics cannot be registered")]
    Register(#[source] RegisterError),
    /// The pool could not be built.
    #[error("the pool cannot be built")]
    Build(#[source] BuildError),
}

impl PoolMonitor {
    /// Watches a pool that is built already, against the default [`Thresholds`].
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
        self.adapt(checked(name)?, thresholds, None, pool.clone())
    }

    /// Builds a pool with our hooks and watches it, against the default [`Thresholds`].
    ///
    /// Hooks of your own run before ours; a connection that your `pre_recycle`
    /// refuses is replaced without being counted as discarded.
    ///
    /// # Errors
    /// [`AttachError`], also when the pool cannot be built.
    pub fn build<M, W>(
        &self,
        name: &str,
        builder: PoolBuilder<M, W>,
    ) -> Result<MonitoredPool<M, W>, AttachError>
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
    ) -> Result<MonitoredPool<M, W>, AttachError>
    where
        M: Manager + 'static,
        W: From<Object<M>>,
    {
        let phases = Phases::register(&self.registry, checked(name)?);
        let phases = Arc::new(phases.map_err(AttachError::Register)?);
        let pool = phases.hook(builder).build().map_err(AttachError::Build)?;
        self.adapt(name, thresholds, Some(phases), pool)
    }

    /// Watches a pool of any kind that says itself what happens to it, against the default
    /// [`Thresholds`].
    ///
    /// `levels` is asked now, and then once a tick on the sampling thread: no I/O, and far
    /// under a millisecond. `None` says that the pool is gone: then it is no longer shown,
    /// its name is free, and what is recorded lasts as long as the handle. A level that the
    /// first answer leaves out stays absent; one that a later answer leaves out is NaN, as
    /// all are after a panic, which is counted and contained.
    ///
    /// The closure may own the pool, which then lives as long as the handle. Where the pool
    /// owns the handle (in a hook of its own), hold the pool weakly.
    ///
    /// # Errors
    /// [`AttachError`] for a name that is taken or unusable, and for a pool that is gone.
    pub fn pool(
        &self,
        name: &str,
        levels: impl Fn() -> Option<PoolLevels> + Send + Sync + 'static,
    ) -> Result<PoolHandle, AttachError> {
        self.pool_with(name, levels, Thresholds::default())
    }

    /// Watches a pool of any kind against thresholds of its own; see [`Self::pool`].
    ///
    /// # Errors
    /// As for [`Self::pool`].
    pub fn pool_with(
        &self,
        name: &str,
        levels: impl Fn() -> Option<PoolLevels> + Send + Sync + 'static,
        thresholds: Thresholds,
    ) -> Result<PoolHandle, AttachError> {
        let name = checked(name)?;
        let first = levels().ok_or_else(|| AttachError::Gone { name: name.to_owned() })?;
        self.enter(name, |registry| {
            let cells = PoolCells::register(registry, name)?;
            let handle = PoolHandle::new(cells.clone(), levels);
            let source = (Box::new(handle.source()) as _, first);
            let attached = Attached::register(registry, cells, thresholds, None, source)?;
            Ok((attached, handle))
        })
    }

    fn adapt<M, W>(
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
        let tracked = self.enter(name, |registry| {
            let cells = PoolCells::register(registry, name)?;
            let tracked = Arc::new(Tracked::register(registry, cells.clone(), phases)?);
            let ages = Some(Ages::register(registry, tracked.clone())?);
            let source = (Box::new(pool.weak()) as _, status::levels(pool.status()));
            let attached = Attached::register(registry, cells, thresholds, ages, source)?;
            Ok((attached, tracked))
        })?;
        Ok(MonitoredPool::new(pool, tracked, self.registry.clone()))
    }

    /// Watches what `make` makes, unless a living pool has the name.
    fn enter<T>(
        &self,
        name: &str,
        make: impl FnOnce(&Registry) -> Result<(Attached, T), RegisterError>,
    ) -> Result<T, AttachError> {
        match self.watch.enter(name, || make(&self.registry)) {
            Some(made) => made.map_err(AttachError::Register),
            None => Err(AttachError::Duplicate { name: name.to_owned() }),
        }
    }
}

fn checked(name: &str) -> Result<&str, AttachError> {
    match broken_name_rule(name) {
        Some(rule) => Err(AttachError::Name { name: name.to_owned(), rule }),
        None => Ok(name),
    }
}
