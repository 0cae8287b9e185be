//! The numbers of one circuit, for people and programs.

use std::ops::Add;
use std::time::Duration;

use node0_metrics_core::{LatencySummary, View, as_millis};
use serde::Serialize;

use crate::cells::{CircuitCells, CircuitNumbers, End};
use crate::state::State;
use crate::thresholds::Thresholds;

/// The numbers of one circuit.
///
/// As JSON, durations are milliseconds. A number without data, or with fewer calls than
/// [`Thresholds::min_calls`](crate::Thresholds::min_calls), is `None`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CircuitMetrics {
    /// The breaker's state.
    pub state: State,
    /// The share of calls that failed or timed out, without rejected and cancelled ones, over
    /// the last ten whole ticks.
    pub failure_rate: Option<f64>,
    /// The mean duration of the calls in the window.
    #[serde(serialize_with = "as_millis::serialize_option")]
    pub avg_latency: Option<Duration>,
    /// Failures and timeouts since the last success.
    pub consecutive_failures: u64,
    /// Most failures and timeouts in a row during the last minute.
    pub peak_consecutive_failures: u64,
    /// The 95th percentile of the calls in the window.
    #[serde(serialize_with = "as_millis::serialize_option")]
    pub p95_latency: Option<Duration>,
    /// The calls in the window of the latencies.
    pub samples: u64,
    /// The length of that window.
    pub window_seconds: f64,
    /// The number of calls from which the failure rate is computed.
    pub recent_calls: u64,
    /// The number of these calls that failed or timed out.
    #[serde(skip)]
    pub recent_failures: u64,
    /// Calls that the breaker rejected within the failure rate's window.
    #[serde(skip)]
    pub recent_rejected: u64,
    /// The length of the failure rate's window: ten whole ticks, or as many as there were.
    pub rate_window_seconds: f64,
    /// Calls that succeeded since the start.
    pub successes: u64,
    /// Calls that failed since the start.
    pub failures: u64,
    /// Calls that timed out since the start.
    pub timeouts: u64,
    /// Calls that the breaker rejected since the start.
    pub rejected: u64,
    /// Calls that their callers cancelled since the start.
    pub cancelled: u64,
    /// Calls per second that the breaker let through; `None` before the first tick.
    ///
    /// In the JSON report this is a field beside `metrics`, not within it.
    #[serde(skip)]
    pub throughput: Option<f64>,
}

impl CircuitMetrics {
    pub(crate) fn read(circuit: &CircuitCells, thresholds: &Thresholds, view: &View<'_>) -> Self {
        let CircuitNumbers { calls, duration, consecutive, consecutive_peak, .. } =
            circuit.series.read(view);
        // At least one, since a rate of no calls is not defined.
        let min_calls = thresholds.min_calls.max(1);
        let window = LatencySummary::merged(duration);
        let latency = window.if_at_least(min_calls);
        let recent_failures = calls[End::Failure].recent + calls[End::Timeout].recent;
        let recent_calls = calls[End::Success].recent + recent_failures;
        let rate = recent_failures as f64 / recent_calls as f64;
        let passed = calls.iter().filter(|(end, _)| *end != End::Rejected);
        Self {
            state: circuit.states.read(view),
            failure_rate: (recent_calls >= min_calls).then_some(rate),
            avg_latency: latency.and_then(|latency| latency.avg),
            consecutive_failures: consecutive.map_or(0, |run| run as u64),
            peak_consecutive_failures: consecutive_peak,
            p95_latency: latency.and_then(|latency| latency.p95),
            samples: window.samples,
            window_seconds: window.window_seconds,
            recent_calls,
            recent_failures,
            recent_rejected: calls[End::Rejected].recent,
            rate_window_seconds: calls[End::Success].span.as_secs_f64(),
            successes: calls[End::Success].total,
            failures: calls[End::Failure].total,
            timeouts: calls[End::Timeout].total,
            rejected: calls[End::Rejected].total,
            cancelled: calls[End::Cancelled].total,
            throughput: passed.filter_map(|(_, count)| count.rate()).reduce(Add::add),
        }
    }
}
