//! The part of a watched pool that its guards record into; a guard may outlive the pool.
//!
//! Durations that are reported at the end of a wait or hold do not show those still running.
//! Guards enter them in ledgers at their start, so that ages, leaks, and peaks between two polls
//! are known.

use std::sync::OnceLock;

use node0_metrics_core::{Clock, Peak, RegisterError, Registry};

use crate::cells::{EndCells, HookCells, QueueCells};
use crate::ledger::Ledger;

/// The series and ledgers of the waits and uses of one pool.
#[derive(Debug)]
pub(crate) struct Recorder {
    pub(crate) clock: Clock,
    pub(crate) ends: EndCells,
    pub(crate) waits: Ledger,
    pub(crate) holds: Ledger,
    /// Empty until the first guard; without guards the connections in use are seen by polls only.
    pub(crate) used_peak: OnceLock<Peak>,
    /// `None` unless an adapter sees the pool's queue.
    pub(crate) queue: Option<QueueCells>,
    /// `None` unless an adapter has put hooks into the pool.
    pub(crate) hooks: Option<HookCells>,
}

impl Recorder {
    /// Registers what every pool has.
    pub(crate) fn register(registry: &Registry, name: &str) -> Result<Self, RegisterError> {
        Ok(Self {
            clock: registry.clock().clone(),
            ends: EndCells::register(registry, &[name])?,
            waits: Ledger::default(),
            holds: Ledger::default(),
            used_peak: OnceLock::new(),
            queue: None,
            hooks: None,
        })
    }

    /// Records the connections in use, for their peak.
    pub(crate) fn record_used(&self, connections: u64) {
        if let Some(peak) = self.used_peak.get() {
            peak.record(connections);
        }
    }

    /// Records the waiting callers, for their peak.
    pub(crate) fn record_waiting(&self, callers: u64) {
        if let Some(queue) = &self.queue {
            queue.waiting_peak.record(callers);
        }
    }
}
