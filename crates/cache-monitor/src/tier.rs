//! The handle of one tier, on which its cache records.

use std::sync::Arc;
use std::time::Duration;

use metrics_core::InstanceHandle;

use crate::cells::TierCells;
use crate::levels::{LevelSource, Levels};
use crate::timed::Timed;
use crate::words::{Events, EvictionCause, Found, LoadOutcome, Operation, Size};

/// A handle to a watched tier of a cache; clones share everything.
///
/// Recording takes no lock and does not allocate, except for the first record of
/// its kind, which registers a series. Call [`hit`](Self::hit), [`miss`](Self::miss)
/// or [`error`](Self::error) once for each logical lookup. When the last handle is
/// dropped, the tier's series are removed at the next tick, and its name is free at once.
///
/// ```
/// use cache_monitor::{CacheMonitor, EvictionCause, Size};
/// use metrics_core::Registry;
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
pub struct Tier(pub(crate) Option<InstanceHandle<TierCells>>);

impl Tier {
    /// A handle that records nothing.
    pub const fn disabled() -> Self {
        Self(None)
    }

    /// Starts timing an operation; the guard records its end.
    pub fn start(&self, operation: Operation) -> Timed<'_> {
        Timed::start(self.0.as_deref(), operation)
    }

    /// The name of the tier's cache; empty for a disabled handle.
    pub fn cache(&self) -> &str {
        self.0.as_ref().map_or("", |cells| &cells.cache)
    }

    /// The tier's name; empty for a disabled handle.
    pub fn name(&self) -> &str {
        self.0.as_ref().map_or("", |cells| &cells.tier)
    }

    /// Shows these events as zero before they happen; for code that can see and record them.
    ///
    /// Without this call an event that was never recorded is absent, since its number is
    /// unknown.
    pub fn declare(&self, events: &[Events]) {
        self.with(|cells| events.iter().for_each(|events| cells.declare(*events)));
    }

    /// Records a lookup that found its entry.
    #[inline]
    pub fn hit(&self, took: Duration) {
        self.with(|cells| cells.get(Found::Hit, Some(took)));
    }

    /// Records a lookup that found nothing.
    #[inline]
    pub fn miss(&self, took: Duration) {
        self.with(|cells| cells.get(Found::Miss, Some(took)));
    }

    /// Records an entry that a caller stored, and its bytes if they are known.
    pub fn set(&self, took: Duration, size: Size) {
        self.with(|cells| cells.set(size, Some(took)));
    }

    /// Records a removal that a caller asked for.
    ///
    /// The entry that it removed, if there was one, is an [`eviction`](Self::eviction).
    pub fn delete(&self, took: Duration) {
        self.with(|cells| cells.delete(Some(took)));
    }

    /// Records an operation that failed; a failed lookup is neither a hit nor a miss.
    ///
    /// A failed load is a [`load`](Self::load) with its outcome.
    pub fn error(&self, operation: Operation, took: Duration) {
        self.with(|cells| cells.error(operation, Some(took)));
    }

    /// Records an entry that left the tier, and its stored bytes if they are known.
    pub fn eviction(&self, cause: EvictionCause, bytes: Option<u64>) {
        self.with(|cells| {
            cells.series.evictions[cause].inc();
            if let Some(bytes) = bytes {
                cells.series.evicted_bytes[cause].add(bytes);
            }
        });
    }

    /// Records a load of a missing entry: once, however many callers wait for it.
    pub fn load(&self, outcome: LoadOutcome, took: Duration) {
        self.with(|cells| cells.load(outcome, Some(took)));
    }

    /// Records the bytes of an entry that a load stored, which is no [`set`](Self::set).
    pub fn stored(&self, size: Size) {
        self.with(|cells| cells.stored(size));
    }

    /// Records a lookup that missed and took the result of another caller's load.
    pub fn coalesced(&self) {
        self.with(|cells| cells.series.coalesced.inc());
    }

    /// Records that a hit served a stale value; call it in addition to [`hit`](Self::hit).
    pub fn stale_served(&self) {
        self.with(|cells| cells.series.stale.inc());
    }

    /// Records an entry of a slower tier that was copied into this one.
    pub fn promotion(&self) {
        self.with(|cells| cells.series.promotions.inc());
    }

    /// Sets the tier's levels, under a lock; `None` for a level that is not known, or no longer.
    pub fn set_levels(&self, levels: Levels) {
        self.with(|cells| cells.set_levels(&levels));
    }

    /// Asks a source for the tier's levels once a tick, instead of the source before it.
    ///
    /// The monitor does not keep the source alive; once it is dropped, the levels
    /// are unknown.
    pub fn poll(&self, source: &Arc<impl LevelSource>) {
        let weak = Arc::downgrade(source);
        self.with(|cells| cells.follow(weak));
    }

    #[inline]
    fn with(&self, record: impl FnOnce(&TierCells)) {
        if let Some(cells) = &self.0 {
            record(cells);
        }
    }
}
