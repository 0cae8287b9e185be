//! Answers: columns of numbers, ready for JSON.

use std::time::Duration;

use node0_metrics_core::{Labels, Timestamp};
use serde::ser::{Serialize, SerializeMap as _, Serializer};

/// The answer to a [`Query`](crate::Query).
///
/// A point has the data of the step that ends at its timestamp. As JSON, times are milliseconds.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Answer {
    /// The name of the metric.
    pub metric: String,
    /// What the values are.
    pub statistic: Statistic,
    /// The beginning of the first step.
    pub from: Timestamp,
    /// The end of the last step.
    pub to: Timestamp,
    /// The distance of the points.
    #[serde(serialize_with = "as_millis")]
    pub step: Duration,
    /// The end of each step.
    pub timestamps: Vec<Timestamp>,
    /// The series that match, sorted by labels.
    pub series: Vec<AnsweredSeries>,
}

/// The values of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Statistic {
    /// The rate per second, over the time that was observed: of a counter's increments, or of the
    /// values of a latency or distribution.
    Rate,
    /// The mean of a gauge's values.
    Level,
    /// The mean of a latency's or distribution's values.
    Mean,
    /// The quantile that was asked for.
    Quantile,
    /// The number of values, and the buckets in which they are.
    Buckets,
}

/// One series of an answer, in the metric's base unit; `None` where nothing is known.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AnsweredSeries {
    /// The labels.
    #[serde(serialize_with = "as_map")]
    pub labels: Labels,
    /// The values.
    pub values: Vec<Option<f64>>,
    /// The smallest rate or value within each step; empty if a step is a single interval of the
    /// first tier.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub min: Vec<Option<f64>>,
    /// The largest, likewise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub max: Vec<Option<f64>>,
    /// The bounds of the buckets, ascending, if they were asked for: one more than there are
    /// buckets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bounds: Vec<f64>,
    /// The number of values in each bucket, for each step; empty if they were not asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<Option<Vec<u64>>>,
    /// The resolutions of the data, by time. If one is coarser than the step, its values repeat.
    pub resolutions: Vec<Resolution>,
}

/// The resolution of a part of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Resolution {
    /// The timestamp of the first point that has it.
    pub from: Timestamp,
    /// The length of the intervals of which the points are made.
    #[serde(rename = "resolutionMs", serialize_with = "as_millis")]
    pub step: Duration,
}

fn as_millis<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).serialize(serializer)
}

fn as_map<S: Serializer>(labels: &Labels, serializer: S) -> Result<S::Ok, S::Error> {
    let labels = labels.iter();
    let mut map = serializer.serialize_map(Some(labels.len()))?;
    for (key, value) in labels {
        map.serialize_entry(key, value)?;
    }
    map.end()
}
