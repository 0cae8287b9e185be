//! Deltas: the values that one series recorded in a span of time, usually one tick.
//!
//! A series uses few of its buckets in a tick, so a delta is a sparse list. It never changes
//! after its tick has ended: the window, the totals and every sample that shows the tick share
//! one allocation, and a long list is [packed](crate::reading::packed) then. Deltas of any number
//! of ticks can be merged without loss, so a history or a remote storage can keep them.

use std::borrow::Cow;
use std::{iter, slice};

use crate::reading::buckets::Buckets;
use crate::reading::packed::{Packed, PackedCounts};
use crate::recording::layout::Layout;
use crate::recording::line::fetch;
use crate::recording::memory::{Held, of_arc, of_list};

/// The values of one tick or several: counts by bucket, and their sum.
///
/// ```
/// use node0_metrics_core::{Buckets, Delta, Layout};
///
/// let mut first = Delta::new(Layout::Latency);
/// first.add(0.012, 3);
/// let mut second = Delta::new(Layout::Latency);
/// second.add(0.250, 1);
///
/// first.merge(&second);
/// let both = Buckets::from(&first);
/// assert_eq!(both.count(), 4);
/// assert_eq!(both.quantile(0.5), Some(Layout::Latency.midpoint(Layout::Latency.bucket_of(0.012))));
/// ```
#[derive(Clone, Debug)]
pub struct Delta {
    layout: Layout,
    /// The numbers of the buckets with values, rising. They are apart from the counts, so that a
    /// search reads few cache lines.
    buckets: Vec<u16>,
    /// The counts of these buckets; none is zero.
    counts: Vec<u64>,
    /// The same for a delta that was sealed with many buckets; both lists are empty then.
    packed: Option<Packed>,
    count: u64,
    sum: f64,
    /// The bytes of a sealed delta.
    held: Held,
}

/// The number of buckets from which on a sealed delta is packed.
///
/// Packing takes a few nanoseconds for each bucket, and a short list saves little.
const PACKED_FROM: usize = 96;

static EMPTY_LATENCY: Delta = Delta::new(Layout::Latency);
static EMPTY_DISTRIBUTION: Delta = Delta::new(Layout::Distribution);

impl Delta {
    /// Creates a delta without values; it does not allocate.
    pub const fn new(layout: Layout) -> Self {
        Self {
            layout,
            buckets: Vec::new(),
            counts: Vec::new(),
            packed: None,
            count: 0,
            sum: 0.0,
            held: Held::NONE,
        }
    }

    /// Creates a delta of the given counts and sum, for example from storage.
    ///
    /// Bucket numbers can be in any order. Counts of the same number are added, and a number
    /// past the last bucket is taken as the last.
    pub fn from_counts(
        layout: Layout,
        counts: impl IntoIterator<Item = (u16, u64)>,
        sum: f64,
    ) -> Self {
        let mut delta = Self { sum, ..Self::new(layout) };
        let last = layout.buckets() - 1;
        counts.into_iter().for_each(|(bucket, n)| delta.put(bucket.min(last), n));
        delta
    }

    /// Returns a delta without values that lives forever.
    pub(crate) fn empty(layout: Layout) -> &'static Self {
        match layout {
            Layout::Latency => &EMPTY_LATENCY,
            Layout::Distribution => &EMPTY_DISTRIBUTION,
        }
    }

    /// The values that the bucket numbers stand for.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The number of values, which is the sum of all counts.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The sum of all values, in the metric's base unit.
    ///
    /// A value that is recorded while its tick ends may be counted in one delta and
    /// be added to the sum of the next. Over all ticks together, both are exact.
    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// Returns `true` if there is neither a count nor a part of a sum.
    pub fn is_empty(&self) -> bool {
        self.count == 0 && self.sum == 0.0
    }

    /// Returns the numbers and counts of the buckets with values, by ascending number.
    pub fn counts(&self) -> impl ExactSizeIterator<Item = (u16, u64)> + '_ {
        match &self.packed {
            Some(packed) => Counts::Packed(packed.counts()),
            None => Counts::Listed(self.buckets.iter().zip(&self.counts)),
        }
    }

    /// Adds a value `n` times.
    ///
    /// The same rules apply as for recording: a negative value or one that is not finite is
    /// dropped, and one beyond the layout's largest is taken as the largest.
    pub fn add(&mut self, value: f64, n: u64) {
        if let Some(value) = self.layout.accept(value) {
            self.put(self.layout.bucket_of(value), n);
            self.sum += value * n as f64;
        }
    }

    /// Adds all values of `other`.
    ///
    /// If `other` has another layout, each of its buckets is added at its midpoint, so
    /// its values are off by the errors of both layouts. Beyond 2⁶⁴ values the rest is
    /// not counted.
    pub fn merge(&mut self, other: &Self) {
        let other = other.to_layout(self.layout);
        self.unpack();
        // The common case is an empty `self`: the first read of a tick merges into it.
        if self.counts.is_empty() {
            match &other.packed {
                None => {
                    self.buckets.extend_from_slice(&other.buckets);
                    self.counts.extend_from_slice(&other.counts);
                }
                Some(packed) => (self.buckets, self.counts) = packed.counts().unzip(),
            }
            self.count = other.count;
        } else {
            other.counts().for_each(|(bucket, n)| self.put(bucket, n));
        }
        self.sum += other.sum;
    }

    /// Returns the same values in buckets of `layout`.
    pub(crate) fn to_layout(&self, layout: Layout) -> Cow<'_, Self> {
        if layout == self.layout {
            return Cow::Borrowed(self);
        }
        let bucket_of = |(bucket, n)| (layout.bucket_of(self.layout.midpoint(bucket)), n);
        Cow::Owned(Self::from_counts(layout, self.counts().map(bucket_of), self.sum))
    }

    /// Adds to one bucket, up to a total count of 2⁶⁴ − 1.
    pub(crate) fn put(&mut self, bucket: u16, n: u64) {
        // As long as the sum of all counts fits 64 bits, every partial sum does too.
        let n = n.min(u64::MAX - self.count);
        if n == 0 {
            return;
        }
        self.unpack();
        match self.buckets.binary_search(&bucket) {
            Ok(at) => self.counts[at] += n,
            Err(at) => {
                self.buckets.insert(at, bucket);
                self.counts.insert(at, n);
            }
        }
        self.count += n;
    }

    /// Returns the values with their counts in thin buckets, see [`Layout::THINNED_ERROR`].
    pub(crate) fn thinned(&self) -> Self {
        let mut thinned = Self { sum: self.sum, ..Self::new(self.layout) };
        for (bucket, n) in self.counts() {
            let bucket = self.layout.thin(bucket);
            match thinned.counts.last_mut().filter(|_| thinned.buckets.last() == Some(&bucket)) {
                Some(count) => {
                    *count += n;
                    thinned.count += n;
                }
                None => thinned.push(bucket, n),
            }
        }
        thinned
    }

    /// Gives back room that is not used, and counts the bytes of a delta that changes no more.
    pub(crate) fn seal(&mut self) {
        if self.buckets.len() >= PACKED_FROM {
            self.packed = Some(Packed::new(self.counts()));
            (self.buckets, self.counts) = (Vec::new(), Vec::new());
        } else if self.buckets.capacity() > 2 * self.buckets.len() {
            self.buckets.shrink_to_fit();
            self.counts.shrink_to_fit();
        }
        let packed = self.packed.as_ref().map_or(0, Packed::bytes);
        let lists = of_list(&self.buckets) + of_list(&self.counts);
        self.held.set(of_arc::<Self>() + lists + packed);
    }

    fn unpack(&mut self) {
        if let Some(packed) = self.packed.take() {
            (self.buckets, self.counts) = packed.counts().unzip();
        }
    }

    /// Appends the count of a bucket whose number is greater than all others; not for a sealed
    /// delta.
    pub(crate) fn push(&mut self, bucket: u16, n: u64) {
        self.buckets.push(bucket);
        self.counts.push(n);
        self.count += n;
    }

    /// Returns the number of values in the buckets before this one.
    pub(crate) fn count_below(&self, bucket: u16) -> u64 {
        self.counts().take_while(|(at, _)| *at < bucket).map(|(_, n)| n).sum()
    }

    /// Fetches the numbers of the buckets, for a search.
    pub(crate) fn fetch(&self) {
        fetch(&*self.buckets);
    }

    pub(crate) fn set_sum(&mut self, sum: f64) {
        self.sum = sum;
    }

    /// Empties the delta for another series, and keeps its allocation.
    pub(crate) fn reset(&mut self, layout: Layout) {
        self.unpack();
        self.buckets.clear();
        self.counts.clear();
        (self.layout, self.count, self.sum) = (layout, 0, 0.0);
    }
}

/// Compares layouts, counts and sums; it does not matter which is packed.
impl PartialEq for Delta {
    fn eq(&self, other: &Self) -> bool {
        (self.layout, self.count, self.sum) == (other.layout, other.count, other.sum)
            && self.counts().eq(other.counts())
    }
}

/// The counts of a delta, by rising bucket.
enum Counts<'a> {
    Listed(iter::Zip<slice::Iter<'a, u16>, slice::Iter<'a, u64>>),
    Packed(PackedCounts<'a>),
}

impl Iterator for Counts<'_> {
    type Item = (u16, u64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Listed(listed) => listed.next().map(|(bucket, n)| (*bucket, *n)),
            Self::Packed(packed) => packed.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Listed(listed) => listed.size_hint(),
            Self::Packed(packed) => packed.size_hint(),
        }
    }
}

impl ExactSizeIterator for Counts<'_> {}

/// All values, for example to store them.
impl From<&Buckets> for Delta {
    fn from(buckets: &Buckets) -> Self {
        let (numbers, counts) = buckets.counts().unzip();
        Self {
            buckets: numbers,
            counts,
            count: buckets.count(),
            sum: buckets.sum(),
            ..Self::new(buckets.layout())
        }
    }
}
