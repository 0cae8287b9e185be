//! The numbers of one tier, or of several together, for people and programs.
//!
//! For several tiers together, counts are added, ratios are computed from the sums, and times from
//! the merged windows. So a busy tier weighs more than a quiet one.

use std::ops::Add;
use std::time::Duration;

use node0_metrics_core::{ByLabel, Count, LabelSet, as_millis};
use serde::Serialize;

use crate::cells::TierNumbers;
use crate::levels::Levels;
use crate::reading::{Reading, times};
use crate::words::{EvictionCause, Found, LoadOutcome, Operation};

/// Numbers of one tier, or of all with its name in several caches.
///
/// Counts are since the start; recent shares and rates are over the last ten whole ticks. As JSON,
/// durations are milliseconds, a number without data is `null`, and one that was neither recorded
/// nor declared is left out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TierMetrics {
    /// Lookups that found their entry.
    pub hits: u64,
    /// Lookups that found nothing.
    pub misses: u64,
    /// The recent share of hits.
    pub hit_rate: Option<f64>,
    /// The mean time of a lookup, over the window of its latency.
    #[serde(serialize_with = "as_millis::serialize_option")]
    pub avg_get_latency: Option<Duration>,
    /// The raw bytes for each byte that was stored, since the start.
    pub compression_ratio: Option<f64>,
    /// The share of hits since the start.
    pub hit_rate_total: Option<f64>,
    /// The length of the recent ticks together.
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
    /// The recent share of operations that failed; `None` without operations.
    pub error_rate: Option<f64>,
    /// Operations that their callers cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancellations: Option<u64>,
    /// Entries that the tier itself removed: for size, and expired ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evictions: Option<u64>,
    /// The recent evictions per minute; `None` before the first tick.
    pub evictions_per_minute: Option<f64>,
    /// All entries that left, by cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evictions_by_cause: Option<ByLabel<EvictionCause, u64>>,
    /// The stored bytes of all entries that left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evicted_bytes: Option<u64>,
    /// The bytes of stored entries before compression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_bytes: Option<u64>,
    /// The bytes of stored entries after compression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored_bytes: Option<u64>,
    /// Entries and bytes, now and at most.
    #[serde(flatten)]
    pub levels: Levels,
    /// Loads of missing entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loads: Option<LoadMetrics>,
    /// Hits that served a stale value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale_served: Option<u64>,
    /// Entries that were copied from a slower tier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promotions: Option<u64>,
}

/// Loads by outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LoadMetrics {
    /// Loads that returned a value.
    pub succeeded: u64,
    /// Loads that returned an error.
    pub failed: u64,
    /// Loads that were cancelled or panicked.
    pub cancelled: u64,
    /// Lookups that took the result of another caller's load.
    pub coalesced: u64,
}

impl TierMetrics {
    pub(crate) fn of(layer: &[&Reading<'_>]) -> Self {
        let total = |of: Counts| sum(layer, of).map(|count| count.total);
        let get = |found: Found| sum(layer, |tier| Some(tier.gets[found])).unwrap_or_default();
        let (hits, misses) = (get(Found::Hit), get(Found::Miss));
        let (raw, stored) = (total(|tier| tier.raw), total(|tier| tier.stored));
        let levels: Vec<_> = layer.iter().map(|tier| tier.levels).collect();
        let of_cause = |cause: EvictionCause| sum(layer, |tier| tier.evictions[cause]);
        let own_causes = EvictionCause::ALL.into_iter().filter(|cause| cause.was_evicted());
        let evicted = add(own_causes.map(of_cause));
        let left = sum(layer, |tier| all(&tier.evictions))
            .map(|_| ByLabel::from_fn(|cause| of_cause(cause).map_or(0, |left| left.total)));
        Self {
            hits: hits.total,
            misses: misses.total,
            hit_rate: share(hits.recent, hits.recent + misses.recent),
            avg_get_latency: times(layer, Operation::Get).and_then(|gets| gets.avg),
            compression_ratio: raw.zip(stored).and_then(|(raw, stored)| share(raw, stored)),
            hit_rate_total: share(hits.total, hits.total + misses.total),
            window_seconds: hits.span.max(misses.span).as_secs_f64(),
            sets: total(|tier| tier.writes[Operation::Set]),
            deletes: total(|tier| tier.writes[Operation::Delete]),
            errors: total(|tier| all(&tier.errors)),
            error_rate: error_rate(layer),
            cancellations: total(|tier| all(&tier.cancellations)),
            evictions: left.map(|_| evicted.map_or(0, |count| count.total)),
            evictions_per_minute: evicted.and_then(|count| Some(60.0 * count.rate()?)),
            evictions_by_cause: left,
            evicted_bytes: total(|tier| all(&tier.evicted_bytes)),
            raw_bytes: raw,
            stored_bytes: stored,
            levels: Levels::sum(&levels),
            loads: LoadMetrics::of(layer),
            stale_served: total(|tier| tier.stale),
            promotions: total(|tier| tier.promotions),
        }
    }
}

impl LoadMetrics {
    fn of(layer: &[&Reading<'_>]) -> Option<Self> {
        sum(layer, |tier| add([tier.coalesced, all(&tier.loads)]))?;
        let total = |count: Option<Count>| count.map_or(0, |count| count.total);
        let loads = |outcome: LoadOutcome| total(sum(layer, |tier| tier.loads[outcome]));
        Some(Self {
            succeeded: loads(LoadOutcome::Success),
            failed: loads(LoadOutcome::Failure),
            cancelled: loads(LoadOutcome::Cancelled),
            coalesced: total(sum(layer, |tier| tier.coalesced)),
        })
    }
}

/// Returns the share of operations that failed recently, of those whose end was seen.
pub(crate) fn error_rate(layer: &[&Reading<'_>]) -> Option<f64> {
    let recent = |of: Counts| sum(layer, of).map_or(0, |count| count.recent);
    let errors = recent(|tier| all(&tier.errors));
    let done =
        recent(|tier| all(&tier.gets.map(|gets| Some(*gets)))) + recent(|tier| all(&tier.writes));
    share(errors, errors + done)
}

/// A count of one tier, which may be the sum of several.
type Counts = fn(&TierNumbers<'_>) -> Option<Count>;

/// Adds up a count of all tiers of a layer; `None` if none of them has it.
fn sum(layer: &[&Reading<'_>], of: impl Fn(&TierNumbers<'_>) -> Option<Count>) -> Option<Count> {
    add(layer.iter().map(|tier| of(&tier.numbers)))
}

/// Adds up the counts of all values of a label.
fn all<K: LabelSet>(counts: &ByLabel<K, Option<Count>>) -> Option<Count> {
    add(counts.values().copied())
}

fn add(counts: impl IntoIterator<Item = Option<Count>>) -> Option<Count> {
    counts.into_iter().flatten().reduce(Add::add)
}

/// Returns `part / whole`; `None` if `whole` is zero.
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
