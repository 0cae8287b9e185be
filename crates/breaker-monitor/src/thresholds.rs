//! Thresholds: the values beyond which a circuit is judged to be in trouble.

use std::time::Duration;

use node0_metrics_core::{as_millis, label_set};
use serde::Serialize;

/// The values that a circuit's numbers are compared with; its report shows them.
///
/// They decide nothing about the breaker, which has settings of its own.
///
/// ```
/// use node0_breaker_monitor::Thresholds;
///
/// let strict = Thresholds { failure_rate: 0.2, ..Thresholds::default() };
/// assert_eq!((strict.failure_rate, strict.consecutive_failures), (0.2, 5));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Thresholds {
    /// The highest share of failed and timed out calls that is accepted; 0.5 by default.
    pub failure_rate: f64,
    /// The number of failures in a row that is no longer accepted; 5 by default.
    pub consecutive_failures: u64,
    /// The longest mean time of a call that is accepted; 5 s by default.
    #[serde(serialize_with = "as_millis::serialize")]
    pub average_latency: Duration,
    /// The number of calls that a failure rate or a mean time needs at least; 10 by default.
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

label_set! {
    /// A threshold that a circuit can cross, by the name of its setting.
    pub(crate) enum Threshold {
        FailureRate = "failure_rate",
        ConsecutiveFailures = "consecutive_failures",
        AverageLatency = "average_latency",
    }
}

impl Threshold {
    /// The code of the finding about a circuit that is beyond the threshold.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::FailureRate => "high_failure_rate",
            Self::ConsecutiveFailures => "consecutive_failures",
            Self::AverageLatency => "slow_calls",
        }
    }
}
