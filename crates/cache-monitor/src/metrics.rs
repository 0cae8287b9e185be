//! The numbers of one tier, or of several together, for people and programs.
//!
//! Counts add up. Ratios are those of the sums and times those of the merged
//! windows, so a busy tier weighs more than a quiet one.

use std::time::Duration;

use metrics_core::{Count, as_millis};
use serde::Serialize;

use crate::distribution::LatencyDistribution;
use crate::levels::Levels;
use crate::reading::{Reading, recent};
use crate::words::{EvictionCause, LoadOutcome, Operation};

/// Numbers of one tier, or of all with its name in several caches.
///
/// Counts are since the start; rates are over the last ten whole ticks. As JSON,
/// durations are milliseconds, what has no data is `null`, and what the tier
/// cannot know is left out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TierMetrics {
    /// Lookups that found their entry.
    pub hits: u64,
    /// Lookups that found nothing.
    pub misses: u64,
    /// The share of hits, recently.
    pub hit_rate: Option<f64>,
    /// The mean time of a lookup in its window.
    #[serde(serialize_with = "as_millis::serialize_option")]
    pub avg_get_latency: Option<Duration>,
    /// Bytes given to be stored for each byte stored, since the start.
    pub compression_ratio: Option<f64>,
    /// The share of hits since the start.
    pub hit_rate_total: Option<f64>,
    /// How long the recent ticks are.
    pub window_seconds: f64,
    /// Entries that callers stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sets: Option<u64>,
    /// Removals that callers asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletes: Option<u64>,
    /// Operations that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<u64>,
    /// The share of operations that failed, recently; `None` without any.
    pub error_rate: Option<f64>,
    /// Operations that their callers gave up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancellations: Option<u64>,
    /// Entries that the tier itself removed: for size, and expired ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evictions: Option<u64>,
    /// The same per minute, recently; `None` before the first tick.
    pub evictions_per_minute: Option<f64>,
    /// All entries that left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evictions_by_cause: Option<EvictionsByCause>,
    /// The stored bytes of all entries that left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evicted_bytes: Option<u64>,
    /// Bytes that were given to be stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_bytes: Option<u64>,
    /// Bytes that were stored of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored_bytes: Option<u64>,
    /// Entries now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries: Option<u64>,
    /// Entries at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_entries: Option<u64>,
    /// Bytes now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Bytes at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// Loads of what the tier did not have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loads: Option<LoadMetrics>,
    /// Hits whose value was no longer fresh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale_served: Option<u64>,
    /// Entries that came from a slower tier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promotions: Option<u64>,
}

/// Entries that left a tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct EvictionsByCause {
    /// There was no room for them.
    pub size: u64,
    /// Their time was over.
    pub expired: u64,
    /// Somebody removed them.
    pub explicit: u64,
    /// A newer value took their place.
    pub replaced: u64,
}

/// Loads by how they ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LoadMetrics {
    /// With a value.
    pub succeeded: u64,
    /// With an error.
    pub failed: u64,
    /// Given up, or panicked.
    pub cancelled: u64,
    /// Lookups that took the result of another caller's load.
    pub coalesced: u64,
}

impl TierMetrics {
    pub(crate) fn of(tiers: &[&Reading<'_>]) -> Self {
        let sum = |of: Counts| total(tiers, of);
        let level = |of: fn(&Levels) -> Option<u64>| {
            tiers.iter().filter_map(|tier| of(&tier.levels)).reduce(|sum, level| sum + level)
        };
        let hits = sum(|tier| &tier.gets[..1]).unwrap_or(0);
        let misses = sum(|tier| &tier.gets[1..]).unwrap_or(0);
        let (raw, stored) = (sum(|tier| &tier.raw), sum(|tier| &tier.stored));
        let span = tiers.iter().flat_map(|tier| tier.gets.iter().flatten());
        let left = EvictionsByCause::of(tiers);
        let gets = tiers.iter().filter_map(|tier| tier.times[Operation::Get as usize]);
        Self {
            hits,
            misses,
            hit_rate: share(lately(tiers, |tier| &tier.gets[..1]), lately(tiers, |t| &t.gets)),
            avg_get_latency: LatencyDistribution::of(gets).avg,
            compression_ratio: raw.zip(stored).and_then(|(raw, stored)| share(raw, stored)),
            hit_rate_total: share(hits, hits + misses),
            window_seconds: span.map(|count| count.span.as_secs_f64()).fold(0.0, f64::max),
            sets: sum(|tier| of_operation(&tier.writes, Operation::Set)),
            deletes: sum(|tier| of_operation(&tier.writes, Operation::Delete)),
            errors: sum(|tier| &tier.errors),
            error_rate: error_rate(tiers),
            cancellations: sum(|tier| &tier.cancellations),
            evictions: left.map(|left| left.size + left.expired),
            evictions_per_minute: per_minute(tiers),
            evictions_by_cause: left,
            evicted_bytes: sum(|tier| &tier.evicted_bytes),
            raw_bytes: raw,
            stored_bytes: stored,
            entries: level(|levels| levels.entries),
            max_entries: level(|levels| levels.max_entries),
            bytes: level(|levels| levels.bytes),
            max_bytes: level(|levels| levels.max_bytes),
            loads: LoadMetrics::of(tiers),
            stale_served: sum(|tier| &tier.stale),
            promotions: sum(|tier| &tier.promotions),
        }
    }
}

impl EvictionsByCause {
    fn of(tiers: &[&Reading<'_>]) -> Option<Self> {
        total(tiers, |tier| &tier.evictions)?;
        let [size, expired, explicit, replaced] = EvictionCause::ALL.map(|cause| {
            let counts = tiers.iter().filter_map(|tier| tier.evictions[cause as usize]);
            counts.map(|count| count.total).sum()
        });
        Some(Self { size, expired, explicit, replaced })
    }
}

impl LoadMetrics {
    fn of(tiers: &[&Reading<'_>]) -> Option<Self> {
        let coalesced = total(tiers, |tier| &tier.coalesced);
        if coalesced.is_none() {
            total(tiers, |tier| &tier.loads)?;
        }
        let [succeeded, failed, cancelled] = LoadOutcome::ALL.map(|outcome| {
            let counts = tiers.iter().filter_map(|tier| tier.loads[outcome as usize]);
            counts.map(|count| count.total).sum()
        });
        Some(Self { succeeded, failed, cancelled, coalesced: coalesced.unwrap_or(0) })
    }
}

/// Some of a tier's counters.
type Counts = for<'r> fn(&'r Reading<'_>) -> &'r [Option<Count>];

fn of_operation(counts: &[Option<Count>; 4], operation: Operation) -> &[Option<Count>] {
    std::slice::from_ref(&counts[operation as usize])
}

/// The sum since the start; `None` where there are no such counters.
fn total(tiers: &[&Reading<'_>], of: Counts) -> Option<u64> {
    let counts = tiers.iter().flat_map(|tier| of(tier).iter().flatten());
    counts.map(|count| count.total).reduce(|sum, total| sum + total)
}

fn lately(tiers: &[&Reading<'_>], of: Counts) -> u64 {
    tiers.iter().map(|tier| recent(of(tier))).sum()
}

/// The share of operations that failed lately, of those whose end was seen.
pub(crate) fn error_rate(tiers: &[&Reading<'_>]) -> Option<f64> {
    let errors = lately(tiers, |tier| &tier.errors);
    let done = lately(tiers, |tier| &tier.gets) + lately(tiers, |tier| &tier.writes);
    share(errors, errors + done)
}

/// What the tier itself evicted; [`EvictionCause::was_evicted`] says so of the first two causes.
fn per_minute(tiers: &[&Reading<'_>]) -> Option<f64> {
    let counts = tiers.iter().flat_map(|tier| tier.evictions[..2].iter().flatten());
    let rates = counts.filter_map(Count::rate);
    Some(60.0 * rates.reduce(|sum, rate| sum + rate)?)
}

/// A part of a whole; `None` of nothing.
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
