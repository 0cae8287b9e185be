//! The handle by which a host watches its pools.
//!
//! What the registry holds is another type, [`Watch`]: whoever attaches pools
//! needs the registry, and in one type that would be a circle in which nothing
//! is ever dropped.

use std::sync::Arc;

use deadpool::managed::{BuildError, Manager, Object, Pool, PoolBuilder};
use metrics_core::{
    Assessment, Monitor, ReadinessCheck, RegisterError, Registry, Sample, broken_name_rule,
};

use crate::assess;
use crate::cells::PoolCells;
use crate::metrics::{PoolMetrics, PoolRates};
use crate::phases::Phases;
use crate::pool::MonitoredPool;
use crate::thresholds::Thresholds;
use crate::watch::{Attached, Watch, lock};

/// Watches connection pools; clones share what is attached.
#[derive(Clone, Debug)]
pub struct PoolMonitor {
    registry: Registry,
    watch: Arc<Watch>,
}

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
    /// Registers the topic `database`.
    ///
    /// # Errors
    /// [`RegisterError::DuplicateTopic`] when the registry has it: clone the first monitor instead.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let watch = Arc::new(Watch::default());
        registry.monitor(watch.clone())?;
        Ok(Self { registry: registry.clone(), watch })
    }

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
        self.watch(name, thresholds, None, || Ok(pool.clone()))
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
        let builder = phases.hook(builder);
        self.watch(name, thresholds, Some(phases), || builder.build().map_err(AttachError::Build))
    }

    /// Makes the service's readiness depend on a check.
    ///
    /// Call it before the surfaces start: they ask for the checks once.
    pub fn require(&self, check: impl ReadinessCheck + 'static) {
        lock(&self.watch.checks).push(Arc::new(check));
    }

    /// The names of the attached pools, sorted.
    pub fn pools(&self) -> Vec<String> {
        self.watch.names()
    }

    /// The numbers of one pool in a sample; `None` for a name that is not attached.
    pub fn metrics(&self, sample: &Sample, pool: &str) -> Option<PoolMetrics> {
        let reading = self.watch.reading(&sample.view(), pool)?;
        Some(PoolMetrics::of(&[reading]))
    }

    /// The rates of one pool in a sample; `None` for a name that is not attached.
    pub fn rates(&self, sample: &Sample, pool: &str) -> Option<PoolRates> {
        let reading = self.watch.reading(&sample.view(), pool)?;
        Some(PoolRates::of(&[reading]))
    }

    /// The judgement of one pool in a sample; `None` for a name that is not attached.
    pub fn assess(&self, sample: &Sample, pool: &str) -> Option<Assessment> {
        let reading = self.watch.reading(&sample.view(), pool)?;
        Some(assess::pool(&reading))
    }

    /// The numbers of all pools in a sample together.
    pub fn totals(&self, sample: &Sample) -> PoolMetrics {
        PoolMetrics::of(&self.watch.readings(&sample.view()))
    }

    /// The judgement of the worst pool in a sample, with the issues of all.
    pub fn assess_all(&self, sample: &Sample) -> Assessment {
        Monitor::assess(&*self.watch, &sample.view())
    }

    fn watch<M, W>(
        &self,
        name: &str,
        thresholds: Thresholds,
        phases: Option<Arc<Phases>>,
        pool: impl FnOnce() -> Result<Pool<M, W>, AttachError>,
    ) -> Result<MonitoredPool<M, W>, AttachError>
    where
        M: Manager + 'static,
        W: From<Object<M>>,
    {
        let name = checked(name)?;
        let mut pools = lock(&self.watch.pools);
        if pools.get(name).is_some_and(|has| has.source.status().is_some()) {
            return Err(AttachError::Duplicate { name: name.to_owned() });
        }
        let pool = pool()?;
        let cells = PoolCells::register(&self.registry, name, thresholds, phases);
        let cells = Arc::new(cells.map_err(AttachError::Register)?);
        cells.observe(pool.status());
        let attached = Attached { cells: cells.clone(), source: Box::new(pool.weak()) };
        pools.insert(name.into(), attached);
        Ok(MonitoredPool::new(pool, cells, self.registry.clone()))
    }
}

fn checked(name: &str) -> Result<&str, AttachError> {
    match broken_name_rule(name) {
        Some(rule) => Err(AttachError::Name { name: name.to_owned(), rule }),
        None => Ok(name),
    }
}
