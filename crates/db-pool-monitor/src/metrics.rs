//! The numbers of one pool, or of several together, for people and programs.
//!
//! For several pools together, counts and levels are added. Averages and percentiles come from the
//! merged windows, in which each wait has the same weight: an average of averages would give the
//! few waits of a quiet pool as much weight as all those of a busy one.

use std::time::Duration;

use node0_metrics_core::{ByLabel, LatencySummary, as_millis};
use serde::Serialize;

use crate::cells::{Outcome, WaitPhase};
use crate::reading::{Reading, age};

/// Numbers of one pool, or the totals of several.
///
/// As JSON, durations are milliseconds. A number without data is `None`. A number that the pool
/// does not report is `None` too, also in totals that include the pool, and is left out of the
/// JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PoolMetrics {
    /// Open connections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_connections: Option<u64>,
    /// Open connections that callers hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_connections: Option<u64>,
    /// Open connections that nobody holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_connections: Option<u64>,
    /// Callers that wait because all connections the pool allows are taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_clients: Option<u64>,
    /// The mean wait in the window, however it ended.
    #[serde(serialize_with = "as_millis::serialize_option")]
    pub avg_wait_time: Option<Duration>,
    /// Waits that ended without a connection since the start, timeouts and cancelled ones apart.
    pub connection_errors: u64,
    /// Connections that the pool allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<u64>,
    /// Callers whose connection is being opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connecting_clients: Option<u64>,
    /// Waits that ended with a connection since the start.
    pub acquired: u64,
    /// Waits that timed out since the start.
    pub timed_out: u64,
    /// Waits that their callers gave up since the start.
    pub cancelled: u64,
    /// The 95th percentile of the waits in the window.
    #[serde(serialize_with = "as_millis::serialize_option")]
    pub p95_wait_time: Option<Duration>,
    /// The mean time for which connections were held, in its window.
    #[serde(serialize_with = "as_millis::serialize_option")]
    pub avg_use_time: Option<Duration>,
    /// The 95th percentile of the times for which connections were held, in its window.
    #[serde(serialize_with = "as_millis::serialize_option")]
    pub p95_use_time: Option<Duration>,
    /// The waits in the window.
    pub samples: u64,
    /// The length of that window.
    pub window_seconds: f64,
    /// Numbers of waits and holds that go on; `None` if any of the pools has no guards.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub tracked: Option<TrackedMetrics>,
    /// Numbers that take hooks in the pool; `None` if any of the pools has none.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub hooks: Option<HookMetrics>,
}

/// Numbers of pools whose waits and holds are followed from their start.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TrackedMetrics {
    /// Most connections held at once in the last minute; of several pools the sum.
    pub peak_active_connections: u64,
    /// Most callers waiting at once in the last minute; of several pools the sum.
    ///
    /// `None` where it is unknown for any of the pools, as it is for a
    /// [`PoolHandle`](crate::PoolHandle).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_waiting_clients: Option<u64>,
    /// The age of the oldest use that goes on.
    #[serde(serialize_with = "as_millis::serialize_option")]
    pub oldest_use: Option<Duration>,
    /// The age of the oldest wait that goes on.
    #[serde(serialize_with = "as_millis::serialize_option")]
    pub oldest_wait: Option<Duration>,
    /// Connections that are held for longer than the leak threshold.
    pub leaked_connections: u64,
    /// Times that a connection came to be held for so long, since the start.
    pub leaks: u64,
}

/// Numbers of pools with hooks.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HookMetrics {
    /// Connections opened since the start.
    pub opened_connections: u64,
    /// Times that an idle connection was handed out again since the start.
    pub recycled_connections: u64,
    /// Connections that left the pool since the start.
    pub discarded_connections: u64,
    /// The parts of the waits.
    pub wait_phases: ByLabel<WaitPhase, PhaseTime>,
}

/// The durations of a part of the waits, in its window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PhaseTime {
    /// The mean.
    #[serde(serialize_with = "as_millis::serialize_option")]
    pub avg: Option<Duration>,
    /// The 95th percentile.
    #[serde(serialize_with = "as_millis::serialize_option")]
    pub p95: Option<Duration>,
}

/// Rates over the last ten whole ticks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PoolRates {
    /// The share of waits that failed or timed out; `None` when none ended.
    pub error_rate: Option<f64>,
    /// Connections acquired per second; `None` before the first tick.
    pub acquisition_rate: Option<f64>,
}

impl PoolMetrics {
    pub(crate) fn of(pools: &[Reading<'_>]) -> Self {
        let ended = |with| pools.iter().map(|pool| pool.ends.outcomes[with].total).sum();
        // A sum with a part that is unknown is unknown.
        let level = |of: fn(&Reading<'_>) -> Option<u64>| pools.iter().map(of).sum();
        let waits = LatencySummary::merged(pools.iter().filter_map(|pool| pool.ends.wait));
        let holds = LatencySummary::merged(pools.iter().filter_map(|pool| pool.ends.hold));
        Self {
            total_connections: level(|pool| pool.levels.size()),
            active_connections: level(|pool| pool.levels.used),
            idle_connections: level(|pool| pool.levels.idle),
            waiting_clients: level(|pool| pool.levels.waiting),
            avg_wait_time: waits.avg,
            connection_errors: ended(Outcome::Failed),
            max_connections: level(|pool| pool.levels.max),
            connecting_clients: level(|pool| pool.levels.connecting),
            acquired: ended(Outcome::Acquired),
            timed_out: ended(Outcome::TimedOut),
            cancelled: ended(Outcome::Cancelled),
            p95_wait_time: waits.p95,
            avg_use_time: holds.avg,
            p95_use_time: holds.p95,
            samples: waits.samples,
            window_seconds: waits.window_seconds,
            tracked: TrackedMetrics::of(pools),
            hooks: HookMetrics::of(pools),
        }
    }
}

impl TrackedMetrics {
    fn of(pools: &[Reading<'_>]) -> Option<Self> {
        let tracked: Vec<_> =
            pools.iter().map(|pool| pool.tracked.as_ref()).collect::<Option<_>>()?;
        Some(Self {
            peak_active_connections: tracked.iter().map(|it| it.used_peak).sum(),
            peak_waiting_clients: pools.iter().map(|pool| pool.waiting_peak).sum(),
            oldest_use: tracked.iter().filter_map(|it| age(it.oldest_use)).max(),
            oldest_wait: tracked.iter().filter_map(|it| age(it.oldest_wait)).max(),
            leaked_connections: tracked.iter().filter_map(|it| it.leaked).sum::<f64>() as u64,
            leaks: tracked.iter().map(|it| it.leaks.total).sum(),
        })
    }
}

impl HookMetrics {
    fn of(pools: &[Reading<'_>]) -> Option<Self> {
        let hooks: Vec<_> = pools.iter().map(|pool| pool.hooks.as_ref()).collect::<Option<_>>()?;
        if hooks.is_empty() {
            return None;
        }
        let phase = |phase| {
            let merged = LatencySummary::merged(hooks.iter().filter_map(|it| it.phases[phase]));
            PhaseTime { avg: merged.avg, p95: merged.p95 }
        };
        let discarded = hooks.iter().flat_map(|it| it.discarded.values());
        Some(Self {
            opened_connections: hooks.iter().map(|it| it.opened.total).sum(),
            recycled_connections: hooks.iter().map(|it| it.recycled.total).sum(),
            discarded_connections: discarded.map(|count| count.total).sum(),
            wait_phases: ByLabel::from_fn(phase),
        })
    }
}

impl PoolRates {
    pub(crate) fn of(pools: &[Reading<'_>]) -> Self {
        let errors: u64 = pools.iter().map(Reading::recent_errors).sum();
        let attempts: u64 = pools.iter().map(Reading::recent_attempts).sum();
        let rates = pools.iter().filter_map(|pool| pool.ends.outcomes[Outcome::Acquired].rate());
        Self {
            error_rate: (attempts > 0).then(|| errors as f64 / attempts as f64),
            acquisition_rate: rates.reduce(|sum, rate| sum + rate),
        }
    }
}
