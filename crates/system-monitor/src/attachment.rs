//! The guard by which a host keeps a runtime watched.

use std::sync::{Arc, Weak};

use tokio::task::AbortHandle;

use crate::runtime::RuntimeCells;

/// A runtime that is watched until the last clone of this is dropped.
///
/// Dropping it ends the canary, removes the runtime's series at the next tick
/// and frees its name. It does not keep the runtime alive; of one that has shut
/// down the levels become unknown, and the name is free again.
#[derive(Clone, Debug)]
#[must_use = "a runtime is watched as long as this is held"]
pub struct MonitoredRuntime {
    attachment: Arc<Attachment>,
}

/// What all clones of the guard hold, and nobody else for longer than a look.
#[derive(Debug)]
pub(crate) struct Attachment {
    pub(crate) cells: Arc<RuntimeCells>,
    canary: AbortHandle,
}

impl MonitoredRuntime {
    pub(crate) fn new(cells: Arc<RuntimeCells>, canary: AbortHandle) -> Self {
        Self { attachment: Arc::new(Attachment { cells, canary }) }
    }

    /// What tells whether a clone is left, without being one.
    pub(crate) fn downgrade(&self) -> Weak<Attachment> {
        Arc::downgrade(&self.attachment)
    }

    /// The name under which the runtime is watched.
    pub fn name(&self) -> &str {
        &self.attachment.cells.name
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        self.canary.abort();
    }
}
