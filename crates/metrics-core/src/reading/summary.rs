//! A latency's window in the numbers that people read: milliseconds.

use serde::Serialize;

use crate::reading::histogram::Histogram;

/// Seconds as milliseconds, free of the noise of the conversion: whole nanoseconds stay whole.
///
/// ```
/// assert_eq!(metrics_core::millis(0.1453), 145.3);
/// ```
pub fn millis(seconds: f64) -> f64 {
    (seconds * 1e9).round() / 1e6
}

/// The statistics of a latency, all over one window, in milliseconds.
///
/// Without samples in the window each of them is `None`, never zero.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct LatencySummary {
    /// How many samples the window has.
    pub samples: u64,
    /// How far it reaches back.
    pub window_seconds: f64,
    /// How many samples there were since the start.
    pub count: u64,
    /// The shortest.
    pub min: Option<f64>,
    /// The longest.
    pub max: Option<f64>,
    /// The mean, from an exact sum.
    pub avg: Option<f64>,
    /// The median.
    pub p50: Option<f64>,
    /// The 95th percentile.
    pub p95: Option<f64>,
    /// The 99th percentile.
    pub p99: Option<f64>,
}

impl From<&Histogram> for LatencySummary {
    fn from(histogram: &Histogram) -> Self {
        let window = &histogram.window().buckets();
        Self {
            samples: window.count(),
            window_seconds: histogram.window().span.as_secs_f64(),
            count: histogram.count(),
            min: window.min().map(millis),
            max: window.max().map(millis),
            avg: window.mean().map(millis),
            p50: window.quantile(0.5).map(millis),
            p95: window.quantile(0.95).map(millis),
            p99: window.quantile(0.99).map(millis),
        }
    }
}
