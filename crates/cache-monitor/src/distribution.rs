//! How long operations took, over one window.

use std::time::Duration;

use metrics_core::{Buckets, Histogram, as_millis};
use serde::Serialize;

/// The times of one operation over its window, of several tiers together their merged windows.
///
/// As JSON, durations are milliseconds. Without samples in the window each of
/// them is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct LatencyDistribution {
    /// The shortest.
    #[serde(serialize_with = "as_millis::serialize_option")]
    pub min: Option<Duration>,
    /// The longest.
    #[serde(serialize_with = "as_millis::serialize_option")]
    pub max: Option<Duration>,
    /// The mean.
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
    /// How many samples the window has.
    pub samples: u64,
    /// How far it reaches back.
    pub window_seconds: f64,
    /// How many samples there were since the start.
    pub count: u64,
}

impl LatencyDistribution {
    pub(crate) fn of<'h>(histograms: impl IntoIterator<Item = &'h Histogram>) -> Self {
        let mut merged: Option<Buckets> = None;
        let (mut span, mut count) = (Duration::ZERO, 0);
        for histogram in histograms {
            let window = histogram.window();
            match &mut merged {
                Some(buckets) => buckets.merge(window.buckets()),
                None => merged = Some(window.buckets().clone()),
            }
            span = span.max(window.span);
            count += histogram.count();
        }
        let Some(buckets) = merged else { return Self::default() };
        let duration = |seconds: Option<f64>| Duration::try_from_secs_f64(seconds?).ok();
        Self {
            min: duration(buckets.min()),
            max: duration(buckets.max()),
            avg: duration(buckets.mean()),
            p50: duration(buckets.quantile(0.5)),
            p95: duration(buckets.quantile(0.95)),
            p99: duration(buckets.quantile(0.99)),
            samples: buckets.count(),
            window_seconds: span.as_secs_f64(),
            count,
        }
    }
}
