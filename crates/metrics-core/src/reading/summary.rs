//! Summaries: count, mean, extremes and percentiles of a latency's window.
//!
//! Percentiles of several series cannot be averaged. Their windows are merged bucket by
//! bucket, and the percentiles are computed from the merged buckets.

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;

use crate::as_millis;
use crate::reading::buckets::Buckets;
use crate::reading::histogram::Histogram;

/// Converts seconds to milliseconds, rounded to whole nanoseconds.
///
/// ```
/// assert_eq!(node0_metrics_core::millis(0.1453), 145.3);
/// ```
pub fn millis(seconds: f64) -> f64 {
    (seconds * 1e9).round() / 1e6
}

/// The statistics of a latency, or of several together, over one window.
///
/// Without samples in the window each of them is `None`, never zero. As JSON, durations are
/// milliseconds.
///
/// ```
/// use node0_metrics_core::{Desc, LatencySummary, Registry};
/// use std::time::Duration;
///
/// const WAIT: Desc = Desc::latency("wait_seconds", "Waits.").labels(&["pool"]);
/// let registry = Registry::new();
/// let (main, small) = (registry.latency(&WAIT, &["main"])?, registry.latency(&WAIT, &["small"])?);
/// (0..99).for_each(|_| main.record(Duration::from_millis(10)));
/// small.record(Duration::from_secs(1));
///
/// let sample = registry.read();
/// let view = sample.view();
/// let waits = [&main, &small].map(|wait| view.latency(wait).expect("it is registered"));
/// let together = LatencySummary::merged(waits);
/// assert_eq!(together.samples, 100);
/// assert!(together.p99 < Some(Duration::from_millis(11)), "a busy pool weighs more");
///
/// // Judge only when there are enough samples.
/// assert_eq!(waits[1].summary().if_at_least(20), None);
/// # Ok::<(), node0_metrics_core::RegisterError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct LatencySummary {
    /// The shortest.
    #[serde(serialize_with = "as_millis::serialize_option")]
    pub min: Option<Duration>,
    /// The longest.
    #[serde(serialize_with = "as_millis::serialize_option")]
    pub max: Option<Duration>,
    /// The mean, from an exact sum.
    #[serde(serialize_with = "as_millis::serialize_option")]
    pub avg: Option<Duration>,
    /// The median.
    #[serde(serialize_with = "as_millis::serialize_option")]
    pub p50: Option<Duration>,
    /// The 95th percentile.
    #[serde(serialize_with = "as_millis::serialize_option")]
    pub p95: Option<Duration>,
    /// The 99th percentile.
    #[serde(serialize_with = "as_millis::serialize_option")]
    pub p99: Option<Duration>,
    /// The number of samples in the window.
    pub samples: u64,
    /// The time that the window covers; of several windows the longest.
    pub window_seconds: f64,
    /// The number of samples since the start.
    pub count: u64,
}

impl LatencySummary {
    /// Summarises several latencies as if they were one, each sample with the same weight.
    pub fn merged<'h>(histograms: impl IntoIterator<Item = &'h Histogram>) -> Self {
        let mut merged: Option<Cow<'h, Buckets>> = None;
        let (mut span, mut count) = (Duration::ZERO, 0);
        for histogram in histograms {
            let window = histogram.window();
            span = span.max(window.span);
            count += histogram.count();
            match &mut merged {
                // Cloned only if there is a second histogram.
                None => merged = Some(Cow::Borrowed(window.buckets())),
                Some(all) => all.to_mut().merge(window.buckets()),
            }
        }
        let Some(window) = merged else { return Self::default() };
        // Rounded like `millis`, so that durations and milliseconds show the same number.
        let duration = |seconds: Option<f64>| {
            seconds.map(|seconds| Duration::from_nanos((seconds * 1e9).round() as u64))
        };
        Self {
            min: duration(window.min()),
            max: duration(window.max()),
            avg: duration(window.mean()),
            p50: duration(window.quantile(0.5)),
            p95: duration(window.quantile(0.95)),
            p99: duration(window.quantile(0.99)),
            samples: window.count(),
            window_seconds: span.as_secs_f64(),
            count,
        }
    }

    /// Returns the summary if its window has at least this many samples, else `None`.
    pub fn if_at_least(self, samples: u64) -> Option<Self> {
        (self.samples >= samples).then_some(self)
    }
}

impl From<&Histogram> for LatencySummary {
    fn from(histogram: &Histogram) -> Self {
        Self::merged([histogram])
    }
}

impl Histogram {
    /// Summarises the window of a latency.
    ///
    /// A [`Distribution`](crate::Distribution) of anything but seconds has no such summary.
    pub fn summary(&self) -> LatencySummary {
        self.into()
    }
}
