//! The body of `GET /metrics/performance`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::judging::report::{Report, UnknownTarget};
use crate::naming::cache_gets::{CACHE_GETS, DEFAULT_CACHE};
use crate::performance::{OPERATION_DURATION, OPERATIONS};
use crate::reading::histogram::Histogram;
use crate::reading::sample::{View, share};
use crate::reading::snapshot::{Snapshot, Value};
use crate::reading::summary::LatencySummary;

#[derive(Serialize)]
struct Body {
    operations: BTreeMap<String, LatencySummary>,
    throughput: BTreeMap<String, Throughput>,
    cache: BTreeMap<String, Tier>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Throughput {
    total: u64,
    rate_per_second: Option<f64>,
    window_seconds: f64,
}

/// The lookups of one cache tier.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tier {
    hits: u64,
    misses: u64,
    hit_rate: Option<f64>,
    pub(super) hit_rate_total: Option<f64>,
    #[serde(skip)]
    recent: (u64, u64),
}

/// The latencies by operation name.
pub(super) fn operations(snapshot: &Snapshot) -> impl Iterator<Item = (&str, &Histogram)> {
    named(snapshot, OPERATION_DURATION.name()).filter_map(|(name, value)| match value {
        Value::Histogram(histogram) => Some((name, histogram)),
        _ => None,
    })
}

fn named<'a>(
    snapshot: &'a Snapshot,
    family: &str,
) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
    let series = snapshot.family(family).into_iter().flat_map(|family| family.series());
    series.filter_map(|(labels, value)| Some((labels.get("operation")?, value)))
}

/// The lookups by cache tier, of those that are recorded by name.
pub(super) fn tiers(snapshot: &Snapshot) -> BTreeMap<String, Tier> {
    let mut tiers = BTreeMap::<String, Tier>::new();
    let lookups = snapshot.family(CACHE_GETS.name());
    for (labels, value) in lookups.into_iter().flat_map(|family| family.series()) {
        let (Some(DEFAULT_CACHE), Some(tier)) = (labels.get("cache"), labels.get("tier")) else {
            continue;
        };
        let Value::Counter(count) = value else { continue };
        let entry = tiers.entry(tier.to_owned()).or_default();
        if labels.get("result") == Some("hit") {
            (entry.hits, entry.recent.0) = (count.total, count.recent);
        } else {
            (entry.misses, entry.recent.1) = (count.total, count.recent);
        }
    }
    for tier in tiers.values_mut() {
        tier.hit_rate = share(tier.recent.0, tier.recent.1);
        tier.hit_rate_total = share(tier.hits, tier.misses);
    }
    tiers
}

pub(super) fn report(view: &View<'_>, target: Option<&str>) -> Result<Report, UnknownTarget> {
    let snapshot = view.snapshot();
    let wanted = |name: &&str| target.is_none_or(|target| target == *name);
    let operations: BTreeMap<_, _> = operations(snapshot)
        .filter(|(name, _)| wanted(name))
        .map(|(name, histogram)| (name.to_owned(), histogram.into()))
        .collect();
    let throughput: BTreeMap<_, _> = named(snapshot, OPERATIONS.name())
        .filter(|(name, _)| wanted(name))
        .filter_map(|(name, value)| match value {
            Value::Counter(count) => Some((
                name.to_owned(),
                Throughput {
                    total: count.total,
                    rate_per_second: count.rate(),
                    window_seconds: count.span.as_secs_f64(),
                },
            )),
            _ => None,
        })
        .collect();
    if let Some(target) = target
        && operations.is_empty()
        && throughput.is_empty()
    {
        return Err(UnknownTarget { target: target.to_owned(), known: known(snapshot) });
    }
    Ok(Report::new(Body {
        operations,
        throughput,
        cache: if target.is_none() { tiers(snapshot) } else { BTreeMap::new() },
    }))
}

fn known(snapshot: &Snapshot) -> Vec<String> {
    let latencies = operations(snapshot).map(|(name, _)| name);
    let counts = named(snapshot, OPERATIONS.name()).map(|(name, _)| name);
    let mut known: Vec<_> = latencies.chain(counts).map(str::to_owned).collect();
    known.sort();
    known.dedup();
    known
}
