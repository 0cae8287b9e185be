//! The bodies of `GET /metrics/database`.

use std::collections::BTreeMap;
use std::panic::Location;
use std::time::Duration;

use metrics_core::{Assessment, Timestamp, View, as_millis};
use serde::{Serialize, Serializer};

use crate::assess;
use crate::metrics::{PoolMetrics, PoolRates};
use crate::reading::{Reading, TrackedReading};
use crate::thresholds::Thresholds;
use crate::tracked::Suspect;
use crate::watch::TOPIC;

/// All pools: the totals, and each by its name.
#[derive(Serialize)]
pub(crate) struct DatabaseReport {
    timestamp: Timestamp,
    metrics: PoolMetrics,
    health: Assessment,
    rates: PoolRates,
    pools: BTreeMap<String, PoolReport>,
}

/// One pool, where `?pool=` names it.
#[derive(Serialize)]
pub(crate) struct TargetReport {
    pub(crate) timestamp: Timestamp,
    #[serde(flatten)]
    pub(crate) pool: PoolReport,
}

/// One pool.
#[derive(Serialize)]
pub(crate) struct PoolReport {
    metrics: PoolMetrics,
    health: Assessment,
    rates: PoolRates,
    thresholds: Thresholds,
    /// Absent where leaks cannot be known.
    #[serde(skip_serializing_if = "Option::is_none")]
    leaks: Option<Vec<Leak>>,
}

/// A connection that is held for longer than the leak threshold.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Leak {
    #[serde(serialize_with = "as_millis::serialize")]
    held_for: Duration,
    #[serde(serialize_with = "line")]
    acquired_at: &'static Location<'static>,
}

impl DatabaseReport {
    /// The topic's published health where there is one, so that all surfaces say the same.
    pub(crate) fn of(view: &View<'_>, pools: &[Reading<'_>]) -> Self {
        let published = view.health(&TOPIC).cloned();
        Self {
            timestamp: view.at(),
            metrics: PoolMetrics::of(pools),
            health: published.unwrap_or_else(|| assess::all(pools)),
            rates: PoolRates::of(pools),
            pools: pools
                .iter()
                .map(|pool| (pool.name().to_owned(), PoolReport::of(pool)))
                .collect(),
        }
    }
}

impl PoolReport {
    pub(crate) fn of(pool: &Reading<'_>) -> Self {
        let alone = std::slice::from_ref(pool);
        Self {
            metrics: PoolMetrics::of(alone),
            health: assess::pool(pool),
            rates: PoolRates::of(alone),
            thresholds: *pool.thresholds(),
            leaks: pool.tracked.as_ref().map(Leak::all),
        }
    }
}

impl Leak {
    fn all(tracked: &TrackedReading) -> Vec<Self> {
        let leak = |&(held_for, acquired_at): &Suspect| Self { held_for, acquired_at };
        tracked.suspects.iter().map(leak).collect()
    }
}

/// A line of code as compilers write it.
fn line<S: Serializer>(
    location: &&'static Location<'static>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(location)
}
