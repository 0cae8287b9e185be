//! The bodies of `GET /metrics/cache`.
//!
//! Tiers stand at the top level by their names. Where several caches have a
//! tier of one name, it is shown with the numbers of all of them together, and
//! `caches` has each cache for itself.

use std::collections::BTreeMap;

use metrics_core::{Assessment, Issue, Status, Timestamp, View};
use serde::Serialize;

use crate::assess;
use crate::distribution::LatencyDistribution;
use crate::metrics::TierMetrics;
use crate::reading::{Reading, Readings};
use crate::thresholds::Thresholds;
use crate::watch::TOPIC;
use crate::words::Operation;

/// All tiers.
#[derive(Serialize)]
pub(crate) struct CachesReport {
    timestamp: Timestamp,
    health: Health,
    #[serde(flatten)]
    tiers: BTreeMap<String, TierReport>,
    /// Where there is more than one.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    caches: BTreeMap<String, CacheReport>,
}

/// The tiers of one name, where `?layer=` names it.
#[derive(Serialize)]
pub(crate) struct LayerReport {
    timestamp: Timestamp,
    #[serde(flatten)]
    layer: CacheReport,
}

/// The tiers of one cache.
#[derive(Serialize)]
struct CacheReport {
    health: Health,
    #[serde(flatten)]
    tiers: BTreeMap<String, TierReport>,
}

/// One tier, or all of its name.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TierReport {
    metrics: TierMetrics,
    latency_distribution: LatencyDistribution,
    latency_distributions: BTreeMap<&'static str, LatencyDistribution>,
    thresholds: Thresholds,
}

/// An [`Assessment`] in the words of the cache's report, with the common word as `level`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Health {
    status: &'static str,
    score: Option<u8>,
    issues: Vec<String>,
    recommendations: Vec<String>,
    issue_details: Vec<Issue>,
    level: Status,
}

impl CachesReport {
    /// The topic's published health where there is one, so that all surfaces say the same.
    pub(crate) fn of(view: &View<'_>, readings: &Readings<'_>) -> Self {
        let published = view.health(&TOPIC).cloned();
        let caches = readings.by_cache();
        let has_several = caches.len() > 1;
        Self {
            timestamp: view.at(),
            health: published.unwrap_or_else(|| assess::all(readings.iter())).into(),
            tiers: by_name(readings.by_tier()),
            caches: caches
                .into_iter()
                .filter(|_| has_several)
                .map(|(name, tiers)| (name.to_owned(), CacheReport::of(&tiers)))
                .collect(),
        }
    }
}

impl LayerReport {
    pub(crate) fn of(view: &View<'_>, tiers: &[&Reading<'_>]) -> Self {
        let name = tiers.first().map_or("", |tier| tier.tier);
        let mut layer = CacheReport {
            health: assess::all(tiers.iter().copied()).into(),
            tiers: BTreeMap::new(),
        };
        layer.tiers.insert(name.to_owned(), TierReport::of(tiers));
        Self { timestamp: view.at(), layer }
    }
}

impl CacheReport {
    fn of(tiers: &[&Reading<'_>]) -> Self {
        let each = tiers.iter().map(|tier| (tier.tier, vec![*tier]));
        Self { health: assess::all(tiers.iter().copied()).into(), tiers: by_name(each) }
    }
}

fn by_name<'r, 'a: 'r>(
    tiers: impl IntoIterator<Item = (&'a str, Vec<&'r Reading<'a>>)>,
) -> BTreeMap<String, TierReport> {
    let tiers = tiers.into_iter();
    tiers.map(|(name, tiers)| (name.to_owned(), TierReport::of(&tiers))).collect()
}

impl TierReport {
    fn of(tiers: &[&Reading<'_>]) -> Self {
        let times = |operation: Operation| {
            let known = tiers.iter().filter_map(move |tier| tier.times[operation as usize]);
            let has_some = known.clone().next().is_some();
            has_some.then(|| (operation.as_str(), LatencyDistribution::of(known)))
        };
        let all: BTreeMap<_, _> = Operation::ALL.into_iter().filter_map(times).collect();
        let gets = all.get(Operation::Get.as_str()).cloned();
        Self {
            metrics: TierMetrics::of(tiers),
            latency_distribution: gets.unwrap_or_default(),
            latency_distributions: all,
            thresholds: tiers.first().map_or_else(Thresholds::default, |tier| tier.thresholds),
        }
    }
}

impl From<Assessment> for Health {
    fn from(assessment: Assessment) -> Self {
        let status = match assessment.status {
            Status::Healthy => "optimal",
            Status::Degraded => "degraded",
            Status::Unhealthy => "poor",
            Status::Unknown => "unknown",
        };
        let recommendations = assessment.recommendations.into_iter();
        Self {
            status,
            score: assessment.score,
            issues: assessment.issues.iter().map(|issue| issue.message.clone()).collect(),
            recommendations: recommendations.map(|advice| advice.message.into_owned()).collect(),
            issue_details: assessment.issues,
            level: assessment.status,
        }
    }
}
