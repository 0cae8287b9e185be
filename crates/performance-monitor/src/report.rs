//! The body of `GET /metrics/performance`.

use std::collections::BTreeMap;

use metrics_core::{Assessment, Count, LatencySummary, Timestamp, View};
use serde::Serialize;

use crate::reading::{self, Lookups};
use crate::watch::TOPIC;

/// All operations, or the one that `?operation=` names, which has no cache tiers beside it.
#[derive(Serialize)]
pub(crate) struct OperationsReport {
    timestamp: Timestamp,
    health: Assessment,
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
    pub(crate) fn of_all(view: &View<'_>) -> Self {
        let tiers = reading::tiers(view.snapshot()).into_iter();
        let cache = tiers.map(|(name, lookups)| (name.to_owned(), lookups.into())).collect();
        Self { cache, ..Self::of(view, |_| true) }
    }

    /// One operation; `None` for an unknown name.
    pub(crate) fn of_one(view: &View<'_>, operation: &str) -> Option<Self> {
        let report = Self::of(view, |name| name == operation);
        (!report.operations.is_empty() || !report.throughput.is_empty()).then_some(report)
    }

    fn of(view: &View<'_>, is_wanted: impl Fn(&str) -> bool) -> Self {
        let snapshot = view.snapshot();
        let published = view.health(&TOPIC).cloned();
        Self {
            timestamp: view.at(),
            health: published.unwrap_or_else(|| Assessment::unknown("not judged yet")),
            operations: reading::operations(snapshot)
                .filter(|(name, _)| is_wanted(name))
                .map(|(name, histogram)| (name.to_owned(), histogram.into()))
                .collect(),
            throughput: reading::throughput(snapshot)
                .filter(|(name, _)| is_wanted(name))
                .map(|(name, count)| (name.to_owned(), count.into()))
                .collect(),
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
