//! The intervals of latencies and distributions: counts by bucket.
//!
//! The shape of a distribution changes slowly, so the count of a bucket is expected to be its share
//! of the counts so far, times the count of the interval. Buckets that had no count yet in the block
//! follow after the known ones, each with its distance from the one before. Of the sum, the mean is
//! coded, to 14 bits.

use metrics_core::Delta;

use super::column::Column;
use super::tables::{CENTER, DIRECT, SPREADS, SYMBOLS, TABLES, Tables};
use super::{Coder, Model, Row};

/// The counts of one series in one interval.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Counts {
    /// The numbers of buckets, rising.
    pub(crate) buckets: Vec<u16>,
    /// Their counts, of which some may be zero.
    pub(crate) counts: Vec<u32>,
    /// The sum of all values, within 1 in 16 000 once it was coded.
    pub(crate) sum: f64,
}

impl Counts {
    /// The number of values.
    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().map(|count| u64::from(*count)).sum()
    }

    /// Adds to the count of a bucket, which may be new.
    fn add(&mut self, at: &mut usize, bucket: u16, count: u32) {
        // Both lists rise, so the search goes on where the last one ended.
        *at += self.buckets[*at..].partition_point(|have| *have < bucket);
        if self.buckets.get(*at) == Some(&bucket) {
            self.counts[*at] = self.counts[*at].saturating_add(count);
        } else {
            self.buckets.insert(*at, bucket);
            self.counts.insert(*at, count);
        }
    }
}

impl From<&Delta> for Counts {
    fn from(delta: &Delta) -> Self {
        // A bucket does not get four billion values in an interval.
        let limit = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let counts = delta.counts().map(|(bucket, count)| (bucket, limit(count)));
        let (buckets, counts) = counts.unzip();
        Self { buckets, counts, sum: delta.sum() }
    }
}

impl Row for Counts {
    type Model = CountsModel;

    fn merge(&mut self, later: &Self) {
        self.sum += later.sum;
        let new = later.buckets.iter().filter(|bucket| self.buckets.binary_search(bucket).is_err());
        let new = new.count();
        self.buckets.reserve_exact(new);
        self.counts.reserve_exact(new);
        let mut at = 0;
        for (bucket, count) in later.buckets.iter().zip(&later.counts) {
            self.add(&mut at, *bucket, *count);
        }
    }

    fn coarsen(&mut self, times: u32) {
        if times == 0 {
            return;
        }
        let mut kept = 0;
        for at in 0..self.buckets.len() {
            let (bucket, count) = (self.buckets[at] >> times, self.counts[at]);
            if kept > 0 && self.buckets[kept - 1] == bucket {
                self.counts[kept - 1] = self.counts[kept - 1].saturating_add(count);
            } else {
                (self.buckets[kept], self.counts[kept]) = (bucket, count);
                kept += 1;
            }
        }
        self.buckets.truncate(kept);
        self.counts.truncate(kept);
    }

    fn shorten(&mut self) {}

    fn heap_bytes(&self) -> usize {
        self.buckets.capacity() * size_of::<u16>() + self.counts.capacity() * size_of::<u32>()
    }
}

/// The greatest number of intervals that the shape remembers.
const MEMORY: f32 = 40.0;
/// The share of a new bucket that is taken for chance.
const SMOOTHING: f32 = 0.15;

/// Expects the shape of the counts so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct CountsModel {
    /// The buckets that had a count in this block, rising.
    buckets: Vec<u16>,
    /// Their counts so far, the older the less.
    weights: Vec<f32>,
    /// The sum of all weights.
    weight: f32,
    count: Column,
    mean: Column,
    distance: Column,
    first_count: Column,
}

impl Model for CountsModel {
    type Row = Counts;

    fn code<C: Coder>(&mut self, row: &mut Counts, coder: &mut C) {
        let count = if C::READS { 0 } else { row.count() };
        let count = self.count.code(count as f64, coder) as u64;
        if count == 0 {
            *row = Counts::default();
            return;
        }
        let mean = self.mean.code(shortened(row.sum / count as f64), coder);
        row.sum = lengthened(mean) * count as f64;
        let (mut known, mut new) =
            if C::READS { (vec![0; self.buckets.len()], Vec::new()) } else { self.split(row) };
        let rest = self.code_known(&mut known, count, coder);
        self.code_new(&mut new, rest, coder);
        let counts = self.learn(known, new, count);
        if C::READS {
            row.buckets.clone_from(&self.buckets);
            row.counts = counts;
        }
    }

    fn heap_bytes(&self) -> usize {
        self.buckets.capacity() * size_of::<u16>() + self.weights.capacity() * size_of::<f32>()
    }
}

impl CountsModel {
    /// Splits the counts of a row: those of the known buckets, and the others with their buckets.
    fn split(&self, row: &Counts) -> (Vec<u32>, Vec<(u16, u32)>) {
        let (mut known, mut new, mut at) = (vec![0; self.buckets.len()], Vec::new(), 0);
        for (bucket, count) in row.buckets.iter().copied().zip(row.counts.iter().copied()) {
            at += self.buckets[at..].partition_point(|have| *have < bucket);
            match self.buckets.get(at) {
                Some(have) if *have == bucket => known[at] = count,
                _ if count > 0 => new.push((bucket, count)),
                _ => {}
            }
        }
        (known, new)
    }

    /// Codes the counts of the known buckets, and returns the number of values in others.
    fn code_known<C: Coder>(&self, known: &mut [u32], count: u64, coder: &mut C) -> u64 {
        if known.is_empty() {
            return count;
        }
        let scale = count as f32 / (self.weight + SMOOTHING * known.len() as f32);
        let expected = |weight: &f32| (weight + SMOOTHING) * scale;
        let spread =
            if C::READS { 0 } else { nearest_spread(self.weights.iter().map(expected), known) };
        let spread = coder.bits(spread as u64, SPREADS.len().ilog2()) as usize;
        let (tables, mut rest) = (&*TABLES, count);
        for (weight, known) in self.weights.iter().zip(known) {
            *known = code_count(tables, spread, expected(weight), *known, coder);
            rest = rest.saturating_sub((*known).into());
            // All later counts are zero, and nothing says so.
            if rest == 0 {
                break;
            }
        }
        rest
    }

    /// Codes the buckets that are new in the block, until no value is left.
    fn code_new<C: Coder>(&mut self, new: &mut Vec<(u16, u32)>, mut rest: u64, coder: &mut C) {
        let (mut last, mut at) = (-1.0, 0);
        while rest > 0 {
            let (bucket, count) = new.get(at).copied().unwrap_or_default();
            let bucket = last + self.distance.code(f64::from(bucket) - last, coder);
            let count = 1 + self.first_count.code(count.saturating_sub(1).into(), coder) as u32;
            if C::READS {
                new.push((bucket as u16, count));
            }
            rest = rest.saturating_sub(count.into());
            (last, at) = (bucket, at + 1);
        }
    }

    /// Learns the counts of an interval, and returns them with those of the new buckets among them.
    fn learn(&mut self, mut counts: Vec<u32>, new: Vec<(u16, u32)>, count: u64) -> Vec<u32> {
        let mut at = 0;
        self.buckets.reserve_exact(new.len());
        self.weights.reserve_exact(new.len());
        for (bucket, count) in new {
            at += self.buckets[at..].partition_point(|have| *have < bucket);
            self.buckets.insert(at, bucket);
            self.weights.insert(at, 0.0);
            counts.insert(at, count);
        }
        let kept = 1.0 - 1.0 / MEMORY;
        for (weight, count) in self.weights.iter_mut().zip(&counts) {
            *weight = *weight * kept + *count as f32;
        }
        self.weight = self.weight * kept + count as f32;
        counts
    }
}

/// The bits of a single-precision float that a mean is coded without.
const DROPPED_BITS: u32 = 10;

/// Returns the upper bits of a float as a whole number, which has the order of the floats.
fn shortened(mean: f64) -> f64 {
    f64::from((mean as f32).to_bits() >> DROPPED_BITS)
}

/// Returns the float in the middle of those with these upper bits; zero stays zero.
fn lengthened(upper: f64) -> f64 {
    let middle = if upper > 0.0 { 1 << (DROPPED_BITS - 1) } else { 0 };
    f64::from(f32::from_bits((upper as u32) << DROPPED_BITS | middle))
}

/// Returns the number of the spread that fits best to what is between expected and real counts.
fn nearest_spread(expected: impl Iterator<Item = f32>, counts: &[u32]) -> usize {
    let (mut excess, mut squares) = (0.0, 0.0);
    for (expected, count) in expected.zip(counts) {
        let error = *count as f32 - expected;
        excess += error * error - expected;
        squares += expected * expected;
    }
    let spread = excess / squares.max(f32::MIN_POSITIVE);
    // The bounds are the geometric means of neighbours.
    SPREADS.windows(2).filter(|pair| spread > (pair[0].max(0.003) * pair[1]).sqrt()).count()
}

/// Codes a count by the one that is expected.
#[inline]
fn code_count<C: Coder>(
    tables: &Tables,
    spread: usize,
    expected: f32,
    count: u32,
    coder: &mut C,
) -> u32 {
    if expected < DIRECT {
        let last = SYMBOLS - 1;
        let symbol = (count as usize).min(last);
        let symbol = coder.symbol(tables.direct(spread, expected), symbol);
        return if symbol < last { symbol as u32 } else { code_surprise(count, coder) };
    }
    let deviation = (expected + expected * expected * SPREADS[spread]).sqrt();
    let (table, bits) = tables.distances(deviation);
    // Example: 500 are expected and deviate by 22, so a step is 8 wide. 521 is 21 more: two
    // steps, and 5.
    let distance = i64::from(count) - expected as i64;
    let step = CENTER + (distance >> bits);
    let symbol = if (1..SYMBOLS as i64).contains(&step) { step as usize } else { 0 };
    match coder.symbol(table, symbol) {
        0 => code_surprise(count, coder),
        symbol => {
            let below = coder.bits(distance.cast_unsigned() & ((1 << bits) - 1), bits);
            let distance = (symbol as i64 - CENTER) << bits | below.cast_signed();
            (expected as i64 + distance) as u32
        }
    }
}

/// Codes a count that no table has: by its width and its bits.
fn code_surprise<C: Coder>(count: u32, coder: &mut C) -> u32 {
    let width = coder.bits((u32::BITS - count.leading_zeros()).into(), 6) as u32;
    coder.bits(count.into(), width) as u32
}
