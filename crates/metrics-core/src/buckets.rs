//! Log-linear buckets: bounded relative error, exact counts, mergeable.
//!
//! Each octave (a doubling of the value) has 64 equal buckets, so a bucket's
//! midpoint is off by at most 1/128 of the value. Only octaves that hold
//! something are stored: a latency that stays between 1 and 16 ms takes four.
//!
//! Two layouts share the storage. Latencies count 16 ns units from zero, and
//! the first octave is linear. Distributions take the exponent and the top six
//! mantissa bits of an `f64`, with an octave of its own for zero.

/// Buckets in one octave; a model needs two, to tell one from another.
pub(crate) const PER_OCTAVE: usize = if cfg!(loom) { 2 } else { 64 };
/// Octaves of a latency block: one linear, 32 doubling, up to [`MAX_NANOS`].
pub(crate) const LATENCY_OCTAVES: usize = if cfg!(loom) { 2 } else { 33 };
/// The longest duration that is told from longer ones: 2⁴² ns, about 73 minutes.
pub(crate) const MAX_NANOS: u64 = (LINEAR_NANOS << (LATENCY_OCTAVES - 1)) - 1;

const UNIT_SHIFT: u32 = 4;
const OCTAVE_BITS: u32 = PER_OCTAVE.ilog2();
/// Below this the buckets of a latency are one unit wide.
pub(crate) const LINEAR_NANOS: u64 = 1 << (UNIT_SHIFT + OCTAVE_BITS);
/// What the top bits of [`LINEAR_NANOS`] as a float are above its bucket's index.
const FLOAT_ORIGIN: usize = (1023 + (UNIT_SHIFT + OCTAVE_BITS) as usize - 1) << OCTAVE_BITS;
/// What shifts a float's bits so that the octave and the bucket are left.
const TOP_SHIFT: u32 = f64::MANTISSA_DIGITS - 1 - OCTAVE_BITS;
const NANOS: f64 = 1e-9;

/// The bucket of a duration, and what the duration adds to a sum that is to change with each.
///
/// That is the duration, and one more in the linear octave, which holds zero.
/// From [`MAX_NANOS`] on the bucket is past the last.
#[inline]
pub(crate) fn latency_index(nanos: u64) -> (usize, u64) {
    if nanos >= LINEAR_NANOS {
        // A float's exponent and the top of its mantissa are the octave and the
        // bucket, and this is exact below 2⁵³. Counting leading zeros does the same,
        // but takes eight micro-operations on an x86-64 without `lzcnt`, its baseline.
        let bits = (nanos.cast_signed() as f64).to_bits();
        let index = (bits >> TOP_SHIFT) as usize - FLOAT_ORIGIN;
        (index, nanos)
    } else {
        ((nanos >> UNIT_SHIFT) as usize, nanos + 1)
    }
}

/// Smallest power of two that a distribution tells from zero, and the power at which it clamps.
pub(crate) const FLOAT_EXPONENTS: std::ops::Range<i32> = -64..64;

/// The octave and bucket of a finite value that is not negative.
pub(crate) fn float_index(value: f64) -> (u16, usize) {
    let bits = value.to_bits();
    let exponent = (bits >> 52) as i32 - 1023;
    if exponent < FLOAT_EXPONENTS.start {
        return (0, 0);
    }
    if exponent >= FLOAT_EXPONENTS.end {
        return ((FLOAT_EXPONENTS.end - FLOAT_EXPONENTS.start) as u16, PER_OCTAVE - 1);
    }
    let octave = (exponent - FLOAT_EXPONENTS.start + 1) as u16;
    (octave, (bits >> TOP_SHIFT) as usize % PER_OCTAVE)
}

/// Which values the buckets stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    Latency,
    Float,
}

impl Layout {
    /// The bucket's lower and upper bound in the base unit (seconds for latencies).
    fn range(self, octave: u16, bucket: usize) -> (f64, f64) {
        match self {
            Self::Latency => {
                let shift = u32::from(octave.saturating_sub(1));
                let units = bucket as u64 + if octave == 0 { 0 } else { PER_OCTAVE as u64 };
                let nanos = |units: u64| ((units << shift) << UNIT_SHIFT) as f64 * NANOS;
                (nanos(units), nanos(units + 1))
            }
            Self::Float if octave == 0 => (0.0, 0.0),
            Self::Float => {
                let base = f64::powi(2.0, i32::from(octave) - 1 + FLOAT_EXPONENTS.start);
                let step = base / PER_OCTAVE as f64;
                (base + step * bucket as f64, base + step * (bucket + 1) as f64)
            }
        }
    }

    fn midpoint(self, octave: u16, bucket: usize) -> f64 {
        let (low, high) = self.range(octave, bucket);
        low + (high - low) / 2.0
    }

    /// How many buckets of an octave have their midpoint at or below `bound`.
    fn buckets_at_most(self, octave: u16, bound: f64) -> usize {
        let is_within = |bucket| self.midpoint(octave, bucket) <= bound;
        let (mut within, mut beyond) = (0, PER_OCTAVE);
        if is_within(PER_OCTAVE - 1) {
            return PER_OCTAVE;
        }
        while within < beyond {
            let middle = (within + beyond) / 2;
            if is_within(middle) {
                within = middle + 1;
            } else {
                beyond = middle;
            }
        }
        within
    }
}

/// Counts by value, with their sum; plain data, mergeable without loss.
///
/// Values are in the metric's base unit, so seconds for latencies.
#[derive(Clone, Debug, PartialEq)]
pub struct Buckets {
    layout: Layout,
    octaves: Vec<Octave>,
    count: u64,
    sum: f64,
}

#[derive(Clone, Debug, PartialEq)]
struct Octave {
    key: u16,
    counts: [u64; PER_OCTAVE],
}

impl Buckets {
    pub(crate) fn new(layout: Layout) -> Self {
        Self { layout, octaves: Vec::new(), count: 0, sum: 0.0 }
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
        let mean = self.sum / self.count as f64;
        let (low, high) = self.extremes()?;
        Some(mean.clamp(low, high))
    }

    /// The smallest value, as its bucket's midpoint; `None` without values.
    pub fn min(&self) -> Option<f64> {
        self.iter().next().map(|(value, _)| value)
    }

    /// The largest value, as its bucket's midpoint; `None` without values.
    pub fn max(&self) -> Option<f64> {
        let octave = self.octaves.iter().rfind(|octave| octave.counts.iter().any(|&n| n > 0))?;
        let bucket = octave.counts.iter().rposition(|&n| n > 0)?;
        Some(self.layout.midpoint(octave.key, bucket))
    }

    /// The bounds between which every value lies.
    fn extremes(&self) -> Option<(f64, f64)> {
        let mut ranges = self.ranges();
        let (low, mut high, _) = ranges.next()?;
        if let Some((_, last, _)) = ranges.last() {
            high = last;
        }
        Some((low, high))
    }

    /// The value at rank ⌈q·n⌉ (nearest rank), off by at most 1/128; `None` without values.
    ///
    /// `q` outside 0 to 1, or not a number, is taken as the nearer end.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let rank = (q.clamp(0.0, 1.0) * self.count as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        self.iter().find_map(|(value, n)| {
            seen += n;
            (seen >= rank).then_some(value)
        })
    }

    /// How many values are at most `bound`; a bucket counts where its midpoint lies.
    pub fn at_most(&self, bound: f64) -> u64 {
        self.iter().take_while(|(value, _)| *value <= bound).map(|(_, n)| n).sum()
    }

    /// How many values are at most each of the rising `bounds`, in one pass.
    ///
    /// An octave that no bound falls into is summed as a whole.
    pub fn cumulative(&self, bounds: &[f64]) -> Vec<u64> {
        let mut octaves = self.octaves.iter();
        let mut rest = octaves.next().map(|octave| (octave, 0));
        let mut seen = 0;
        let mut counts = Vec::with_capacity(bounds.len());
        for bound in bounds {
            while let Some((octave, from)) = rest {
                let end = self.layout.buckets_at_most(octave.key, *bound).max(from);
                seen += octave.counts[from..end].iter().sum::<u64>();
                if end < PER_OCTAVE {
                    rest = Some((octave, end));
                    break;
                }
                rest = octaves.next().map(|octave| (octave, 0));
            }
            counts.push(seen);
        }
        counts
    }

    /// The midpoints of the buckets that hold something, rising, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        self.cells().map(|(key, bucket, n)| (self.layout.midpoint(key, bucket), n))
    }

    fn ranges(&self) -> impl Iterator<Item = (f64, f64, u64)> + '_ {
        self.cells().map(|(key, bucket, n)| {
            let (low, high) = self.layout.range(key, bucket);
            (low, high, n)
        })
    }

    pub(crate) fn cells(&self) -> impl Iterator<Item = (u16, usize, u64)> + '_ {
        self.octaves.iter().flat_map(|octave| {
            let filled = octave.counts.iter().enumerate().filter(|(_, n)| **n > 0);
            filled.map(|(bucket, n)| (octave.key, bucket, *n))
        })
    }

    /// Adds all values of `other`, which must come from the same kind of metric.
    pub fn merge(&mut self, other: &Self) {
        debug_assert_eq!(self.layout, other.layout, "latencies merge with latencies only");
        for octave in &other.octaves {
            let counts = self.octave(octave.key);
            for (mine, theirs) in counts.iter_mut().zip(&octave.counts) {
                *mine += theirs;
            }
        }
        self.count += other.count;
        self.sum += other.sum;
    }

    pub(crate) fn add(&mut self, key: u16, bucket: usize, n: u64) {
        self.octave(key)[bucket] += n;
        self.count += n;
    }

    pub(crate) fn remove(&mut self, key: u16, bucket: usize, n: u64) {
        self.octave(key)[bucket] -= n;
        self.count -= n;
    }

    pub(crate) fn set_sum(&mut self, sum: f64) {
        self.sum = sum;
    }

    /// How many values are in the linear octave of a latency.
    pub(crate) fn linear(&self) -> u64 {
        let first = self.octaves.first().filter(|octave| octave.key == 0);
        first.map_or(0, |octave| octave.counts.iter().sum())
    }

    /// The current count of one bucket.
    pub(crate) fn at(&self, key: u16, bucket: usize) -> u64 {
        let found = self.octaves.binary_search_by_key(&key, |octave| octave.key);
        found.map_or(0, |at| self.octaves[at].counts[bucket])
    }

    /// Raises an octave to newer totals and adds the difference to `risen`; a lower total changes nothing.
    pub(crate) fn raise(&mut self, key: u16, totals: &[u64; PER_OCTAVE], risen: &mut Self) {
        let mut by = 0;
        for (bucket, (mine, total)) in self.octave(key).iter_mut().zip(totals).enumerate() {
            if *total > *mine {
                risen.add(key, bucket, *total - *mine);
                by += *total - *mine;
                *mine = *total;
            }
        }
        self.count += by;
    }

    pub(crate) fn clear(&mut self) {
        self.octaves.clear();
        (self.count, self.sum) = (0, 0.0);
    }

    fn octave(&mut self, key: u16) -> &mut [u64; PER_OCTAVE] {
        let at = match self.octaves.binary_search_by(|octave| octave.key.cmp(&key)) {
            Ok(at) => at,
            Err(at) => {
                self.octaves.insert(at, Octave { key, counts: [0; PER_OCTAVE] });
                at
            }
        };
        &mut self.octaves[at].counts
    }
}

#[cfg(test)]
mod tests;
