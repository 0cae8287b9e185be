//! How a pool comes to be watched: a finished one, or one that is built here.

use std::sync::Arc;

use deadpool::managed::{BuildError, Manager, Object, Pool, PoolBuilder};
use metrics_core::{RegisterError, Registry, broken_name_rule};

use crate::attached::Attached;
use crate::cells::PoolCells;
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
