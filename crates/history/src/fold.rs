//! Folds: make one value of all intervals of a step.

use std::time::Duration;

use node0_interval_codec::{Counts, Numbers, Row, Summary, rank};
use node0_metrics_core::Layout;

use crate::timeline::Observed;

/// The values of one point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) value: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

/// Makes points of intervals.
pub(crate) trait Fold {
    type Row: Row;
    type Point: Clone;

    /// Prepares for the intervals of a tier.
    fn begin(&mut self, observed: &[Observed], halvings: u32);

    /// Adds an interval.
    fn add(&mut self, interval: u64, row: &Self::Row);

    /// Returns the point of all intervals that were added since the last call.
    fn take(&mut self) -> Option<Self::Point>;
}

/// The mean of a gauge.
#[derive(Debug, Default)]
pub(crate) struct LevelFold(Numbers);

impl Fold for LevelFold {
    type Row = Numbers;
    type Point = Point;

    fn begin(&mut self, _: &[Observed], _: u32) {}

    fn add(&mut self, _: u64, row: &Numbers) {
        self.0.merge(row);
    }

    fn take(&mut self) -> Option<Point> {
        let Numbers { ticks, sum, min, max } = std::mem::take(&mut self.0);
        (ticks > 0).then(|| Point { value: (sum / f64::from(ticks)).clamp(min, max), min, max })
    }
}

/// The rate of a counter.
#[derive(Debug, Default)]
pub(crate) struct RateFold {
    /// The period of ticks.
    period: Duration,
    observed: Vec<Observed>,
    sum: f64,
    /// The observed seconds.
    span: f64,
    /// The lowest and the highest rate of a tick.
    bounds: Option<(f64, f64)>,
}

impl RateFold {
    pub(crate) fn new(period: Duration) -> Self {
        Self { period, ..Self::default() }
    }
}

impl Fold for RateFold {
    type Row = Numbers;
    type Point = Point;

    fn begin(&mut self, observed: &[Observed], _: u32) {
        self.observed = observed.to_vec();
    }

    fn add(&mut self, interval: u64, row: &Numbers) {
        let Ok(at) = self.observed.binary_search_by_key(&interval, |observed| observed.interval)
        else {
            return;
        };
        let Observed { ticks, span, .. } = self.observed[at];
        if row.ticks == 0 || span.is_zero() {
            return;
        }
        // A series that began or ended within the interval was there for some of its ticks.
        self.span += span.as_secs_f64() * f64::from(row.ticks) / f64::from(ticks);
        self.sum += row.sum;
        let [min, max] = [row.min, row.max].map(|paced| paced / self.period.as_secs_f64());
        let (lowest, highest) = self.bounds.unwrap_or((min, max));
        self.bounds = Some((lowest.min(min), highest.max(max)));
    }

    fn take(&mut self) -> Option<Point> {
        let (sum, span) = (std::mem::take(&mut self.sum), std::mem::take(&mut self.span));
        let (min, max) = self.bounds.take()?;
        let value = sum / span;
        // Of a tick that took almost its period, the bounds are that much off.
        Some(Point { value, min: min.min(value), max: max.max(value) })
    }
}

/// A quantile of a latency or distribution, or its mean.
#[derive(Debug)]
pub(crate) struct BucketsFold {
    layout: Layout,
    quantile: Option<f64>,
    /// The number of times that the buckets of the tier were halved.
    tier_halvings: u32,
    /// The same for the counts of the point, which are those of the coarsest tier in it.
    halvings: u32,
    /// The counts of all buckets, as far as they were read.
    counts: Vec<u64>,
    /// The number of values in these counts.
    counted: u64,
    /// The number of intervals.
    rows: u32,
    /// The summary of the last one.
    last: Summary,
    /// The lowest and the highest bucket with a value.
    bounds: Option<(u16, u16)>,
    /// The number of values.
    count: u64,
    sum: f64,
    /// `true` if a point had to be made of counts that were not read.
    pub(crate) needs_counts: bool,
}

impl BucketsFold {
    pub(crate) fn new(layout: Layout, quantile: Option<f64>) -> Self {
        Self {
            layout,
            quantile,
            tier_halvings: 0,
            halvings: 0,
            counts: vec![0; layout.buckets().into()],
            counted: 0,
            rows: 0,
            last: Summary::default(),
            bounds: None,
            count: 0,
            sum: 0.0,
            needs_counts: false,
        }
    }

    /// The bounds of a bucket, or of the buckets that were joined to it.
    fn bounds_of(&self, bucket: u16) -> (f64, f64) {
        let first = bucket << self.halvings;
        let last = first + (1 << self.halvings) - 1;
        let (low, _) = self.layout.bounds(first);
        let (_, high) = self.layout.bounds(last);
        (low, high)
    }

    /// The value that stands for all values of a bucket.
    fn midpoint(&self, bucket: u16) -> f64 {
        let (low, high) = self.bounds_of(bucket);
        low + (high - low) / 2.0
    }

    /// The bucket of a quantile: of the counts, or of a single summary.
    fn bucket_at(&mut self, quantile: f64, (lowest, highest): (u16, u16)) -> u16 {
        if self.rows == 1
            && let Some(bucket) = self.last.bucket_at(quantile)
        {
            return bucket;
        }
        self.needs_counts |= self.counted < self.count;
        let rank = rank(quantile, self.count);
        let mut seen = 0;
        let reaches = |bucket: &u16| {
            seen += self.counts[usize::from(*bucket)];
            seen >= rank
        };
        (lowest..=highest).find(reaches).unwrap_or(highest)
    }
}

impl Fold for BucketsFold {
    type Row = Counts;
    type Point = Point;

    fn begin(&mut self, _: &[Observed], halvings: u32) {
        self.tier_halvings = halvings;
    }

    fn add(&mut self, _: u64, row: &Counts) {
        let summary = row.summary;
        if summary.count == 0 {
            return;
        }
        // A point of two tiers begins with the coarser one. The buckets of the finer one are halved
        // until they are those of the point.
        if self.rows == 0 {
            self.halvings = self.tier_halvings;
        }
        let times = self.halvings.saturating_sub(self.tier_halvings);
        let halved = |bucket: u16| bucket >> times;
        for (bucket, count) in row.buckets.iter().zip(&row.counts) {
            self.counts[usize::from(halved(*bucket))] += u64::from(*count);
        }
        if !row.buckets.is_empty() {
            self.counted += summary.count;
        }
        let (low, high) = (halved(summary.lowest()), halved(summary.highest()));
        let (lowest, highest) = self.bounds.unwrap_or((low, high));
        self.bounds = Some((lowest.min(low), highest.max(high)));
        self.count += summary.count;
        self.sum += row.sum;
        self.last = summary;
        self.rows += 1;
    }

    fn take(&mut self) -> Option<Point> {
        let bounds = self.bounds.take()?;
        let (lowest, highest) = bounds;
        let (min, max) = (self.midpoint(lowest), self.midpoint(highest));
        let value = if let Some(quantile) = self.quantile {
            let bucket = self.bucket_at(quantile, bounds);
            self.midpoint(bucket)
        } else {
            // A value may be counted in one tick and added to the sum of the next.
            let (low, high) = (self.bounds_of(lowest).0, self.bounds_of(highest).1);
            (self.sum / self.count as f64).clamp(low, high)
        };
        if self.counted > 0 {
            self.counts[lowest.into()..=highest.into()].fill(0);
        }
        (self.rows, self.counted, self.count, self.sum) = (0, 0, 0, 0.0);
        Some(Point { value, min, max })
    }
}

/// The values of a latency or distribution per second.
#[derive(Debug, Default)]
pub(crate) struct CallsFold {
    observed: Vec<Observed>,
    count: u64,
    /// The observed seconds.
    span: f64,
    /// The lowest and the highest rate of an interval.
    bounds: Option<(f64, f64)>,
}

impl Fold for CallsFold {
    type Row = Counts;
    type Point = Point;

    fn begin(&mut self, observed: &[Observed], _: u32) {
        self.observed = observed.to_vec();
    }

    fn add(&mut self, interval: u64, row: &Counts) {
        let Ok(at) = self.observed.binary_search_by_key(&interval, |observed| observed.interval)
        else {
            return;
        };
        let span = self.observed[at].span.as_secs_f64();
        if span <= 0.0 {
            return;
        }
        let rate = row.summary.count as f64 / span;
        let (lowest, highest) = self.bounds.unwrap_or((rate, rate));
        self.bounds = Some((lowest.min(rate), highest.max(rate)));
        self.count += row.summary.count;
        self.span += span;
    }

    fn take(&mut self) -> Option<Point> {
        let (count, span) = (std::mem::take(&mut self.count), std::mem::take(&mut self.span));
        let (min, max) = self.bounds.take()?;
        Some(Point { value: count as f64 / span, min, max })
    }
}
