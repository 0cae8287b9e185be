//! Thresholds: the values beyond which an operation is judged to be in trouble.

use std::time::Duration;

/// The values that the latencies and failures of operations are compared with.
///
/// ```
/// use node0_performance_monitor::Thresholds;
/// use std::time::Duration;
///
/// let strict = Thresholds { slow_p95: Duration::from_millis(200), ..Thresholds::default() };
/// assert_eq!(strict.min_samples, 20);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// The longest 95th percentile that is accepted; 1 s by default.
    pub slow_p95: Duration,
    /// The number of recent samples that a judgement needs at least; 20 by default.
    pub min_samples: u64,
    /// The largest share of an operation's work that may fail; 0.05 by default, and 1 accepts any.
    ///
    /// Five times as much is critical.
    pub failing: f64,
    /// The number of failures in the last ten ticks that a judgement needs at least; 5 by default.
    pub min_failures: u64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { slow_p95: Duration::from_secs(1), min_samples: 20, failing: 0.05, min_failures: 5 }
    }
}
