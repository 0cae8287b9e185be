//! The family of cache lookups, which two monitors record into.
//!
//! A description usually belongs to the crate that records the metric. This metric has two such
//! crates: the performance monitor and the cache monitor both count lookups by a tier's name,
//! and both must add to the same total. Monitors do not depend on each other, so the shared
//! description is here. The core itself does not record it.

use crate::naming::desc::{Classic, ClassicShape, Desc};

/// Lookups in cache tiers by result; recorded by monitors, not by the core.
pub const CACHE_GETS: Desc = Desc::counter(
    "cache_gets_total",
    "Lookups that were answered, by result: hit or miss. A lookup that failed is neither.",
)
.labels(&["cache", "tier", "result"])
.classic(Classic {
    shape: ClassicShape::Ratio,
    name: "cache_{tier}_hit_rate",
    help: "Cache hit rate for {tier}",
})
.classic_without("cache", DEFAULT_CACHE);

/// The value of the label `cache` for lookups that are recorded by the name of a tier alone.
pub const DEFAULT_CACHE: &str = "default";
