//! Counts by value: exact and mergeable.
//!
//! Only octaves with values are stored: a latency that stays between 1 and
//! 16 ms takes four. The [`Layout`] maps values to buckets. The values of one
//! tick are kept as a [`Delta`], which is sparse.

mod arithmetic;

use crate::reading::delta::Delta;
use crate::recording::layout::{Layout, PER_OCTAVE};
use crate::recording::memory::of_list;

/// Counts by value, with the sum of the values; plain data, mergeable without loss.
///
/// Values are in the metric's base unit, so seconds for latencies. A [`Histogram`](crate::Histogram)
/// returns them for its totals and its window. Create empty ones to merge others into, or to
/// count values of your own.
///
/// ```
/// use node0_metrics_core::Buckets;
///
/// let mut waits = Buckets::latency();
/// waits.add(0.020, 98);
/// waits.add(1.5, 2);
/// assert_eq!(waits.count(), 100);
/// let p99 = waits.quantile(0.99).expect("there are values");
/// assert!((p99 - 1.5).abs() <= waits.layout().error_at(1.5));
/// ```
#[derive(Clone, Debug)]
pub struct Buckets {
    layout: Layout,
    /// The numbers of the stored octaves, in ascending order. They are apart from the counts,
    /// so that a search reads a cache line or two.
    octaves: Vec<u16>,
    /// The counts of those octaves.
    counts: Vec<[u64; PER_OCTAVE]>,
    count: u64,
    sum: f64,
}

impl Buckets {
    /// Creates buckets of a layout, without values.
    pub const fn new(layout: Layout) -> Self {
        Self { layout, octaves: Vec::new(), counts: Vec::new(), count: 0, sum: 0.0 }
    }

    /// Creates buckets for latencies in seconds, without values.
    pub const fn latency() -> Self {
        Self::new(Layout::Latency)
    }

    /// Creates buckets for values of any unit, without values.
    pub const fn distribution() -> Self {
        Self::new(Layout::Distribution)
    }

    /// Returns buckets without values that live forever.
    pub(crate) fn empty(layout: Layout) -> &'static Self {
        static EMPTY_LATENCY: Buckets = Buckets::latency();
        static EMPTY_DISTRIBUTION: Buckets = Buckets::distribution();
        match layout {
            Layout::Latency => &EMPTY_LATENCY,
            Layout::Distribution => &EMPTY_DISTRIBUTION,
        }
    }

    /// Removes all values, and keeps the allocation.
    pub(crate) fn clear(&mut self, layout: Layout) {
        self.octaves.clear();
        self.counts.clear();
        (self.layout, self.count, self.sum) = (layout, 0, 0.0);
    }

    /// Returns the bytes of the lists.
    pub(crate) fn bytes(&self) -> usize {
        of_list(&self.octaves) + of_list(&self.counts)
    }

    /// The values that the bucket numbers stand for.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The number of values, which is the sum of all buckets by construction.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The exact sum of all values.
    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// Returns `true` if there are no values.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The mean; `None` without values.
    ///
    /// It is the exact sum divided by the count, clamped to the bounds of the lowest and the
    /// highest bucket with values.
    pub fn mean(&self) -> Option<f64> {
        let (low, _) = self.layout.bounds(self.counts().next()?.0);
        let (_, high) = self.layout.bounds(self.last()?);
        Some((self.sum / self.count as f64).clamp(low, high))
    }

    /// The smallest value, as its bucket's midpoint; `None` without values.
    pub fn min(&self) -> Option<f64> {
        self.counts().next().map(|(bucket, _)| self.layout.midpoint(bucket))
    }

    /// The largest value, as its bucket's midpoint; `None` without values.
    pub fn max(&self) -> Option<f64> {
        self.last().map(|bucket| self.layout.midpoint(bucket))
    }

    fn last(&self) -> Option<u16> {
        self.octaves().rev().find_map(|(octave, counts)| {
            let step = counts.iter().rposition(|n| *n > 0)?;
            Some(number(octave, step))
        })
    }

    /// The value at rank ⌈q·n⌉ (nearest rank); `None` without values.
    ///
    /// It is the midpoint of the exact value's bucket, so its error is at most
    /// [`Layout::error_at`]. A `q` outside 0 to 1 is clamped to that range, and one
    /// that is not a number is taken as 0.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let rank = (q.clamp(0.0, 1.0) * self.count as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        // Skips whole octaves first, so that only one is searched by bucket.
        let (octave, counts) = self.octaves().find(|(_, counts)| {
            let held = counts.iter().sum::<u64>();
            let reached = seen + held >= rank;
            seen += if reached { 0 } else { held };
            reached
        })?;
        let step = counts.iter().position(|n| {
            seen += n;
            seen >= rank
        })?;
        Some(self.layout.midpoint(number(octave, step)))
    }

    /// Returns the number of values up to `bound`; a bucket counts if its midpoint does.
    pub fn at_most(&self, bound: f64) -> u64 {
        self.cumulative(&[bound])[0]
    }

    /// Returns the number of values up to each of the ascending `bounds`, in one pass.
    ///
    /// An octave that no bound falls into is summed as a whole.
    pub fn cumulative(&self, bounds: &[f64]) -> Vec<u64> {
        let mut octaves = self.octaves();
        let mut rest = octaves.next().map(|octave| (octave, 0));
        let mut seen = 0;
        let at_most = |bound: &f64| {
            let end = usize::from(self.layout.end(*bound));
            while let Some(((octave, counts), from)) = rest {
                let first = usize::from(octave) * PER_OCTAVE;
                let to = end.saturating_sub(first).clamp(from, PER_OCTAVE);
                seen += counts[from..to].iter().sum::<u64>();
                if to < PER_OCTAVE {
                    rest = Some(((octave, counts), to));
                    break;
                }
                rest = octaves.next().map(|octave| (octave, 0));
            }
            seen
        };
        bounds.iter().map(at_most).collect()
    }

    /// Returns the midpoints and counts of the buckets with values, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        self.counts().map(|(bucket, n)| (self.layout.midpoint(bucket), n))
    }

    /// Returns the numbers and counts of the buckets with values, in ascending order.
    ///
    /// [`Layout::bounds`] returns the range of values of a bucket number.
    pub fn counts(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        self.octaves().flat_map(|(octave, counts)| {
            let filled = counts.iter().enumerate().filter(|(_, n)| **n > 0);
            filled.map(move |(step, n)| (number(octave, step), *n))
        })
    }

    /// Returns the counts of neighbouring buckets, each run with the number of its first bucket, in
    /// ascending order; buckets of no run have no values.
    ///
    /// It is for readers that convert all counts: adding up a run is faster than one count after
    /// the other.
    ///
    /// ```
    /// use node0_metrics_core::Buckets;
    ///
    /// let mut waits = Buckets::latency();
    /// waits.add(0.020, 98);
    /// waits.add(1.5, 2);
    /// let count: u64 = waits.runs().flat_map(|(_, counts)| counts).sum();
    /// assert_eq!(count, waits.count());
    /// ```
    pub fn runs(&self) -> impl Iterator<Item = (u16, &[u64])> {
        self.octaves().map(|(octave, counts)| (number(octave, 0), &counts[..]))
    }

    /// Returns the count of one bucket.
    pub fn count_of(&self, bucket: u16) -> u64 {
        let (octave, step) = place(bucket);
        self.find(octave).map_or(0, |at| self.counts[at][step])
    }

    fn octave(&mut self, octave: u16) -> &mut [u64; PER_OCTAVE] {
        let at = self.octave_at(octave);
        &mut self.counts[at]
    }

    /// Returns the index at which an octave is stored, after inserting it if it is missing.
    fn octave_at(&mut self, octave: u16) -> usize {
        self.find(octave).unwrap_or_else(|at| {
            self.octaves.insert(at, octave);
            self.counts.insert(at, [0; PER_OCTAVE]);
            at
        })
    }

    fn find(&self, octave: u16) -> Result<usize, usize> {
        self.octaves.binary_search(&octave)
    }

    /// The stored octaves by ascending number; after subtraction some may be empty.
    fn octaves(&self) -> impl DoubleEndedIterator<Item = (u16, &[u64; PER_OCTAVE])> {
        self.octaves.iter().copied().zip(&self.counts)
    }
}

/// The octave of a bucket, and its place in the octave.
fn place(bucket: u16) -> (u16, usize) {
    (bucket / PER_OCTAVE as u16, usize::from(bucket) % PER_OCTAVE)
}

/// The bucket at a place of an octave.
fn number(octave: u16, step: usize) -> u16 {
    octave * PER_OCTAVE as u16 + step as u16
}

/// Compares layout, sum and counts; empty octaves that are stored do not matter.
impl PartialEq for Buckets {
    fn eq(&self, other: &Self) -> bool {
        self.layout == other.layout && self.sum == other.sum && self.counts().eq(other.counts())
    }
}

/// The values of a delta, for their quantiles.
impl From<&Delta> for Buckets {
    fn from(delta: &Delta) -> Self {
        let mut buckets = Self::new(delta.layout());
        buckets.add_delta(delta);
        buckets
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
