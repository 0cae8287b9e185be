//! From where on the process and its runtimes are judged to be in trouble.

use std::time::Duration;

use metrics_core::as_millis;
use serde::Serialize;

/// What assessments compare with; shown in the reports.
///
/// ```
/// use std::time::Duration;
/// use system_monitor::Thresholds;
///
/// let strict = Thresholds::default().memory(0.6, 0.75).lag_warn(Duration::from_millis(20));
/// assert_eq!((strict.memory_warn, strict.open_files_warn), (0.6, 0.8));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Thresholds {
    /// A larger share of the memory limit in use is a warning; 0.8 by default.
    pub memory_warn: f64,
    /// A larger share of the memory limit in use is a failure; 0.9 by default.
    pub memory_fail: f64,
    /// A larger share of the open files allowed is a warning; 0.8 by default.
    pub open_files_warn: f64,
    /// A larger share of the open files allowed is a failure; 0.95 by default.
    pub open_files_fail: f64,
    /// A runtime whose workers are busy for a larger share of their time is a warning; 0.9 by default.
    pub busy_ratio: f64,
    /// A longer 99th percentile of the lag is a warning; 100 ms by default.
    #[serde(serialize_with = "as_millis::serialize")]
    pub lag_warn: Duration,
    /// A longer 99th percentile of the lag is a failure; 500 ms by default.
    #[serde(serialize_with = "as_millis::serialize")]
    pub lag_fail: Duration,
    /// Fewer wake-ups in the window are too few to judge the lag; 100 by default.
    pub min_wake_ups: u64,
    /// A runtime that has woken no task for longer has stalled; 1 s by default.
    #[serde(serialize_with = "as_millis::serialize")]
    pub stalled: Duration,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            memory_warn: 0.8,
            memory_fail: 0.9,
            open_files_warn: 0.8,
            open_files_fail: 0.95,
            busy_ratio: 0.9,
            lag_warn: Duration::from_millis(100),
            lag_fail: Duration::from_millis(500),
            min_wake_ups: 100,
            stalled: Duration::from_secs(1),
        }
    }
}

impl Thresholds {
    /// Sets [`Thresholds::memory_warn`] and [`Thresholds::memory_fail`].
    #[must_use]
    pub const fn memory(mut self, warn: f64, fail: f64) -> Self {
        (self.memory_warn, self.memory_fail) = (warn, fail);
        self
    }

    /// Sets [`Thresholds::open_files_warn`] and [`Thresholds::open_files_fail`].
    #[must_use]
    pub const fn open_files(mut self, warn: f64, fail: f64) -> Self {
        (self.open_files_warn, self.open_files_fail) = (warn, fail);
        self
    }

    /// Sets [`Thresholds::busy_ratio`].
    #[must_use]
    pub const fn busy_ratio(mut self, share: f64) -> Self {
        self.busy_ratio = share;
        self
    }

    /// Sets [`Thresholds::lag_warn`].
    #[must_use]
    pub const fn lag_warn(mut self, p99: Duration) -> Self {
        self.lag_warn = p99;
        self
    }

    /// Sets [`Thresholds::lag_fail`].
    #[must_use]
    pub const fn lag_fail(mut self, p99: Duration) -> Self {
        self.lag_fail = p99;
        self
    }

    /// Sets [`Thresholds::min_wake_ups`].
    #[must_use]
    pub const fn min_wake_ups(mut self, wake_ups: u64) -> Self {
        self.min_wake_ups = wake_ups;
        self
    }

    /// Sets [`Thresholds::stalled`].
    #[must_use]
    pub const fn stalled(mut self, overdue: Duration) -> Self {
        self.stalled = overdue;
        self
    }
}
