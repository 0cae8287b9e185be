//! One circuit's numbers, read from a view once for all who judge or show them.

use std::sync::Arc;
use std::time::Duration;

use metrics_core::{Count, Histogram, View};

use crate::alert::Limit;
use crate::cells::CircuitCells;
use crate::state::State;
use crate::thresholds::Thresholds;

/// What a view knows of one circuit.
pub(crate) struct Reading<'a> {
    pub(crate) cells: Arc<CircuitCells>,
    pub(crate) thresholds: Thresholds,
    pub(crate) state: State,
    pub(crate) success: Count,
    pub(crate) failure: Count,
    pub(crate) timeout: Count,
    pub(crate) rejected: Count,
    pub(crate) cancelled: Count,
    pub(crate) duration: Option<&'a Histogram>,
    pub(crate) consecutive: u64,
    pub(crate) consecutive_peak: u64,
    /// In the order of [`State::ALL`], as are both sides of the transitions.
    pub(crate) time_in_state: [Duration; 3],
    pub(crate) transitions: [[u64; 3]; 3],
}

/// A value beyond its threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Exceeded {
    pub(crate) observed: f64,
    pub(crate) threshold: f64,
}

impl<'a> Reading<'a> {
    pub(crate) fn of(cells: Arc<CircuitCells>, view: &View<'a>) -> Self {
        let calls = &cells.calls;
        Self {
            thresholds: cells.thresholds(),
            state: cells.states.read(view),
            success: view.count(&calls.success),
            failure: view.count(&calls.failure),
            timeout: view.count(&calls.timeout),
            rejected: view.count(&calls.rejected),
            cancelled: view.count(&calls.cancelled),
            duration: view.latency(&cells.duration),
            consecutive: view.gauge(&cells.consecutive).map_or(0, |run| run as u64),
            consecutive_peak: view.peak(&cells.consecutive_peak),
            time_in_state: cells.states.read_time(view),
            transitions: cells.states.read_transitions(view),
            cells,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.cells.name
    }

    /// Whether nothing was ever recorded.
    pub(crate) fn is_untried(&self) -> bool {
        let calls = [self.success, self.failure, self.timeout, self.rejected, self.cancelled];
        let has_moved = self.transitions.iter().flatten().any(|count| *count > 0);
        calls.iter().all(|count| count.total == 0) && !has_moved
    }

    /// Calls that lately ended with a result.
    pub(crate) fn recent_calls(&self) -> u64 {
        self.success.recent + self.recent_failures()
    }

    /// Calls that lately failed or timed out.
    pub(crate) fn recent_failures(&self) -> u64 {
        self.failure.recent + self.timeout.recent
    }

    /// The share of failures in the recent calls; `None` below the minimum of calls.
    pub(crate) fn failure_rate(&self) -> Option<f64> {
        let calls = self.recent_calls();
        self.is_enough(calls).then(|| self.recent_failures() as f64 / calls as f64)
    }

    /// The mean of the window's calls in seconds; `None` below the minimum of calls.
    pub(crate) fn average_latency(&self) -> Option<f64> {
        let window = self.duration?.window();
        if self.is_enough(window.samples()) { window.buckets().mean() } else { None }
    }

    /// Calls per second that the breaker let through; `None` before the first tick.
    pub(crate) fn throughput(&self) -> Option<f64> {
        let ended = [self.success, self.failure, self.timeout, self.cancelled];
        ended.iter().filter_map(Count::rate).reduce(|sum, rate| sum + rate)
    }

    /// What is compared with a threshold, in its unit; `None` without data.
    pub(crate) fn observed(&self, limit: Limit) -> Option<f64> {
        match limit {
            Limit::FailureRate => self.failure_rate(),
            Limit::ConsecutiveFailures => Some(self.consecutive as f64),
            Limit::AverageLatency => self.average_latency(),
        }
    }

    pub(crate) fn threshold(&self, limit: Limit) -> f64 {
        match limit {
            Limit::FailureRate => self.thresholds.failure_rate,
            Limit::ConsecutiveFailures => self.thresholds.consecutive_failures as f64,
            Limit::AverageLatency => self.thresholds.average_latency.as_secs_f64(),
        }
    }

    /// The value and the threshold that it is beyond, if it is.
    pub(crate) fn exceeded(&self, limit: Limit) -> Option<Exceeded> {
        let (observed, threshold) = (self.observed(limit)?, self.threshold(limit));
        let is_beyond = match limit {
            // As breakers count: the fifth failure of five is too many, and none never is.
            Limit::ConsecutiveFailures => observed > 0.0 && observed >= threshold,
            Limit::FailureRate | Limit::AverageLatency => observed > threshold,
        };
        is_beyond.then_some(Exceeded { observed, threshold })
    }

    fn is_enough(&self, calls: u64) -> bool {
        calls >= self.thresholds.min_calls.max(1)
    }
}
