//! What is recorded of any pool, by whoever asks it for connections.

use std::sync::Arc;
use std::time::Duration;

use metrics_core::{Counter, Latency, RegisterError, Registry};

use crate::descs::{ACQUIRES, USE_DURATION, WAIT_DURATION};

/// Waits, holds and outcomes of one pool; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct PoolCells {
    pub(crate) name: Arc<str>,
    pub(crate) wait: Latency,
    pub(crate) hold: Latency,
    pub(crate) outcomes: Outcomes,
}

/// Ended waits by outcome.
#[derive(Clone, Debug)]
pub(crate) struct Outcomes {
    pub(crate) acquired: Counter,
    pub(crate) timed_out: Counter,
    pub(crate) failed: Counter,
    pub(crate) cancelled: Counter,
}

impl PoolCells {
    pub(crate) fn register(registry: &Registry, name: &str) -> Result<Self, RegisterError> {
        let outcome = |outcome| registry.counter(&ACQUIRES, &[name, outcome]);
        Ok(Self {
            name: name.into(),
            wait: registry.latency(&WAIT_DURATION, &[name])?,
            hold: registry.latency(&USE_DURATION, &[name])?,
            outcomes: Outcomes {
                acquired: outcome("acquired")?,
                timed_out: outcome("timed_out")?,
                failed: outcome("failed")?,
                cancelled: outcome("cancelled")?,
            },
        })
    }

    /// Records a wait that ended, by what came of it.
    #[inline]
    pub(crate) fn waited(&self, wait: Duration, outcome: impl FnOnce(&Outcomes) -> &Counter) {
        self.wait.record(wait);
        outcome(&self.outcomes).inc();
    }
}
