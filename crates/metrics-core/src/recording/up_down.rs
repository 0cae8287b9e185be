//! A level that many threads raise and lower.

use crate::naming::series_id::SeriesId;
use crate::recording::counter::{Counter, CounterCore};
use crate::recording::kinds::{Head, SeriesHandle};
use crate::sync::Arc;

/// A handle to a level, such as requests in flight; clones share the storage.
///
/// The level is the sum over all threads, so a request may start on one thread
/// and end on another. A pass may see a decrement before its increment; a sum
/// below zero is shown as zero.
///
/// ```
/// use node0_metrics_core::{Desc, Registry};
///
/// const BUSY: Desc = Desc::up_down("busy_workers", "Workers that hold a job.");
/// let registry = Registry::new();
/// let busy = registry.up_down(&BUSY, &[])?;
/// let held = busy.enter();
/// assert_eq!(busy.level(), 1);
/// drop(held);
/// assert_eq!(busy.level(), 0);
/// # Ok::<(), node0_metrics_core::RegisterError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a series lasts as long as a handle to it"]
pub struct UpDown {
    /// A counter's cells, read as a signed sum.
    cell: Counter,
}

impl UpDown {
    /// A handle that keeps no level.
    pub const fn disabled() -> Self {
        Self { cell: Counter::disabled() }
    }

    /// Makes a handle to a series.
    pub(crate) fn new(core: Arc<CounterCore>) -> Self {
        Self { cell: Counter::new(core) }
    }

    /// The id of the handle's series; `None` for a disabled handle.
    pub fn series_id(&self) -> Option<SeriesId> {
        self.cell.series_id()
    }

    /// Adds `n`, which may be negative.
    #[inline]
    pub fn add(&self, n: i64) {
        self.cell.add(n.cast_unsigned());
    }

    /// Raises the level by one until the guard drops.
    #[inline]
    pub fn enter(&self) -> InFlight {
        self.add(1);
        InFlight { level: self.clone() }
    }

    /// Returns the level now, zero at least.
    pub fn level(&self) -> u64 {
        level(self.cell.total())
    }
}

impl SeriesHandle for UpDown {
    fn head(&self) -> Option<&Head> {
        self.cell.head()
    }

    /// Adds the number as an integer; the cast saturates and turns NaN into zero.
    fn apply(&self, value: f64) {
        self.add(value as i64);
    }
}

/// Returns the level of a wrapping sum of increments and decrements.
///
/// A thread with more decrements than increments has a negative part, which is stored as a
/// number near 2⁶⁴. Example: parts of 5 and 2⁶⁴ − 2 add up to 3.
pub(crate) fn level(sum: u64) -> u64 {
    sum.cast_signed().max(0).cast_unsigned()
}

/// One unit of an [`UpDown`], given back on drop.
#[derive(Debug)]
#[must_use = "dropping the guard lowers the level again"]
pub struct InFlight {
    level: UpDown,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.level.add(-1);
    }
}
