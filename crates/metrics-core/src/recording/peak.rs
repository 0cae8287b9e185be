//! The highest level of the last minute.

use crate::naming::desc::OwnedDesc;
use crate::naming::series_id::SeriesId;
use crate::recording::context::Context;
use crate::recording::kinds::{Head, SeriesHandle};
use crate::sync::Arc;
use crate::sync::atomic::{AtomicU64, Ordering};

/// A handle to a peak; clones share the storage.
///
/// A gauge does not show a level that rises and falls between two scrapes. A
/// peak shows the highest recorded value of the last 60 seconds, so that any
/// usual scrape interval sees it. Record the level at least once a tick, for
/// example in a monitor's `poll`: otherwise a level that stays high is no
/// longer shown after a minute.
#[derive(Clone, Debug)]
#[must_use = "a series lasts as long as a handle to it"]
pub struct Peak {
    core: Option<Arc<PeakCore>>,
}

/// The cell of a peak, on a cache line of its own.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct PeakCore {
    pub(crate) head: Head,
    /// The highest level of the running tick.
    tick: AtomicU64,
}

impl Peak {
    /// A handle that keeps no peak.
    pub const fn disabled() -> Self {
        Self { core: None }
    }

    /// Makes a handle to a series.
    pub(crate) fn new(core: Arc<PeakCore>) -> Self {
        Self { core: Some(core) }
    }

    /// Returns the id of the handle's series; `None` for a disabled handle.
    pub fn series_id(&self) -> Option<SeriesId> {
        self.core.as_ref().map(|core| core.head.id)
    }

    /// Raises the current tick's peak to `level`, if it is higher.
    #[inline]
    pub fn record(&self, level: u64) {
        // Read before writing: most levels are below the peak, and a cache line that is only
        // read stays in the caches of all cores.
        if let Some(core) = &self.core
            && core.tick.load(Ordering::Relaxed) < level
        {
            core.tick.fetch_max(level, Ordering::Relaxed);
        }
    }
}

impl SeriesHandle for Peak {
    fn head(&self) -> Option<&Head> {
        self.core.as_ref().map(|core| &core.head)
    }

    /// Records; a cast saturates, and makes NaN zero.
    fn apply(&self, value: f64) {
        self.record(value as u64);
    }
}

impl PeakCore {
    pub(crate) fn new(head: Head, _desc: &OwnedDesc, _context: &Arc<Context>) -> Self {
        Self { head, tick: AtomicU64::new(0) }
    }

    /// Returns the peak of the running tick.
    pub(crate) fn running(&self) -> u64 {
        self.tick.load(Ordering::Relaxed)
    }

    /// Ends the running tick and returns its peak.
    pub(crate) fn rotate(&self) -> u64 {
        self.tick.swap(0, Ordering::Relaxed)
    }
}
