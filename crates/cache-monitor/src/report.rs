//! The bodies of `GET /metrics/cache`.
//!
//! Tiers are fields at the top level, by their names. If several caches have a tier of the same
//! name, that field has the numbers of all of them together, and `caches` has each cache by itself.

use std::collections::BTreeMap;

use node0_metrics_core::{Assessment, HealthBlock, Judgement, LatencySummary, View};
use serde::{Serialize, Serializer};

use crate::metrics::TierMetrics;
use crate::reading::{Reading, Readings, times};
use crate::thresholds::Thresholds;
use crate::watch::TOPIC;
use crate::words::Operation;

/// The fields beside the tiers, whose names no tier can have.
pub(crate) const RESERVED: [&str; 3] = ["timestamp", "health", "caches"];

/// Tiers by their names.
type Tiers = BTreeMap<String, TierReport>;

/// All tiers.
#[derive(Serialize)]
pub(crate) struct CachesReport {
    #[serde(flatten)]
    tiers: Tiers,
    /// Each cache, where there is more than one.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    caches: BTreeMap<String, CacheReport>,
}

/// The tiers of one cache.
#[derive(Serialize)]
struct CacheReport {
    #[serde(serialize_with = "in_our_words")]
    health: Assessment,
    #[serde(flatten)]
    tiers: Tiers,
}

/// One tier, or all with its name.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TierReport {
    metrics: TierMetrics,
    latency_distribution: LatencySummary,
    latency_distributions: BTreeMap<&'static str, LatencySummary>,
    thresholds: Thresholds,
}

/// The tiers of one layer as one, by their name.
pub(crate) fn layer_report(layer: &[&Reading<'_>]) -> Tiers {
    layer.first().map(|tier| (tier.tier.to_owned(), TierReport::of(layer))).into_iter().collect()
}

impl CachesReport {
    pub(crate) fn of(view: &View<'_>, readings: &Readings<'_>) -> Self {
        let tiers = readings.grouped(|tier| tier.tier);
        let mut caches = readings.grouped(|tier| tier.cache);
        if caches.len() == 1 {
            caches.clear();
        }
        let of_cache = |(name, tiers): (&str, _)| (name.to_owned(), CacheReport::of(view, tiers));
        Self {
            tiers: tiers.into_values().flat_map(|layer| layer_report(&layer)).collect(),
            caches: caches.into_iter().map(of_cache).collect(),
        }
    }
}

impl CacheReport {
    fn of(view: &View<'_>, tiers: Vec<&Reading<'_>>) -> Self {
        let paths: Vec<_> = tiers.iter().copied().map(Reading::path).collect();
        let not_judged = || Judgement::unknown("not judged yet").assess();
        let health = view.health(&TOPIC);
        Self {
            health: health.map_or_else(not_judged, |health| {
                health.worst_of(paths.iter().map(String::as_str))
            }),
            tiers: tiers.into_iter().flat_map(|tier| layer_report(&[tier])).collect(),
        }
    }
}

impl TierReport {
    fn of(layer: &[&Reading<'_>]) -> Self {
        let all = Operation::ALL.into_iter();
        let known = all.filter_map(|of| Some((of.label(), times(layer, of)?)));
        Self {
            metrics: TierMetrics::of(layer),
            latency_distribution: times(layer, Operation::Get).unwrap_or_default(),
            latency_distributions: known.collect(),
            thresholds: layer.first().map_or_else(Thresholds::default, |tier| tier.thresholds),
        }
    }
}

fn in_our_words<S: Serializer>(health: &Assessment, serializer: S) -> Result<S::Ok, S::Error> {
    HealthBlock::new(&TOPIC, health).serialize(serializer)
}
