//! The handle by which a host watches its pools.
//!
//! What the registry holds is another type, [`Watch`]: whoever attaches pools
//! needs the registry, and in one type that would be a circle in which nothing
//! is ever dropped.

use std::sync::Arc;

use metrics_core::{Assessment, Monitor, ReadinessCheck, RegisterError, Registry, Sample};

use crate::assess;
use crate::metrics::{PoolMetrics, PoolRates};
use crate::watch::{Watch, lock};

/// Watches connection pools; clones share what is attached.
#[derive(Clone, Debug)]
pub struct PoolMonitor {
    pub(crate) registry: Registry,
    pub(crate) watch: Arc<Watch>,
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
}
