//! Heat: how many values fell into each bucket of a step.
//!
//! The buckets of the cells are too many for a picture: 64 for each doubling. They are joined to
//! rows of half a doubling, so a microsecond to ten seconds are 46 rows.

use node0_interval_codec::Counts;
use node0_metrics_core::Layout;

use crate::fold::Fold;
use crate::timeline::Observed;

/// The rows for each doubling of the value.
const ROWS_PER_OCTAVE: f64 = 2.0;

/// The counts of one step: the number of the first row, and the counts from there on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Heat {
    first: i32,
    counts: Vec<u64>,
}

/// Makes the rows of all intervals of a step.
#[derive(Debug)]
pub(crate) struct HeatFold {
    layout: Layout,
    halvings: u32,
    heat: Option<Heat>,
}

impl HeatFold {
    pub(crate) fn new(layout: Layout) -> Self {
        Self { layout, halvings: 0, heat: None }
    }

    /// The row of a bucket, by the middle of those that were joined to it.
    fn row_of(&self, bucket: u16) -> i32 {
        let (low, _) = self.layout.bounds(bucket << self.halvings);
        let (_, high) = self.layout.bounds(((bucket + 1) << self.halvings) - 1);
        ((low + (high - low) / 2.0).log2() * ROWS_PER_OCTAVE).floor() as i32
    }
}

impl Fold for HeatFold {
    type Row = Counts;
    type Point = Heat;

    fn begin(&mut self, _: &[Observed], halvings: u32) {
        self.halvings = halvings;
    }

    fn add(&mut self, _: u64, row: &Counts) {
        for (bucket, count) in row.buckets.iter().zip(&row.counts) {
            let at = self.row_of(*bucket);
            let heat = self.heat.get_or_insert_with(|| Heat { first: at, counts: Vec::new() });
            heat.add(at, u64::from(*count));
        }
    }

    fn take(&mut self) -> Option<Heat> {
        self.heat.take()
    }
}

impl Heat {
    fn add(&mut self, row: i32, count: u64) {
        // Buckets come in ascending order within an interval, but not from one to the next.
        let missing = usize::try_from(self.first - row).unwrap_or(0);
        self.counts.splice(0..0, std::iter::repeat_n(0, missing));
        self.first = self.first.min(row);
        let at = usize::try_from(row - self.first).unwrap_or(0);
        self.counts.resize(self.counts.len().max(at + 1), 0);
        self.counts[at] += count;
    }

    /// Returns the number of values.
    pub(crate) fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Returns the bounds of the rows that any of the steps has, and the counts of each step in
    /// these rows.
    pub(crate) fn table(steps: &[Option<Self>]) -> (Vec<f64>, Vec<Option<Vec<u64>>>) {
        let known = || steps.iter().flatten();
        let end = |heat: &Self| heat.first + heat.counts.len() as i32;
        let (Some(first), Some(end)) =
            (known().map(|heat| heat.first).min(), known().map(end).max())
        else {
            return (Vec::new(), vec![None; steps.len()]);
        };
        let bounds = (first..=end).map(|row| (f64::from(row) / ROWS_PER_OCTAVE).exp2()).collect();
        let column = |heat: &Self| {
            let before = usize::try_from(heat.first - first).unwrap_or(0);
            let mut column = vec![0; before];
            column.extend(&heat.counts);
            column.resize(usize::try_from(end - first).unwrap_or(0), 0);
            column
        };
        (bounds, steps.iter().map(|step| step.as_ref().map(column)).collect())
    }
}
