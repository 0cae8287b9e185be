//! Folds: make one value of all intervals of a step.

use std::time::Duration;

use metrics_core::Layout;

use crate::codec::Row;
use crate::codec::counts::Counts;
use crate::codec::numbers::Numbers;
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

    /// Prepares for the intervals of a tier.
    fn begin(&mut self, observed: &[Observed], halvings: u32);

    /// Adds an interval.
    fn add(&mut self, interval: u64, row: &Self::Row);

    /// Returns the point of all intervals that were added since the last call.
    fn take(&mut self) -> Option<Point>;
}

/// The mean of a gauge.
#[derive(Debug, Default)]
pub(crate) struct LevelFold(Numbers);

impl Fold for LevelFold {
    type Row = Numbers;

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
    observed: Vec<Observed>,
    sum: f64,
    span: Duration,
    /// The lowest and the highest rate of an interval.
    bounds: Option<(f64, f64)>,
}

impl Fold for RateFold {
    type Row = Numbers;

    fn begin(&mut self, observed: &[Observed], _: u32) {
        self.observed = observed.to_vec();
    }

    fn add(&mut self, interval: u64, row: &Numbers) {
        let Ok(at) = self.observed.binary_search_by_key(&interval, |observed| observed.interval)
        else {
            return;
        };
        let Observed { ticks, span, .. } = self.observed[at];
        let tick = span / ticks.max(1);
        if row.ticks == 0 || tick.is_zero() {
            return;
        }
        // A series that began or ended within the interval was there for some of its ticks.
        self.span += tick * row.ticks;
        self.sum += row.sum;
        let (min, max) = (row.min / tick.as_secs_f64(), row.max / tick.as_secs_f64());
        let (lowest, highest) = self.bounds.unwrap_or((min, max));
        self.bounds = Some((lowest.min(min), highest.max(max)));
    }

    fn take(&mut self) -> Option<Point> {
        let (sum, span) = (std::mem::take(&mut self.sum), std::mem::take(&mut self.span));
        let (min, max) = self.bounds.take()?;
        Some(Point { value: sum / span.as_secs_f64(), min, max })
    }
}

/// A quantile of a latency or distribution, or its mean.
#[derive(Debug)]
pub(crate) struct BucketsFold {
    layout: Layout,
    quantile: Option<f64>,
    halvings: u32,
    /// The counts of all buckets.
    counts: Vec<u64>,
    /// The lowest and the highest bucket with a count.
    bounds: Option<(usize, usize)>,
    count: u64,
    sum: f64,
}

impl BucketsFold {
    pub(crate) fn new(layout: Layout, quantile: Option<f64>) -> Self {
        let counts = vec![0; layout.buckets().into()];
        Self { layout, quantile, halvings: 0, counts, bounds: None, count: 0, sum: 0.0 }
    }

    /// The bounds of a bucket, or of the buckets that were joined to it.
    fn bounds_of(&self, bucket: usize) -> (f64, f64) {
        let first = bucket << self.halvings;
        let last = first + (1 << self.halvings) - 1;
        let (low, _) = self.layout.bounds(first as u16);
        let (_, high) = self.layout.bounds(last as u16);
        (low, high)
    }

    /// The value that stands for all values of a bucket.
    fn midpoint(&self, bucket: usize) -> f64 {
        let (low, high) = self.bounds_of(bucket);
        low + (high - low) / 2.0
    }

    /// The bucket with the value at rank ⌈q·n⌉.
    fn bucket_at(&self, quantile: f64, (lowest, highest): (usize, usize)) -> usize {
        let rank = (quantile * self.count as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        let reaches = |bucket: &usize| {
            seen += self.counts[*bucket];
            seen >= rank
        };
        (lowest..=highest).find(reaches).unwrap_or(highest)
    }
}

impl Fold for BucketsFold {
    type Row = Counts;

    fn begin(&mut self, _: &[Observed], halvings: u32) {
        self.halvings = halvings;
    }

    fn add(&mut self, _: u64, row: &Counts) {
        let (Some(lowest), Some(highest)) = (
            row.counts.iter().position(|count| *count > 0),
            row.counts.iter().rposition(|count| *count > 0),
        ) else {
            return;
        };
        for (bucket, count) in row.buckets.iter().zip(&row.counts) {
            self.counts[usize::from(*bucket)] += u64::from(*count);
        }
        self.count += row.count();
        let (lowest, highest) = (row.buckets[lowest].into(), row.buckets[highest].into());
        let (low, high) = self.bounds.unwrap_or((lowest, highest));
        self.bounds = Some((low.min(lowest), high.max(highest)));
        self.sum += row.sum;
    }

    fn take(&mut self) -> Option<Point> {
        let sum = std::mem::take(&mut self.sum);
        let (lowest, highest) = self.bounds.take()?;
        let (min, max) = (self.midpoint(lowest), self.midpoint(highest));
        let value = match self.quantile {
            Some(quantile) => self.midpoint(self.bucket_at(quantile, (lowest, highest))),
            None => {
                // A value may be counted in one tick and added to the sum of the next.
                let (low, high) = (self.bounds_of(lowest).0, self.bounds_of(highest).1);
                (sum / self.count as f64).clamp(low, high)
            }
        };
        self.counts[lowest..=highest].fill(0);
        self.count = 0;
        Some(Point { value, min, max })
    }
}
