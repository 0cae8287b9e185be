//! The intervals of latencies and distributions: counts by bucket.
//!
//! The shape of a distribution changes slowly, so the count of a bucket is expected to be its share
//! of the counts so far, times the count of the interval. Buckets that had no count yet in the block
//! follow after the known ones, each with its distance from the one before.
//!
//! The summary has the number of values, their mean to 14 bits, and the buckets of the [`QUANTILES`]
//! that people mostly ask for: decoding all counts takes some twenty times as long. The first and the
//! last of these buckets also bound the counts, so nothing is coded for buckets beyond them.

use crate::column::Column;
use crate::range_coder::Bit;
use crate::row::{Coded, Coder, Model, Row};
use crate::tables::{CENTER, DIRECT, SPREADS, SYMBOLS, TABLES, Tables};

/// The quantiles of an interval that can be read without its counts; the ends among them.
pub const QUANTILES: [f64; 6] = [0.0, 0.5, 0.9, 0.95, 0.99, 1.0];
const LAST: usize = QUANTILES.len() - 1;

/// The counts of one series in one interval.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// The numbers of buckets, rising.
    pub buckets: Vec<u16>,
    /// Their counts, of which some may be zero.
    pub counts: Vec<u32>,
    /// The sum of all values, within 1 in 16 000 once it was coded.
    pub sum: f64,
    /// As of the last call of [`Row::summarize`], or as it was read.
    pub summary: Summary,
}

/// The values of an interval that can be read without its counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The number of values.
    pub count: u64,
    /// The buckets of [`QUANTILES`]; meaningless without values.
    pub quantiles: [u16; QUANTILES.len()],
}

impl Summary {
    /// The bucket of a quantile, if it is one of [`QUANTILES`].
    pub fn bucket_at(&self, quantile: f64) -> Option<u16> {
        let at = QUANTILES.iter().position(|known| *known == quantile)?;
        Some(self.quantiles[at])
    }

    /// The lowest bucket with a value.
    pub fn lowest(&self) -> u16 {
        self.quantiles[0]
    }

    /// The highest bucket with a value.
    pub fn highest(&self) -> u16 {
        self.quantiles[LAST]
    }

    /// The number of different buckets among those of the quantiles.
    fn distinct(&self) -> u64 {
        1 + self.quantiles.windows(2).filter(|pair| pair[0] != pair[1]).count() as u64
    }
}

/// The rank of a quantile among some values, ⌈q·n⌉, which is at least one.
pub fn rank(quantile: f64, count: u64) -> u64 {
    (quantile * count as f64).ceil().max(1.0) as u64
}

impl Counts {
    /// Makes a row of counts by bucket, which rise by bucket, and of the sum of all values.
    pub fn collect(counts: impl IntoIterator<Item = (u16, u32)>, sum: f64) -> Self {
        let (buckets, counts) = counts.into_iter().unzip();
        Self { buckets, counts, sum, summary: Summary::default() }
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

impl Coded for Counts {
    type Model = CountsModel;
}

impl Row for Counts {
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

    fn summarize(&mut self) {
        let count = self.counts.iter().map(|count| u64::from(*count)).sum();
        let ranks = QUANTILES.map(|quantile| rank(quantile, count));
        let (mut quantiles, mut at, mut seen) = ([0; QUANTILES.len()], 0, 0);
        for (bucket, count) in self.buckets.iter().zip(&self.counts) {
            seen += u64::from(*count);
            while at < ranks.len() && ranks[at] <= seen {
                quantiles[at] = *bucket;
                at += 1;
            }
        }
        self.summary = Summary { count, quantiles };
    }

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
pub struct CountsModel {
    /// The buckets that had a count in this block, rising.
    buckets: Vec<u16>,
    /// Their counts so far, the older the less.
    weights: Vec<f32>,
    count: Column,
    mean: Column,
    /// The bucket of the first quantile, and the distance of each further one from the one before.
    quantiles: [Column; QUANTILES.len()],
    spread: SpreadChoice,
    distance: Column,
    first_count: Column,
}

/// The number of a spread, of which the last ones are the likely ones.
#[derive(Clone, Debug, Default)]
struct SpreadChoice {
    upper: Bit,
    lower: [Bit; 2],
}

impl SpreadChoice {
    /// Codes a number, which is only made when it is to be written.
    fn code<C: Coder>(&mut self, spread: impl FnOnce() -> usize, coder: &mut C) -> usize {
        let spread = if C::READS { 0 } else { spread() };
        let upper = usize::from(coder.bit(&mut self.upper, spread & 2 != 0));
        2 * upper + usize::from(coder.bit(&mut self.lower[upper], spread & 1 != 0))
    }
}

impl Model for CountsModel {
    type Row = Counts;

    fn code_summary<C: Coder>(&mut self, row: &mut Counts, coder: &mut C) {
        let Summary { count, quantiles } = &mut row.summary;
        *count = self.count.code(*count as f64, coder) as u64;
        if *count == 0 {
            row.sum = 0.0;
            return;
        }
        let mean = self.mean.code(shortened(row.sum / *count as f64), coder);
        row.sum = lengthened(mean) * *count as f64;
        let mut last = 0.0;
        for (column, bucket) in self.quantiles.iter_mut().zip(quantiles) {
            last += column.code(f64::from(*bucket) - last, coder);
            *bucket = last as u16;
        }
    }

    fn code_rest<C: Coder>(&mut self, row: &mut Counts, coder: &mut C) {
        let summary = &row.summary;
        if summary.count == 0 {
            row.buckets.clear();
            row.counts.clear();
            return;
        }
        self.know(&summary.quantiles);
        let (mut known, mut new) =
            if C::READS { (vec![0; self.buckets.len()], Vec::new()) } else { self.split(row) };
        let rest = self.code_known(&mut known, summary, coder);
        self.code_new(&mut new, rest, coder);
        let counts = self.learn(known, new);
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

    /// Makes buckets known that were not.
    fn know(&mut self, buckets: &[u16]) {
        for bucket in buckets {
            if let Err(at) = self.buckets.binary_search(bucket) {
                self.insert(at, *bucket);
            }
        }
    }

    fn insert(&mut self, at: usize, bucket: u16) {
        self.buckets.reserve_exact(1);
        self.weights.reserve_exact(1);
        self.buckets.insert(at, bucket);
        self.weights.insert(at, 0.0);
    }

    /// Codes the counts of the known buckets, and returns the number of values in others.
    fn code_known<C: Coder>(&mut self, known: &mut [u32], summary: &Summary, coder: &mut C) -> u64 {
        // Beyond the lowest and the highest bucket all counts are zero, and nothing says so.
        let from = self.buckets.partition_point(|bucket| *bucket < summary.lowest());
        let to = self.buckets.partition_point(|bucket| *bucket <= summary.highest());
        let (buckets, weights, known) =
            (&self.buckets[from..to], &self.weights[from..to], &mut known[from..to]);
        // Each bucket of a quantile has a value at least, so one less is coded.
        let mut rest = summary.count.saturating_sub(summary.distinct());
        let weight: f32 = weights.iter().sum();
        let scale = rest as f32 / (weight + SMOOTHING * known.len() as f32);
        let expected = |weight: &f32| (weight + SMOOTHING) * scale;
        let spread =
            self.spread.code(|| nearest_spread(weights.iter().map(expected), known), coder);
        let (tables, mut at) = (&*TABLES, 0);
        for ((bucket, weight), known) in buckets.iter().zip(weights).zip(known) {
            while summary.quantiles[at] < *bucket {
                at += 1;
            }
            let least = u32::from(summary.quantiles[at] == *bucket);
            // Once all values have a bucket, the other counts are zero, and nothing says so.
            let more = if rest > 0 {
                code_count(tables, spread, expected(weight), known.saturating_sub(least), coder)
            } else {
                0
            };
            *known = least.saturating_add(more);
            rest = rest.saturating_sub(more.into());
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
    fn learn(&mut self, mut counts: Vec<u32>, new: Vec<(u16, u32)>) -> Vec<u32> {
        let mut at = 0;
        for (bucket, count) in new {
            at += self.buckets[at..].partition_point(|have| *have < bucket);
            self.insert(at, bucket);
            counts.insert(at, count);
        }
        let kept = 1.0 - 1.0 / MEMORY;
        for (weight, count) in self.weights.iter_mut().zip(&counts) {
            *weight = *weight * kept + *count as f32;
        }
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
