//! The bodies of `GET /metrics/database`.

use std::collections::BTreeMap;
use std::slice;
use std::time::Duration;

use node0_metrics_core::{Assessment, InstanceName, View, as_millis};
use serde::Serialize;

use crate::ledger::Overdue;
use crate::metrics::{PoolMetrics, PoolRates};
use crate::reading::Reading;
use crate::thresholds::Thresholds;
use crate::watch::TOPIC;

/// All pools: the totals, and each by its name.
#[derive(Serialize)]
pub(crate) struct DatabaseReport {
    metrics: PoolMetrics,
    rates: PoolRates,
    pools: BTreeMap<InstanceName, PoolReport>,
}

/// One pool.
#[derive(Serialize)]
pub(crate) struct PoolReport {
    metrics: PoolMetrics,
    /// `None` for a pool that `?pool=` names: the core adds its health to the report.
    #[serde(skip_serializing_if = "Option::is_none")]
    health: Option<Assessment>,
    rates: PoolRates,
    thresholds: Thresholds,
    /// `None` where leaks cannot be known.
    #[serde(skip_serializing_if = "Option::is_none")]
    leaks: Option<Vec<Leak>>,
}

/// A connection that is held for longer than the leak threshold.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Leak {
    #[serde(serialize_with = "as_millis::serialize")]
    held_for: Duration,
    /// The place in the code, such as `src/orders.rs:12:30`.
    acquired_at: String,
}

impl DatabaseReport {
    pub(crate) fn of(view: &View<'_>, pools: &[Reading<'_>]) -> Self {
        let named = |pool: &Reading<'_>| {
            let health = Some(view.component_health(&TOPIC, &pool.name));
            (pool.name.clone(), PoolReport { health, ..PoolReport::of(pool) })
        };
        Self {
            metrics: PoolMetrics::of(pools),
            rates: PoolRates::of(pools),
            pools: pools.iter().map(named).collect(),
        }
    }
}

impl PoolReport {
    pub(crate) fn of(pool: &Reading<'_>) -> Self {
        let leak = |&(held_for, line): &Overdue| Leak { held_for, acquired_at: line.to_string() };
        Self {
            metrics: PoolMetrics::of(slice::from_ref(pool)),
            health: None,
            rates: PoolRates::of(slice::from_ref(pool)),
            thresholds: pool.thresholds,
            leaks: pool.tracked.as_ref().map(|_| pool.suspects.iter().map(leak).collect()),
        }
    }
}
