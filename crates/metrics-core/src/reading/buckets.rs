//! Counts by value: exact and mergeable.
//!
//! Only octaves that hold something are stored: a latency that stays between 1
//! and 16 ms takes four. Where a value lies is the business of the
//! [layout](crate::recording::layout). What a tick brought is kept sparse instead, since
//! it is few buckets of many.

use crate::recording::layout::{Layout, PER_LINE, PER_OCTAVE};

/// Counts by value, with their sum; plain data, mergeable without loss.
///
/// Values are in the metric's base unit, so seconds for latencies.
#[derive(Clone, Debug)]
pub struct Buckets {
    layout: Layout,
    /// Which octaves, by rising number: close together, to be searched.
    keys: Vec<u16>,
    /// The counts of those octaves.
    counts: Vec<[u64; PER_OCTAVE]>,
    count: u64,
    sum: f64,
}

impl Buckets {
    pub(crate) fn new(layout: Layout) -> Self {
        Self { layout, keys: Vec::new(), counts: Vec::new(), count: 0, sum: 0.0 }
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
        let (low, _) = self.layout.range(self.cells().next()?.0);
        let (_, high) = self.layout.range(self.last()?);
        Some((self.sum / self.count as f64).clamp(low, high))
    }

    /// The smallest value, as its bucket's midpoint; `None` without values.
    pub fn min(&self) -> Option<f64> {
        self.cells().next().map(|(bucket, _)| self.layout.midpoint(bucket))
    }

    /// The largest value, as its bucket's midpoint; `None` without values.
    pub fn max(&self) -> Option<f64> {
        self.last().map(|bucket| self.layout.midpoint(bucket))
    }

    fn last(&self) -> Option<usize> {
        self.octaves().rev().find_map(|(key, counts)| {
            let step = counts.iter().rposition(|n| *n > 0)?;
            Some(key * PER_OCTAVE + step)
        })
    }

    /// The value at rank ⌈q·n⌉ (nearest rank), off by at most 1/128; `None` without values.
    ///
    /// `q` outside 0 to 1, or not a number, is taken as the nearer end.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let rank = (q.clamp(0.0, 1.0) * self.count as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        // Whole octaves first, so that only one is walked through.
        let (key, counts) = self.octaves().find(|(_, counts)| {
            let held = counts.iter().sum::<u64>();
            let reached = seen + held >= rank;
            seen += if reached { 0 } else { held };
            reached
        })?;
        let step = counts.iter().position(|n| {
            seen += n;
            seen >= rank
        })?;
        Some(self.layout.midpoint(key * PER_OCTAVE + step))
    }

    /// How many values are at most `bound`; a bucket counts where its midpoint lies.
    pub fn at_most(&self, bound: f64) -> u64 {
        self.cumulative(&[bound])[0]
    }

    /// How many values are at most each of the rising `bounds`, in one pass.
    ///
    /// An octave that no bound falls into is summed as a whole.
    pub fn cumulative(&self, bounds: &[f64]) -> Vec<u64> {
        let mut octaves = self.octaves();
        let mut rest = octaves.next().map(|octave| (octave, 0));
        let mut seen = 0;
        let at_most = |bound: &f64| {
            let end = self.layout.end(*bound);
            while let Some(((key, counts), from)) = rest {
                let to = end.saturating_sub(key * PER_OCTAVE).clamp(from, PER_OCTAVE);
                seen += counts[from..to].iter().sum::<u64>();
                if to < PER_OCTAVE {
                    rest = Some(((key, counts), to));
                    break;
                }
                rest = octaves.next().map(|octave| (octave, 0));
            }
            seen
        };
        bounds.iter().map(at_most).collect()
    }

    /// The midpoints of the buckets that hold something, rising, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        self.cells().map(|(bucket, n)| (self.layout.midpoint(bucket), n))
    }

    /// The numbers of the buckets that hold something, rising, with their counts.
    pub(crate) fn cells(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        self.octaves().flat_map(|(key, counts)| {
            let filled = counts.iter().enumerate().filter(|(_, n)| **n > 0);
            filled.map(move |(step, n)| (key * PER_OCTAVE + step, *n))
        })
    }

    /// Adds all values of `other`, which must come from the same kind of metric.
    pub fn merge(&mut self, other: &Self) {
        debug_assert_eq!(self.layout, other.layout, "latencies merge with latencies only");
        for (key, theirs) in other.octaves() {
            let mine = self.octave(key);
            for (mine, theirs) in mine.iter_mut().zip(theirs) {
                *mine += theirs;
            }
        }
        self.count += other.count;
        self.sum += other.sum;
    }

    /// Adds what a tick brought; the sum is the caller's.
    pub(crate) fn enter(&mut self, rise: &Rise) {
        self.each_octave(rise, |count, n| *count += n);
        self.count += rise.samples;
    }

    /// Takes away what [`Self::enter`] added.
    pub(crate) fn leave(&mut self, rise: &Rise) {
        self.each_octave(rise, |count, n| *count -= n);
        self.count -= rise.samples;
    }

    fn each_octave(&mut self, rise: &Rise, change: impl Fn(&mut u64, u64)) {
        let octave_of = |(bucket, _): &(u16, u64)| usize::from(*bucket) / PER_OCTAVE;
        for cells in rise.cells.chunk_by(|a, b| octave_of(a) == octave_of(b)) {
            let counts = self.octave(octave_of(&cells[0]));
            for (bucket, n) in cells {
                change(&mut counts[usize::from(*bucket) % PER_OCTAVE], *n);
            }
        }
    }

    pub(crate) fn set_sum(&mut self, sum: f64) {
        self.sum = sum;
    }

    /// Moves up to the newer totals of the buckets from `first` on, and notes by how much; a
    /// lower one says nothing.
    pub(crate) fn raise(&mut self, first: usize, totals: &[u64; PER_LINE], by: &mut Rise) {
        let known = &mut self.octave(first / PER_OCTAVE)[first % PER_OCTAVE..][..PER_LINE];
        let before = by.samples();
        for (step, (known, total)) in known.iter_mut().zip(totals).enumerate() {
            if total > known {
                by.push((first + step) as u16, total - *known);
                *known = *total;
            }
        }
        self.count += by.samples() - before;
    }

    fn octave(&mut self, key: usize) -> &mut [u64; PER_OCTAVE] {
        let at = self.find(key).unwrap_or_else(|at| {
            self.keys.insert(at, key as u16);
            self.counts.insert(at, [0; PER_OCTAVE]);
            at
        });
        &mut self.counts[at]
    }

    fn find(&self, key: usize) -> Result<usize, usize> {
        self.keys.binary_search(&(key as u16))
    }

    /// The octaves that hold something, or did, by rising key.
    fn octaves(&self) -> impl DoubleEndedIterator<Item = (usize, &[u64; PER_OCTAVE])> {
        self.keys.iter().map(|key| usize::from(*key)).zip(&self.counts)
    }
}

/// Equal values in equal numbers, whatever room is kept for others.
impl PartialEq for Buckets {
    fn eq(&self, other: &Self) -> bool {
        self.layout == other.layout && self.sum == other.sum && self.cells().eq(other.cells())
    }
}

/// What was recorded in a while: the buckets that rose, by how much, and the sum.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rise {
    /// By rising number.
    cells: Vec<(u16, u64)>,
    samples: u64,
    sum: f64,
}

impl Rise {
    pub(crate) const fn new() -> Self {
        Self { cells: Vec::new(), samples: 0, sum: 0.0 }
    }

    pub(crate) fn push(&mut self, bucket: u16, n: u64) {
        self.cells.push((bucket, n));
        self.samples += n;
    }

    pub(crate) fn samples(&self) -> u64 {
        self.samples
    }

    pub(crate) fn cells(&self) -> &[(u16, u64)] {
        &self.cells
    }

    /// How many samples are in the buckets below one.
    pub(crate) fn below(&self, bucket: usize) -> u64 {
        let below = self.cells.iter().take_while(|(at, _)| usize::from(*at) < bucket);
        below.map(|(_, n)| n).sum()
    }

    pub(crate) fn sum(&self) -> f64 {
        self.sum
    }

    pub(crate) fn set_sum(&mut self, sum: f64) {
        self.sum = sum;
    }

    pub(crate) fn clear(&mut self) {
        self.cells.clear();
        (self.samples, self.sum) = (0, 0.0);
    }

    /// Adds what came later; the sum is the caller's.
    pub(crate) fn append(&mut self, later: &Self) {
        // Few buckets among many, nearly always; the first reading of a tick finds none.
        if self.cells.is_empty() {
            self.cells.extend_from_slice(&later.cells);
        } else {
            for &(bucket, n) in &later.cells {
                match self.cells.binary_search_by_key(&bucket, |(known, _)| *known) {
                    Ok(at) => self.cells[at].1 += n,
                    Err(at) => self.cells.insert(at, (bucket, n)),
                }
            }
        }
        self.samples += later.samples;
    }
}

#[cfg(test)]
mod tests;
