//! From where on a pool is judged to be in trouble.

use std::time::Duration;

use metrics_core::as_millis;
use serde::Serialize;

/// What an assessment compares a pool with; shown in its report.
///
/// ```
/// use db_pool_monitor::Thresholds;
/// use std::time::Duration;
///
/// let strict = Thresholds::default().slow_wait(Duration::from_millis(20));
/// assert_eq!(strict.leak_after, Duration::from_secs(30));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Thresholds {
    /// A connection held for longer counts as leaked; 30 s by default.
    #[serde(serialize_with = "as_millis::serialize")]
    pub leak_after: Duration,
    /// Waits are slow when their 95th percentile is longer; 100 ms by default.
    #[serde(serialize_with = "as_millis::serialize")]
    pub slow_wait: Duration,
    /// A wait that has not ended for longer is stalled; 5 s by default.
    #[serde(serialize_with = "as_millis::serialize")]
    pub stalled_wait: Duration,
    /// More waiting callers make the queue too long; 5 by default.
    pub waiting_clients: u64,
    /// A larger share of failed and timed out waits is too many; 0.05 by default.
    pub error_rate: f64,
    /// Fewer waits in the window are too few to call slow; 20 by default.
    pub min_waits: u64,
    /// Whether the service is down without the pool; it is by default.
    pub required: bool,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            leak_after: Duration::from_secs(30),
            slow_wait: Duration::from_millis(100),
            stalled_wait: Duration::from_secs(5),
            waiting_clients: 5,
            error_rate: 0.05,
            min_waits: 20,
            required: true,
        }
    }
}

impl Thresholds {
    /// Sets [`Thresholds::leak_after`].
    #[must_use]
    pub const fn leak_after(mut self, held: Duration) -> Self {
        self.leak_after = held;
        self
    }

    /// Sets [`Thresholds::slow_wait`].
    #[must_use]
    pub const fn slow_wait(mut self, p95: Duration) -> Self {
        self.slow_wait = p95;
        self
    }

    /// Sets [`Thresholds::stalled_wait`].
    #[must_use]
    pub const fn stalled_wait(mut self, waited: Duration) -> Self {
        self.stalled_wait = waited;
        self
    }

    /// Sets [`Thresholds::waiting_clients`].
    #[must_use]
    pub const fn waiting_clients(mut self, clients: u64) -> Self {
        self.waiting_clients = clients;
        self
    }

    /// Sets [`Thresholds::error_rate`].
    #[must_use]
    pub const fn error_rate(mut self, share: f64) -> Self {
        self.error_rate = share;
        self
    }

    /// Has the pool be one that the service can do without, such as a cache's: whatever
    /// is wrong with it degrades the health of databases at most.
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.required = false;
        self
    }

    /// Sets [`Thresholds::min_waits`].
    #[must_use]
    pub const fn min_waits(mut self, waits: u64) -> Self {
        self.min_waits = waits;
        self
    }
}
