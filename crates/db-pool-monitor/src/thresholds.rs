//! Thresholds: the values beyond which a pool is judged to be in trouble.

use std::time::Duration;

use node0_metrics_core::as_millis;
use serde::Serialize;

/// The values that a pool's numbers are compared with; its report shows them.
///
/// ```
/// use node0_db_pool_monitor::Thresholds;
/// use std::time::Duration;
///
/// let strict = Thresholds { slow_wait: Duration::from_millis(20), ..Thresholds::default() };
/// assert_eq!(strict.leak_after, Duration::from_secs(30));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Thresholds {
    /// A connection that is held for longer counts as leaked; 30 s by default.
    #[serde(serialize_with = "as_millis::serialize")]
    pub leak_after: Duration,
    /// Waits are slow when their 95th percentile is longer; 100 ms by default.
    #[serde(serialize_with = "as_millis::serialize")]
    pub slow_wait: Duration,
    /// Uses are slow when their 95th percentile is longer; 200 ms by default.
    ///
    /// A pool serves as many callers a second as its connections allow for the time of a use. Raise
    /// it for a pool of long transactions.
    #[serde(serialize_with = "as_millis::serialize")]
    pub slow_use: Duration,
    /// A wait that has not ended for longer is stalled; 5 s by default.
    #[serde(serialize_with = "as_millis::serialize")]
    pub stalled_wait: Duration,
    /// A use that has not ended for longer, and for ten times longer than 99 of 100 uses take, is
    /// stalled; 5 s by default. Fewer uses than `min_waits` do not tell how long they usually take.
    ///
    /// A database that hangs is seen by it while the pool still has connections for all callers.
    #[serde(serialize_with = "as_millis::serialize")]
    pub stalled_use: Duration,
    /// More waiting callers make the queue too long; 5 by default.
    pub waiting_clients: u64,
    /// A larger share of failed and timed out waits is too many; 0.05 by default.
    pub error_rate: f64,
    /// Fewer waits, or uses, in the window are too few to call slow; 20 by default.
    pub min_waits: u64,
    /// `true` if the service is down without the pool, as by default. With `false`, for a pool
    /// that it can do without, such as a cache's, a finding about the pool degrades the health of
    /// databases at most.
    pub required: bool,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            leak_after: Duration::from_secs(30),
            slow_wait: Duration::from_millis(100),
            slow_use: Duration::from_millis(200),
            stalled_wait: Duration::from_secs(5),
            stalled_use: Duration::from_secs(5),
            waiting_clients: 5,
            error_rate: 0.05,
            min_waits: 20,
            required: true,
        }
    }
}
