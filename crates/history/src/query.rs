//! Queries: a metric, a range of time, a step.

use std::time::Duration;

use crate::matchers::Matchers;
use crate::when::When;

/// The most points of a series in one answer, as in Prometheus.
pub const MAX_POINTS: u64 = 11_000;
/// The most values of all series in one answer.
pub const MAX_VALUES: u64 = 1_000_000;

/// A question to a [`History`](crate::History).
///
/// ```
/// use node0_history::{Matchers, Query};
/// use std::time::Duration;
///
/// let query = Query::new("operation_duration_seconds")
///     .matching(Matchers::new().equal("operation", "api:request"))
///     .last(Duration::from_secs(3600))
///     .step(Duration::from_secs(10))
///     .quantile(0.95);
/// assert_eq!(query.metric(), "operation_duration_seconds");
/// ```
#[derive(Clone, Debug)]
#[must_use = "pass it to `History::query`"]
pub struct Query {
    pub(crate) metric: String,
    pub(crate) matchers: Matchers,
    pub(crate) from: When,
    pub(crate) to: When,
    pub(crate) step: Option<Duration>,
    pub(crate) wanted: Wanted,
}

/// What is made of the values of a latency or distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wanted {
    Mean,
    Quantile(f64),
    Rate,
    Buckets,
}

impl Query {
    /// Asks for all series of a metric over the last 15 minutes.
    pub fn new(metric: impl Into<String>) -> Self {
        Self {
            metric: metric.into(),
            matchers: Matchers::new(),
            from: When::Ago(Duration::from_secs(900)),
            to: When::default(),
            step: None,
            wanted: Wanted::Mean,
        }
    }

    /// Returns the name of the metric.
    pub fn metric(&self) -> &str {
        &self.metric
    }

    /// Leaves out series that do not match; by default all match.
    pub fn matching(mut self, matchers: Matchers) -> Self {
        self.matchers = matchers;
        self
    }

    /// Begins at a moment; 15 minutes before the last sample by default.
    pub fn from(mut self, from: impl Into<When>) -> Self {
        self.from = from.into();
        self
    }

    /// Ends at a moment; at the last sample by default.
    pub fn to(mut self, to: impl Into<When>) -> Self {
        self.to = to.into();
        self
    }

    /// Asks for the time until the last sample.
    pub fn last(self, range: Duration) -> Self {
        self.from(When::Ago(range)).to(When::default())
    }

    /// Sets the distance of the points; by default that of the finest tier with at most 720 points.
    ///
    /// It is rounded up to a multiple of the first tier's step.
    pub fn step(mut self, step: Duration) -> Self {
        self.step = Some(step);
        self
    }

    /// Asks for a quantile of a latency or distribution, such as 0.95; by default its mean.
    pub fn quantile(mut self, quantile: f64) -> Self {
        self.wanted = Wanted::Quantile(quantile);
        self
    }

    /// Asks for the number of values per second of a latency or distribution, such as calls per
    /// second. Of a counter, this is what a query without it asks for.
    pub fn rate(mut self) -> Self {
        self.wanted = Wanted::Rate;
        self
    }

    /// Asks how many values of a latency or distribution fell into each bucket, for a heat map.
    ///
    /// The bounds of the buckets are powers of the square root of two, as in
    /// [`AnsweredSeries::bounds`](crate::AnsweredSeries::bounds).
    pub fn buckets(mut self) -> Self {
        self.wanted = Wanted::Buckets;
        self
    }
}

/// A query that cannot be answered.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// No series of this name was observed in the kept time.
    #[error("there is no metric `{metric}`")]
    UnknownMetric {
        /// The name that was asked for.
        metric: String,
        /// The names that the history has.
        known: Vec<String>,
    },
    /// The range of time is empty.
    #[error("begins when it ends, or later, or in the future: begin before the end")]
    EmptyRange,
    /// The step is zero.
    #[error("is zero: use a step greater than zero, such as 10s")]
    ZeroStep,
    /// There would be more than [`MAX_POINTS`] points.
    #[error("makes {points} points of the range, and {MAX_POINTS} is the most: use at least {} ms", smallest_step.as_millis())]
    TooManyPoints {
        /// The number of points.
        points: u64,
        /// The smallest step with which the range can be had.
        smallest_step: Duration,
    },
    /// There would be more than [`MAX_VALUES`] values.
    #[error(
        "matches {series} series of {points} points, and {MAX_VALUES} values are the most: match fewer series, or use a greater step"
    )]
    TooManyValues {
        /// The number of series that match.
        series: usize,
        /// The number of points of each.
        points: u64,
    },
    /// The quantile is not from 0 to 1.
    #[error("is not a number from 0 to 1, such as 0.95")]
    Quantile,
    /// The metric is no latency or distribution, and so has no quantiles.
    #[error("is for latencies and distributions: ask for `{metric}` without it")]
    NoQuantiles {
        /// The metric.
        metric: String,
    },
    /// The metric has no values to count: it is a gauge, or a counter that was asked for buckets.
    #[error("is for latencies and distributions: ask for `{metric}` without it")]
    NoStatistic {
        /// The metric.
        metric: String,
    },
}
