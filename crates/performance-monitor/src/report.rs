//! The body of `GET /metrics/performance`.

use std::collections::BTreeMap;

use metrics_core::{Count, LatencySummary, Snapshot};
use serde::Serialize;

use crate::reading::{self, Lookups};

/// All operations with the cache tiers, or one operation.
#[derive(Serialize)]
pub(crate) struct OperationsReport {
    operations: BTreeMap<String, LatencySummary>,
    throughput: BTreeMap<String, Throughput>,
    cache: BTreeMap<String, Tier>,
}

/// The units of work that one operation did.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Throughput {
    total: u64,
    rate_per_second: Option<f64>,
    window_seconds: f64,
}

/// The lookups of one cache tier.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tier {
    hits: u64,
    misses: u64,
    hit_rate: Option<f64>,
    hit_rate_total: Option<f64>,
}

impl OperationsReport {
    pub(crate) fn of_all(snapshot: &Snapshot) -> Self {
        let tiers = reading::tiers(snapshot).into_iter();
        let cache = tiers.map(|(name, lookups)| (name.to_owned(), lookups.into())).collect();
        Self { cache, ..Self::of(snapshot, |_| true) }
    }

    /// Reports one operation; `None` for an unknown name.
    pub(crate) fn of_one(snapshot: &Snapshot, operation: &str) -> Option<Self> {
        let report = Self::of(snapshot, |name| name == operation);
        (!report.operations.is_empty() || !report.throughput.is_empty()).then_some(report)
    }

    fn of(snapshot: &Snapshot, is_wanted: impl Fn(&str) -> bool) -> Self {
        let operations = reading::operations(snapshot).filter(|(name, _)| is_wanted(name));
        let throughput = reading::throughput(snapshot).filter(|(name, _)| is_wanted(name));
        Self {
            operations: operations.map(|(name, it)| (name.to_owned(), it.summary())).collect(),
            throughput: throughput.map(|(name, count)| (name.to_owned(), count.into())).collect(),
            cache: BTreeMap::new(),
        }
    }
}

impl From<Count> for Throughput {
    fn from(count: Count) -> Self {
        Self {
            total: count.total,
            rate_per_second: count.rate(),
            window_seconds: count.span.as_secs_f64(),
        }
    }
}

impl From<Lookups> for Tier {
    fn from(lookups: Lookups) -> Self {
        Self {
            hits: lookups.hits.total,
            misses: lookups.misses.total,
            hit_rate: lookups.hit_rate(),
            hit_rate_total: lookups.hit_rate_total(),
        }
    }
}
