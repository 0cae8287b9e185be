//! The numbers of one circuit, for people and programs.

use std::time::Duration;

use metrics_core::as_millis;
use serde::Serialize;

use crate::reading::Reading;
use crate::state::State;

/// Numbers of one circuit.
///
/// As JSON, durations are milliseconds. What has no data, or fewer calls than
/// [`Thresholds::min_calls`](crate::Thresholds::min_calls), is `None`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CircuitMetrics {
    /// The breaker's state.
    pub state: State,
    /// The share of failed and timed out calls in those of the last ten whole ticks; rejected and cancelled ones apart.
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
    /// How far that window reaches back.
    pub window_seconds: f64,
    /// The calls that the failure rate is of.
    pub recent_calls: u64,
    /// How far the failure rate reaches back: ten whole ticks, or as many as there were.
    pub rate_window_seconds: f64,
    /// Calls that succeeded since the start.
    pub successes: u64,
    /// Calls that failed since the start.
    pub failures: u64,
    /// Calls that timed out since the start.
    pub timeouts: u64,
    /// Calls that the breaker rejected since the start.
    pub rejected: u64,
    /// Calls that their callers gave up since the start.
    pub cancelled: u64,
    /// Calls per second that the breaker let through; `None` before the first tick.
    ///
    /// In JSON it stands beside the metrics.
    #[serde(skip)]
    pub throughput: Option<f64>,
}

impl CircuitMetrics {
    pub(crate) fn of(circuit: &Reading<'_>) -> Self {
        let window = circuit.duration.map(|duration| duration.window());
        let average = circuit.average_latency();
        let p95 = || window?.buckets().quantile(0.95);
        let time = |seconds| Duration::try_from_secs_f64(seconds).ok();
        Self {
            state: circuit.state,
            failure_rate: circuit.failure_rate(),
            avg_latency: average.and_then(time),
            consecutive_failures: circuit.consecutive,
            peak_consecutive_failures: circuit.consecutive_peak,
            // From as many calls on as the mean.
            p95_latency: average.and_then(|_| p95()).and_then(time),
            samples: window.map_or(0, |window| window.samples()),
            window_seconds: window.map_or(0.0, |window| window.span.as_secs_f64()),
            recent_calls: circuit.recent_calls(),
            rate_window_seconds: circuit.success.span.as_secs_f64(),
            successes: circuit.success.total,
            failures: circuit.failure.total,
            timeouts: circuit.timeout.total,
            rejected: circuit.rejected.total,
            cancelled: circuit.cancelled.total,
            throughput: circuit.throughput(),
        }
    }
}
