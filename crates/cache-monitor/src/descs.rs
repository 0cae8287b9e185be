//! The meaning of each metric of a cache tier.
//!
//! Names and labels follow Micrometer where it has such a metric. Hits and misses are two counters,
//! and their ratio is computed when it is read. A lookup that ended in an error is neither and has
//! a family of its own, so a dead tier does not change the hit rate.

use node0_metrics_core::{CACHE_GETS, Desc, Unit, descs};

descs! {
    /// Lookups by result; described in the core, since the performance monitor counts them too.
    pub const GETS: Desc = CACHE_GETS;

    pub const OPERATION_DURATION: Desc = Desc::latency(
        "cache_operation_duration_seconds",
        "Time that an operation took, however it ended: get, set, delete, or the load of a missing entry.",
    )
    .labels(&["cache", "tier", "operation"])
    .bounds(&[
        1e-6, 1e-5, 1e-4, 5e-4, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
        10.0,
    ]);

    pub const WRITES: Desc =
        Desc::counter("cache_writes_total", "Entries that callers wrote: set, or removed: delete.")
            .labels(&["cache", "tier", "operation"]);

    pub const ERRORS: Desc = Desc::counter(
        "cache_errors_total",
        "Operations that the tier failed to do, timeouts included; they are neither hits nor misses.",
    )
    .labels(&["cache", "tier", "operation"]);

    pub const CANCELLATIONS: Desc = Desc::counter(
        "cache_cancellations_total",
        "Operations that their callers gave up before they ended.",
    )
    .labels(&["cache", "tier", "operation"]);

    pub const EVICTIONS: Desc = Desc::counter(
        "cache_evictions_total",
        "Entries that left the tier: for size, expired, explicit by a caller, or replaced by a newer value.",
    )
    .labels(&["cache", "tier", "cause"]);

    pub const EVICTED_BYTES: Desc = Desc::counter(
        "cache_evicted_bytes_total",
        "Stored bytes of the entries that left the tier, where their size is known.",
    )
    .unit(Unit::Bytes)
    .labels(&["cache", "tier", "cause"]);

    pub const LOADS: Desc = Desc::counter(
        "cache_loads_total",
        "Loads of missing entries by outcome: success, failure or cancelled.",
    )
    .labels(&["cache", "tier", "outcome"]);

    pub const COALESCED_LOADS: Desc = Desc::counter(
        "cache_coalesced_loads_total",
        "Lookups that missed and took the result of another caller's load.",
    )
    .labels(&["cache", "tier"]);

    pub const STALE_SERVED: Desc = Desc::counter(
        "cache_stale_served_total",
        "Hits that served a stale value.",
    )
    .labels(&["cache", "tier"]);

    pub const PROMOTIONS: Desc = Desc::counter(
        "cache_promotions_total",
        "Entries that a slower tier had and that were copied into this one.",
    )
    .labels(&["cache", "tier"]);

    pub const RAW_BYTES: Desc = Desc::counter(
        "cache_raw_bytes_total",
        "Bytes that were given to the tier to be stored, before compression.",
    )
    .unit(Unit::Bytes)
    .labels(&["cache", "tier"]);

    pub const STORED_BYTES: Desc = Desc::counter(
        "cache_stored_bytes_total",
        "Bytes that the tier stored, after compression.",
    )
    .unit(Unit::Bytes)
    .labels(&["cache", "tier"]);

    pub const SOURCE_PANICS: Desc = Desc::counter(
        "cache_source_panics_total",
        "Panics of the code that is asked for the tier's levels; they are NaN until it answers again.",
    )
    .labels(&["cache", "tier"]);

    pub const ENTRIES: Desc =
        Desc::gauge("cache_entries", "Entries in the tier, as of the last poll; NaN once unknown.")
            .labels(&["cache", "tier"]);

    pub const MAX_ENTRIES: Desc =
        Desc::gauge("cache_max_entries", "Entries that the tier holds at most; NaN once unknown.")
            .labels(&["cache", "tier"]);

    pub const BYTES: Desc = Desc::gauge(
        "cache_bytes",
        "Bytes of the entries in the tier, as of the last poll; NaN once unknown.",
    )
    .unit(Unit::Bytes)
    .labels(&["cache", "tier"]);

    pub const MAX_BYTES: Desc =
        Desc::gauge("cache_max_bytes", "Bytes that the tier holds at most; NaN once unknown.")
            .unit(Unit::Bytes)
            .labels(&["cache", "tier"]);
}
