//! The handle by which a tier's cache says what it does.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::cells::TierCells;
use crate::levels::{LevelSource, Levels};
use crate::timed::Timed;
use crate::words::{Events, EvictionCause, LoadOutcome, Operation, Size};

/// Records what one tier of a cache does; clones share everything.
///
/// Recording takes no lock and does not allocate, but for the first record of
/// its kind, which registers a series. One logical lookup is one call of
/// [`hit`](Self::hit), [`miss`](Self::miss) or [`error`](Self::error). The
/// tier's series last as long as a clone of this.
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
#[derive(Clone)]
#[must_use = "a tier's series last as long as a handle to it"]
pub struct Tier {
    cells: Option<Arc<TierCells>>,
}

impl Tier {
    /// A handle that records nothing.
    pub const fn disabled() -> Self {
        Self { cells: None }
    }

    pub(crate) fn new(cells: Arc<TierCells>) -> Self {
        Self { cells: Some(cells) }
    }

    /// Starts an operation, whose end is then named.
    pub fn start(&self, operation: Operation) -> Timed<'_> {
        Timed::start(self.cells.as_deref(), operation)
    }

    /// The name of the tier's cache; empty for a disabled handle.
    pub fn cache(&self) -> &str {
        self.cells.as_ref().map_or("", |cells| &cells.name.cache)
    }

    /// The tier's name; empty for a disabled handle.
    pub fn name(&self) -> &str {
        self.cells.as_ref().map_or("", |cells| &cells.name.tier)
    }

    /// Shows events at zero from now on: whoever records here would see them.
    ///
    /// A number that nobody declares or records is absent, since it is unknown.
    pub fn declare(&self, events: &[Events]) {
        if let Some(cells) = &self.cells {
            events.iter().for_each(|events| cells.declare(*events));
        }
    }

    /// Counts a lookup that found its entry.
    #[inline]
    pub fn hit(&self, took: Duration) {
        if let Some(cells) = &self.cells {
            cells.hit(Some(took));
        }
    }

    /// Counts a lookup that found nothing.
    #[inline]
    pub fn miss(&self, took: Duration) {
        if let Some(cells) = &self.cells {
            cells.miss(Some(took));
        }
    }

    /// Counts an entry that a caller stored, and its bytes if they are known.
    pub fn set(&self, took: Duration, size: Size) {
        if let Some(cells) = &self.cells {
            cells.set(Some(took), size);
        }
    }

    /// Counts a removal that a caller asked for; the entry it may have removed is an [`eviction`](Self::eviction).
    pub fn delete(&self, took: Duration) {
        if let Some(cells) = &self.cells {
            cells.delete(Some(took));
        }
    }

    /// Counts an operation that failed; as a lookup it is neither a hit nor a miss.
    ///
    /// A failed load is a [`load`](Self::load) with its outcome.
    pub fn error(&self, operation: Operation, took: Duration) {
        if let Some(cells) = &self.cells {
            cells.error(operation, Some(took));
        }
    }

    /// Counts an entry that left the tier, and its stored bytes if they are known.
    pub fn eviction(&self, cause: EvictionCause, bytes: Option<u64>) {
        if let Some(cells) = &self.cells {
            cells.eviction(cause);
            if let Some(bytes) = bytes {
                cells.evicted_bytes(cause, bytes);
            }
        }
    }

    /// Counts a load of what the tier did not have: once, however many callers wait for it.
    pub fn load(&self, outcome: LoadOutcome, took: Duration) {
        if let Some(cells) = &self.cells {
            cells.load(outcome, Some(took));
        }
    }

    /// Counts bytes that came to be stored by a load, which is no [`set`](Self::set).
    pub fn stored(&self, size: Size) {
        if let Some(cells) = &self.cells {
            cells.stored(size);
        }
    }

    /// Counts a lookup that missed and took the result of another caller's load.
    pub fn coalesced(&self) {
        if let Some(cells) = &self.cells {
            cells.coalesced();
        }
    }

    /// Counts, beside the hit, that its value was no longer fresh.
    pub fn stale_served(&self) {
        if let Some(cells) = &self.cells {
            cells.stale_served();
        }
    }

    /// Counts an entry that a slower tier had and that was copied into this one.
    pub fn promotion(&self) {
        if let Some(cells) = &self.cells {
            cells.promotion();
        }
    }

    /// Says how full the tier is; what is `None` was never known, or no longer is.
    pub fn set_levels(&self, levels: Levels) {
        if let Some(cells) = &self.cells {
            cells.set_levels(levels);
        }
    }

    /// Has a source asked once a tick how full the tier is.
    ///
    /// The monitor does not keep the source alive; once it is gone, the levels
    /// are unknown. A further source takes the place of the first.
    pub fn poll(&self, source: &Arc<impl LevelSource>) {
        if let Some(cells) = &self.cells {
            let weak = Arc::downgrade(source);
            cells.watch.follow(cells, weak);
        }
    }
}

impl fmt::Debug for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tier")
            .field("cache", &self.cache())
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}
