//! From where on a circuit is judged to be in trouble.

use std::time::Duration;

use metrics_core::as_millis;
use serde::Serialize;

/// What a circuit is compared with, in assessments and for alerts; shown in its report.
///
/// They decide nothing about the breaker, which has settings of its own.
///
/// ```
/// use breaker_monitor::Thresholds;
/// use std::time::Duration;
///
/// let strict = Thresholds::default().average_latency(Duration::from_millis(300));
/// assert_eq!(strict.failure_rate, 0.5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Thresholds {
    /// A larger share of failed and timed out calls is too many; 0.5 by default.
    pub failure_rate: f64,
    /// So many failures in a row, or more, are too many; 5 by default.
    pub consecutive_failures: u64,
    /// Calls are slow when they take longer on average; 5 s by default.
    #[serde(serialize_with = "as_millis::serialize")]
    pub average_latency: Duration,
    /// Fewer calls have neither a failure rate nor an average latency; 10 by default.
    pub min_calls: u64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            failure_rate: 0.5,
            consecutive_failures: 5,
            average_latency: Duration::from_secs(5),
            min_calls: 10,
        }
    }
}

impl Thresholds {
    /// Sets [`Thresholds::failure_rate`].
    #[must_use]
    pub const fn failure_rate(mut self, share: f64) -> Self {
        self.failure_rate = share;
        self
    }

    /// Sets [`Thresholds::consecutive_failures`].
    #[must_use]
    pub const fn consecutive_failures(mut self, failures: u64) -> Self {
        self.consecutive_failures = failures;
        self
    }

    /// Sets [`Thresholds::average_latency`].
    #[must_use]
    pub const fn average_latency(mut self, took: Duration) -> Self {
        self.average_latency = took;
        self
    }

    /// Sets [`Thresholds::min_calls`].
    #[must_use]
    pub const fn min_calls(mut self, calls: u64) -> Self {
        self.min_calls = calls;
        self
    }
}
