//! Records by a tier's name, for callers without a handle.

use std::time::Duration;

use node0_metrics_core::{
    Counter, DEFAULT_CACHE, HitRatio, Labelled, Latency, OTHER, RegisterError, Registry,
};

use crate::descs::*;
use crate::monitor::CacheMonitor;
use crate::report::RESERVED;
use crate::words::{EvictionCause, Operation, Size};

/// The families that the calls by name record into.
#[derive(Clone, Debug)]
pub(crate) struct ByName {
    gets: Labelled<HitRatio, 2>,
    times: Labelled<Latency, 3>,
    writes: Labelled<Counter, 3>,
    evictions: Labelled<Counter, 3>,
    evicted_bytes: Labelled<Counter, 3>,
    raw: Labelled<Counter, 2>,
    stored: Labelled<Counter, 2>,
}

impl ByName {
    pub(crate) fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self {
            gets: registry.hit_ratios(&GETS)?,
            times: registry.latencies(&OPERATION_DURATION)?,
            writes: registry.counters(&WRITES)?,
            evictions: registry.counters(&EVICTIONS)?,
            evicted_bytes: registry.counters(&EVICTED_BYTES)?,
            raw: registry.counters(&RAW_BYTES)?,
            stored: registry.counters(&STORED_BYTES)?,
        })
    }
}

/// Records by a tier's name, into tiers of the cache [`DEFAULT_CACHE`].
///
/// The first call with a name registers its series, which a handle to that tier shares; later calls
/// find it without a lock and without allocating. The key is ignored, since the number of keys is
/// unlimited and the number of series is not. A name that is a field of the report (`timestamp`,
/// `health`, `caches`) is counted as the tier `_other`, as are names past the registry's cap.
///
/// ```
/// use node0_cache_monitor::{CacheMonitor, Size};
/// use node0_metrics_core::Registry;
/// use std::time::Duration;
///
/// let registry = Registry::new();
/// let monitor = CacheMonitor::register(&registry)?;
/// monitor.record_hit("L1", "user:123", Duration::from_millis(2));
/// monitor.record_miss("L1", "user:456", Duration::from_millis(5));
/// let size = Size::Compressed { raw: 4096, stored: 1024 };
/// monitor.record_set("L2", "product:789", Duration::from_millis(10), size);
/// monitor.record_eviction("L1", "old:key", 512);
///
/// let sample = registry.read();
/// let l1 = monitor.tier_metrics(&sample, "L1").expect("it was recorded");
/// assert_eq!((l1.hits, l1.misses, l1.evictions), (1, 1, Some(1)));
/// # Ok::<(), node0_metrics_core::RegisterError>(())
/// ```
impl CacheMonitor {
    /// Records a lookup that found its entry.
    pub fn record_hit(&self, tier: &str, _key: &str, took: Duration) {
        let tier = shown(tier);
        self.by_name.gets.hit([DEFAULT_CACHE, tier]);
        self.took(tier, Operation::Get, took);
    }

    /// Records a lookup that found nothing.
    pub fn record_miss(&self, tier: &str, _key: &str, took: Duration) {
        let tier = shown(tier);
        self.by_name.gets.miss([DEFAULT_CACHE, tier]);
        self.took(tier, Operation::Get, took);
    }

    /// Records an entry that was stored, and its bytes if they are known.
    pub fn record_set(&self, tier: &str, _key: &str, took: Duration, size: Size) {
        let tier = shown(tier);
        self.by_name.writes.inc([DEFAULT_CACHE, tier, Operation::Set.label()]);
        self.took(tier, Operation::Set, took);
        if let Some((raw, stored)) = size.raw_and_stored() {
            self.by_name.raw.add([DEFAULT_CACHE, tier], raw);
            self.by_name.stored.add([DEFAULT_CACHE, tier], stored);
        }
    }

    /// Records an entry that was evicted to make room, with its size in bytes.
    pub fn record_eviction(&self, tier: &str, _key: &str, bytes: u64) {
        let values = [DEFAULT_CACHE, shown(tier), EvictionCause::Size.label()];
        self.by_name.evictions.inc(values);
        self.by_name.evicted_bytes.add(values, bytes);
    }

    fn took(&self, tier: &str, operation: Operation, took: Duration) {
        self.by_name.times.record([DEFAULT_CACHE, tier, operation.label()], took);
    }
}

/// Returns the name if a tier can have it in a report.
fn shown(tier: &str) -> &str {
    if RESERVED.contains(&tier) { OTHER } else { tier }
}
