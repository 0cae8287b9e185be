//! Counts by value: exact, sparse, mergeable.
//!
//! Only buckets that hold something are stored, by rising value: a latency that
//! stays between 1 and 16 ms takes at most 256 of them, and usually half. Where
//! a value lies is the business of the [layout](crate::layout).

use std::cmp::Ordering;

use crate::layout::{Layout, PER_OCTAVE};

/// A bucket's number and its count.
pub(crate) type Cell = (u16, u64);

/// Counts by value, with their sum; plain data, mergeable without loss.
///
/// Values are in the metric's base unit, so seconds for latencies.
#[derive(Clone, Debug, PartialEq)]
pub struct Buckets {
    layout: Layout,
    /// By rising number; none is empty.
    cells: Vec<Cell>,
    count: u64,
    sum: f64,
}

impl Buckets {
    pub(crate) fn new(layout: Layout) -> Self {
        Self { layout, cells: Vec::new(), count: 0, sum: 0.0 }
    }

    /// How many values there are: by construction the sum of all buckets.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The exact sum of all values.
    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// The mean, `None` without values.
    pub fn mean(&self) -> Option<f64> {
        let (first, last) = (self.cells.first()?, self.cells.last()?);
        let (low, high) = (self.layout.range(first.0).0, self.layout.range(last.0).1);
        Some((self.sum / self.count as f64).clamp(low, high))
    }

    /// The smallest value, as its bucket's midpoint; `None` without values.
    pub fn min(&self) -> Option<f64> {
        self.cells.first().map(|(bucket, _)| self.layout.midpoint(*bucket))
    }

    /// The largest value, as its bucket's midpoint; `None` without values.
    pub fn max(&self) -> Option<f64> {
        self.cells.last().map(|(bucket, _)| self.layout.midpoint(*bucket))
    }

    /// The value at rank ⌈q·n⌉ (nearest rank), off by at most 1/128; `None` without values.
    ///
    /// `q` outside 0 to 1, or not a number, is taken as the nearer end.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let rank = (q.clamp(0.0, 1.0) * self.count as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        let reaches = |(_, n): &&Cell| {
            seen += n;
            seen >= rank
        };
        self.cells.iter().find(reaches).map(|(bucket, _)| self.layout.midpoint(*bucket))
    }

    /// How many values are at most `bound`; a bucket counts where its midpoint lies.
    pub fn at_most(&self, bound: f64) -> u64 {
        let end = self.layout.end(bound);
        self.cells.iter().take_while(|(bucket, _)| *bucket < end).map(|(_, n)| n).sum()
    }

    /// How many values are at most each of the rising `bounds`, in one pass.
    pub fn cumulative(&self, bounds: &[f64]) -> Vec<u64> {
        let mut cells = self.cells.iter().peekable();
        let mut seen = 0;
        let at_most = |bound: &f64| {
            let end = self.layout.end(*bound);
            while let Some((_, n)) = cells.next_if(|(bucket, _)| *bucket < end) {
                seen += n;
            }
            seen
        };
        bounds.iter().map(at_most).collect()
    }

    /// The midpoints of the buckets that hold something, rising, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        self.cells.iter().map(|(bucket, n)| (self.layout.midpoint(*bucket), *n))
    }

    /// The buckets that hold something, by rising number.
    pub(crate) fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// Adds all values of `other`, which must come from the same kind of metric.
    pub fn merge(&mut self, other: &Self) {
        debug_assert_eq!(self.layout, other.layout, "latencies merge with latencies only");
        *self = Self { sum: self.sum + other.sum, ..self.with(&other.cells) };
    }

    /// What is left without what was merged before; the sum is the caller's, since
    /// floats do not subtract exactly.
    pub(crate) fn without(&self, other: &Self) -> Self {
        let cells = zip(&self.cells, &other.cells, |mine, theirs| mine.saturating_sub(theirs));
        Self { cells, count: self.count - other.count, ..*self }
    }

    /// These and more; the sum is the caller's.
    pub(crate) fn with(&self, cells: &[Cell]) -> Self {
        let count = self.count + cells.iter().map(|(_, n)| n).sum::<u64>();
        Self { cells: zip(&self.cells, cells, |mine, more| mine + more), count, ..*self }
    }

    pub(crate) fn set_sum(&mut self, sum: f64) {
        self.sum = sum;
    }

    /// How many values are in the linear octave of a latency.
    pub(crate) fn linear(&self) -> u64 {
        let linear = self.cells.iter().take_while(|(bucket, _)| usize::from(*bucket) < PER_OCTAVE);
        linear.map(|(_, n)| n).sum()
    }

    /// Raises the buckets of an octave to newer totals and notes by how much; a lower total changes nothing.
    pub(crate) fn raise(&mut self, octave: usize, totals: &[u64; PER_OCTAVE], by: &mut Vec<Cell>) {
        let first = (octave * PER_OCTAVE) as u16;
        let mut at = self.cells.partition_point(|(bucket, _)| *bucket < first);
        for (bucket, total) in (first..).zip(totals).filter(|(_, total)| **total > 0) {
            let known = self.cells.get_mut(at).filter(|(known, _)| *known == bucket);
            let mine = match known {
                Some((_, mine)) => mine,
                None => {
                    self.cells.insert(at, (bucket, 0));
                    &mut self.cells[at].1
                }
            };
            at += 1;
            if *total > *mine {
                by.push((bucket, *total - *mine));
                self.count += *total - *mine;
                *mine = *total;
            }
        }
    }
}

/// Goes through two lists side by side; what becomes zero is left out.
fn zip(a: &[Cell], b: &[Cell], both: impl Fn(u64, u64) -> u64) -> Vec<Cell> {
    let (mut a, mut b) = (a, b);
    let mut cells = Vec::with_capacity(a.len() + b.len());
    while let ([(left, n), rest_a @ ..], [(right, m), rest_b @ ..]) = (a, b) {
        let (bucket, count) = match left.cmp(right) {
            Ordering::Less => (*left, both(*n, 0)),
            Ordering::Greater => (*right, both(0, *m)),
            Ordering::Equal => (*left, both(*n, *m)),
        };
        (a, b) = (if left <= right { rest_a } else { a }, if right <= left { rest_b } else { b });
        if count > 0 {
            cells.push((bucket, count));
        }
    }
    cells.extend_from_slice(a);
    cells.extend(b.iter().map(|(bucket, m)| (*bucket, both(0, *m))).filter(|(_, n)| *n > 0));
    cells
}

#[cfg(test)]
mod tests;
