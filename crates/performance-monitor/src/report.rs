//! The body of `GET /metrics/performance`.

use std::collections::BTreeMap;

use node0_metrics_core::{Count, Histogram, LatencySummary, Snapshot, SpanId, TraceId, millis};
use serde::Serialize;

use crate::reading::{self, Lookups};

/// All operations with the cache tiers, or one operation.
#[derive(Serialize)]
pub(crate) struct OperationsReport {
    operations: BTreeMap<String, LatencySummary>,
    throughput: BTreeMap<String, Throughput>,
    cache: BTreeMap<String, Tier>,
    slowest: Option<Slowest>,
}

/// The slowest call of an operation in its window.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Slowest {
    operation: String,
    duration_ms: f64,
    /// The trace of this very call; `null` if it was recorded without one.
    trace_id: Option<TraceId>,
    span_id: Option<SpanId>,
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
        let operations = || reading::operations(snapshot).filter(|(name, _)| is_wanted(name));
        let throughput = reading::throughput(snapshot).filter(|(name, _)| is_wanted(name));
        Self {
            operations: operations().map(|(name, it)| (name.to_owned(), it.summary())).collect(),
            throughput: throughput.map(|(name, count)| (name.to_owned(), count.into())).collect(),
            cache: BTreeMap::new(),
            slowest: Slowest::of(operations()),
        }
    }
}

impl Slowest {
    fn of<'s>(operations: impl Iterator<Item = (&'s str, &'s Histogram)>) -> Option<Self> {
        let slowest = operations.filter_map(|(name, it)| {
            let window = it.window();
            Some((name, window, window.buckets().max()?))
        });
        let (name, window, max) = slowest.max_by(|(.., a), (.., b)| a.total_cmp(b))?;
        let bucket_of = |value| window.buckets().layout().bucket_of(value);
        // A traced call in a lower bucket was faster than one without a trace.
        let traced = window.slowest().filter(|traced| bucket_of(traced.value) == bucket_of(max));
        Some(Self {
            operation: name.to_owned(),
            duration_ms: millis(traced.map_or(max, |traced| traced.value)),
            trace_id: traced.map(|traced| traced.trace),
            span_id: traced.and_then(|traced| traced.span),
        })
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
