//! The handle of one tier, by which its cache is recorded.

use std::sync::Arc;
use std::time::Duration;

use node0_metrics_core::InstanceHandle;

use crate::cells::TierCells;
use crate::levels::Levels;
use crate::timed::Timed;
use crate::words::{Events, EvictionCause, Found, LoadOutcome, Operation, Size};

/// A handle to a watched tier of a cache; clones share everything.
///
/// Recording takes no lock and does not allocate, except for the first record of its kind, which
/// registers a series. Call [`hit`](Self::hit), [`miss`](Self::miss) or [`error`](Self::error) once
/// for each logical lookup. When the last handle is dropped, the tier's series are removed at the
/// next tick, and its name is free at once.
///
/// ```
/// use node0_cache_monitor::{CacheMonitor, EvictionCause, Size};
/// use node0_metrics_core::Registry;
/// use std::time::Duration;
///
/// let registry = Registry::new();
/// let monitor = CacheMonitor::register(&registry)?;
/// let tier = monitor.tier("orders", "L1")?;
/// let same = tier.clone();
///
/// tier.miss(Duration::from_micros(2));
/// tier.set(Duration::from_micros(5), Size::Compressed { raw: 4096, stored: 1024 });
/// same.hit(Duration::from_micros(1));
/// tier.eviction(EvictionCause::Size, Some(1024));
///
/// let metrics = monitor.tier_metrics(&registry.read(), "L1").expect("it is there");
/// assert_eq!((metrics.hits, metrics.misses), (1, 1));
/// assert_eq!(metrics.compression_ratio, Some(4.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a tier is watched as long as a handle to it lives"]
pub struct Tier(pub(crate) InstanceHandle<TierCells>);

impl Tier {
    /// Starts timing an operation; the guard records its end.
    pub fn start(&self, operation: Operation) -> Timed<'_> {
        Timed::start(&self.0, operation)
    }

    /// The name of the tier's cache.
    pub fn cache(&self) -> &str {
        self.0.cache.as_str()
    }

    /// The tier's name.
    pub fn name(&self) -> &str {
        self.0.tier.as_str()
    }

    /// Shows these events as zero before they happen; for code that can see and record them.
    ///
    /// Without this call an event that was never recorded is absent, since its number is unknown.
    pub fn declare(&self, events: &[Events]) {
        events.iter().for_each(|events| self.0.declare(*events));
    }

    /// Records a lookup that found its entry.
    #[inline]
    pub fn hit(&self, took: Duration) {
        self.0.get(Found::Hit, Some(took));
    }

    /// Records a lookup that found nothing.
    #[inline]
    pub fn miss(&self, took: Duration) {
        self.0.get(Found::Miss, Some(took));
    }

    /// Records an entry that a caller stored, and its bytes if they are known.
    pub fn set(&self, took: Duration, size: Size) {
        self.0.set(size, Some(took));
    }

    /// Records a removal that a caller asked for.
    ///
    /// The entry that it removed, if there was one, is an [`eviction`](Self::eviction).
    pub fn delete(&self, took: Duration) {
        self.0.delete(Some(took));
    }

    /// Records an operation that failed; a failed lookup is neither a hit nor a miss.
    ///
    /// A failed load is a [`load`](Self::load) with its outcome.
    pub fn error(&self, operation: Operation, took: Duration) {
        self.0.error(operation, Some(took));
    }

    /// Records an entry that left the tier, and its stored bytes if they are known.
    pub fn eviction(&self, cause: EvictionCause, bytes: Option<u64>) {
        self.0.series.evictions[cause].inc();
        if let Some(bytes) = bytes {
            self.0.series.evicted_bytes[cause].add(bytes);
        }
    }

    /// Records a load of a missing entry: once, however many callers wait for it.
    pub fn load(&self, outcome: LoadOutcome, took: Duration) {
        self.0.load(outcome, Some(took));
    }

    /// Records the bytes of an entry that a load stored; a load is not a [`set`](Self::set).
    pub fn stored(&self, size: Size) {
        self.0.stored(size);
    }

    /// Records a lookup that missed and took the result of another caller's load.
    pub fn coalesced(&self) {
        self.0.series.coalesced.inc();
    }

    /// Records that a hit served a stale value; call it in addition to [`hit`](Self::hit).
    pub fn stale_served(&self) {
        self.0.series.stale.inc();
    }

    /// Records an entry of a slower tier that was copied into this one.
    pub fn promotion(&self) {
        self.0.series.promotions.inc();
    }

    /// Sets the tier's levels, under a lock; `None` for a level that is not known.
    pub fn set_levels(&self, levels: Levels) {
        self.0.set_levels(&levels);
    }

    /// Calls `levels` once a tick for the tier's levels, instead of the closure before it.
    ///
    /// It is called on a worker thread of the registry, must do no I/O, and must return within a
    /// millisecond. When it returns `None`, the cache is gone: the closure is dropped, and the
    /// levels are unknown. Give it a weak reference to a cache that owns this handle, or neither is
    /// ever dropped.
    pub fn poll(&self, levels: impl Fn() -> Option<Levels> + Send + Sync + 'static) {
        self.0.follow(Arc::new(levels));
    }
}
