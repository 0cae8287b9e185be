//! The family of cache lookups, which two monitors record into.
//!
//! A description belongs to the crate that records the metric. This metric has two such
//! crates: the performance monitor counts lookups by a tier's name, the cache monitor by a
//! tier's handle as well, and the totals of both must be one. Monitors never know each other,
//! so what they share is a concept of the core. The core itself records nothing into it.

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
