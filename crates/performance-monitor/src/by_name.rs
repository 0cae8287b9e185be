//! The families that are recorded into by name.

use std::time::Duration;

use node0_metrics_core::{
    CACHE_GETS, Counter, HitRatio, Labelled, Latency, RegisterError, Registry,
};

use crate::descs::{OPERATION_DURATION, OPERATION_FAILURES, OPERATIONS};

/// The handles of all names; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct ByName {
    pub(crate) operations: Labelled<Latency, 1>,
    pub(crate) throughput: Labelled<Counter, 1>,
    pub(crate) failures: Labelled<Counter, 1>,
    /// The hits and misses by cache and tier.
    pub(crate) lookups: Labelled<HitRatio, 2>,
}

impl ByName {
    pub(crate) fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self {
            operations: registry.latencies(&OPERATION_DURATION)?,
            throughput: registry.counters(&OPERATIONS)?,
            failures: registry.counters(&OPERATION_FAILURES)?,
            lookups: registry.hit_ratios(&CACHE_GETS)?,
        })
    }

    /// Expires names that were not used for at least this long.
    pub(crate) fn expire_idle(&self, after: Duration) {
        self.operations.expire_idle(after);
        self.throughput.expire_idle(after);
        self.failures.expire_idle(after);
        self.lookups.expire_idle(after);
    }
}
