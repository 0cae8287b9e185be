//! A guard for one operation, from its start to its end.
//!
//! A guard that is dropped without an end was cancelled by its caller, and is counted only as
//! cancelled. While measuring is switched off, operations are counted but not timed.

use std::time::Duration;

use node0_metrics_core::{Moment, Named};

use crate::cells::TierCells;
use crate::words::{Found, LoadOutcome, Operation, Size};

/// An operation of a tier that has not ended; see [`Tier::start`](crate::Tier::start).
///
/// ```
/// use node0_cache_monitor::{CacheMonitor, Operation};
/// use node0_metrics_core::Registry;
/// use std::collections::HashMap;
///
/// let registry = Registry::new();
/// let monitor = CacheMonitor::register(&registry)?;
/// let tier = monitor.tier("orders", "L1")?;
/// let cache = HashMap::from([("a", 1)]);
///
/// let lookup = tier.start(Operation::Get);
/// assert_eq!(lookup.looked_up(cache.get("a")), Some(&1));
/// drop(tier.start(Operation::Get)); // cancelled by its caller
///
/// let metrics = monitor.tier_metrics(&registry.read(), "L1").expect("it is there");
/// assert_eq!((metrics.hits, metrics.misses, metrics.cancellations), (1, 0, Some(1)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "dropping it counts the operation as cancelled"]
pub struct Timed<'t> {
    /// Taken at the end, so that the drop after it records nothing.
    cells: Option<&'t Named<TierCells>>,
    operation: Operation,
    start: Option<Moment>,
}

impl<'t> Timed<'t> {
    #[inline]
    pub(crate) fn start(cells: &'t Named<TierCells>, operation: Operation) -> Self {
        let start = cells.registry.is_measuring().then(|| cells.registry.clock().now());
        Self { cells: Some(cells), operation, start }
    }

    /// Ends a lookup as a hit or a miss, and returns the value that it found.
    #[inline]
    pub fn looked_up<T>(mut self, value: Option<T>) -> Option<T> {
        let found = if value.is_some() { Found::Hit } else { Found::Miss };
        self.end(|cells, took| cells.get(found, took));
        value
    }

    /// Ends with a stored entry.
    pub fn set(mut self, size: Size) {
        self.end(|cells, took| cells.set(size, took));
    }

    /// Ends a removal, also one that found nothing to remove.
    pub fn deleted(mut self) {
        self.end(TierCells::delete);
    }

    /// Ends a load.
    pub fn loaded(mut self, outcome: LoadOutcome) {
        self.end(|cells, took| cells.load(outcome, took));
    }

    /// Ends any operation with an error.
    pub fn failed(mut self) {
        let operation = self.operation;
        self.end(|cells, took| cells.error(operation, took));
    }

    #[inline]
    fn end(&mut self, count: impl FnOnce(&TierCells, Option<Duration>)) {
        if let Some(cells) = self.cells.take() {
            let took = self.start.map(|start| cells.registry.since(start));
            count(cells, took);
        }
    }
}

impl Drop for Timed<'_> {
    fn drop(&mut self) {
        let operation = self.operation;
        self.end(|cells, took| cells.cancelled(operation, took));
    }
}
