//! The limits beyond which the process and its runtimes are judged to be in trouble.

use std::time::Duration;

use node0_metrics_core::as_millis;
use serde::Serialize;

/// The limits that a judgement compares with; the reports show them.
///
/// ```
/// use std::time::Duration;
/// use node0_system_monitor::{SystemMonitor, Thresholds};
///
/// let strict = Thresholds {
///     memory_warn: 0.6,
///     lag_warn: Duration::from_millis(20),
///     ..Thresholds::default()
/// };
/// let monitor = SystemMonitor::builder().thresholds(strict);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Thresholds {
    /// A larger share of the memory limit in use is a warning; 0.8 by default.
    pub memory_warn: f64,
    /// A larger share of the memory limit in use is critical; 0.9 by default.
    pub memory_fail: f64,
    /// A larger share of the open files allowed is a warning; 0.8 by default.
    pub open_files_warn: f64,
    /// A larger share of the open files allowed is critical; 0.95 by default.
    pub open_files_fail: f64,
    /// A runtime whose workers are busy for a larger share of their time is a warning; 0.9 by default.
    pub busy_ratio: f64,
    /// A longer 99th percentile of the lag is a warning; 100 ms by default.
    #[serde(serialize_with = "as_millis::serialize")]
    pub lag_warn: Duration,
    /// A longer 99th percentile of the lag is critical; 500 ms by default.
    #[serde(serialize_with = "as_millis::serialize")]
    pub lag_fail: Duration,
    /// Fewer wake-ups in the window are too few to judge the lag; 100 by default.
    pub min_wake_ups: u64,
    /// A runtime that has woken no task for longer has stalled, which is critical; 1 s by default.
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
