//! The numbers of a snapshot by name, for judgements and reports.

use std::collections::BTreeMap;

use node0_metrics_core::{CACHE_GETS, Count, DEFAULT_CACHE, Histogram, Snapshot, Value};

use crate::descs::{OPERATION_DURATION, OPERATION_FAILURES, OPERATIONS};

/// The lookups of one cache tier.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lookups {
    pub(crate) hits: Count,
    pub(crate) misses: Count,
}

impl Lookups {
    /// The share of hits over the last ten whole ticks; `None` without lookups in them.
    pub(crate) fn hit_rate(&self) -> Option<f64> {
        share(self.hits.recent, self.misses.recent)
    }

    /// The share of hits since the start; `None` without lookups.
    pub(crate) fn hit_rate_total(&self) -> Option<f64> {
        share(self.hits.total, self.misses.total)
    }
}

fn share(part: u64, rest: u64) -> Option<f64> {
    let whole = part as f64 + rest as f64;
    (whole > 0.0).then(|| part as f64 / whole)
}

/// The latencies of operations.
pub(crate) fn operations(snapshot: &Snapshot) -> impl Iterator<Item = (&str, &Histogram)> {
    by_operation(snapshot, OPERATION_DURATION.name()).filter_map(|(name, value)| match value {
        Value::Histogram(histogram) => Some((name, histogram)),
        _ => None,
    })
}

/// The units of work that operations did.
pub(crate) fn throughput(snapshot: &Snapshot) -> impl Iterator<Item = (&str, Count)> {
    counts(snapshot, OPERATIONS.name())
}

/// The units of work that failed, of operations.
pub(crate) fn failures(snapshot: &Snapshot) -> impl Iterator<Item = (&str, Count)> {
    counts(snapshot, OPERATION_FAILURES.name())
}

fn counts<'a>(
    snapshot: &'a Snapshot,
    family: &str,
) -> impl Iterator<Item = (&'a str, Count)> + use<'a> {
    by_operation(snapshot, family).filter_map(|(name, value)| match value {
        Value::Counter(count) => Some((name, *count)),
        _ => None,
    })
}

fn by_operation<'a>(
    snapshot: &'a Snapshot,
    family: &str,
) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
    let series = snapshot.family(family).into_iter().flat_map(|family| family.series());
    series.filter_map(|(labels, value)| Some((labels.get("operation")?, value)))
}

/// The lookups of the tiers that are recorded by name; those of other caches are another monitor's.
pub(crate) fn tiers(snapshot: &Snapshot) -> BTreeMap<&str, Lookups> {
    let mut tiers = BTreeMap::<_, Lookups>::new();
    let lookups = snapshot.family(CACHE_GETS.name());
    for (labels, value) in lookups.into_iter().flat_map(|family| family.series()) {
        let (Some(DEFAULT_CACHE), Some(tier)) = (labels.get("cache"), labels.get("tier")) else {
            continue;
        };
        let Value::Counter(count) = value else { continue };
        let lookups = tiers.entry(tier).or_default();
        match labels.get("result") {
            Some("hit") => lookups.hits = *count,
            _ => lookups.misses = *count,
        }
    }
    tiers
}

/// The names of all operations, sorted.
pub(crate) fn names(snapshot: &Snapshot) -> Vec<String> {
    let timed = operations(snapshot).map(|(name, _)| name);
    let counted = throughput(snapshot).map(|(name, _)| name);
    let mut names: Vec<_> = timed.chain(counted).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}
