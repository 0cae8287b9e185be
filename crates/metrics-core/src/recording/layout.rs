//! Where a value lies: log-linear buckets with a bounded relative error.
//!
//! Each octave (a doubling of the value) has 64 equal buckets, so a bucket's
//! midpoint is off by at most 1/128 of the value. A bucket's number counts
//! through all octaves, by rising value.
//!
//! There are two layouts. Latencies count 16 ns units from zero, and the first
//! octave is linear. Distributions take the exponent and the top six mantissa
//! bits of an `f64`, with an octave of its own for zero.

/// Buckets in one octave; a model needs two, to tell one from another.
pub(crate) const PER_OCTAVE: usize = if cfg!(loom) { 2 } else { 64 };
/// Buckets in a line, which is what a pass takes for changed or not: a cache line of a lane's.
pub(crate) const PER_LINE: usize = if cfg!(loom) { 2 } else { 32 };
/// Octaves of a latency block: one linear, 32 doubling, up to [`MAX_NANOS`].
pub(crate) const LATENCY_OCTAVES: usize = if cfg!(loom) { 2 } else { 33 };
/// Buckets of a latency.
pub(crate) const LATENCY_BUCKETS: usize = LATENCY_OCTAVES * PER_OCTAVE;
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
pub(crate) const NANOS: f64 = 1e-9;

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
const FLOAT_EXPONENTS: std::ops::Range<i32> = -64..64;

/// The largest value that a distribution tells from larger ones: 2⁶⁴.
pub(crate) const FLOAT_LARGEST: f64 = (1_u128 << FLOAT_EXPONENTS.end) as f64;

/// The octave and bucket of a finite value whose sign is not negative.
pub(crate) fn float_index(value: f64) -> (usize, usize) {
    let bits = value.to_bits();
    let exponent = (bits >> 52) as i32 - 1023;
    if exponent < FLOAT_EXPONENTS.start {
        return (0, 0);
    }
    if exponent >= FLOAT_EXPONENTS.end {
        return (FLOAT_OCTAVES - 1, PER_OCTAVE - 1);
    }
    let octave = (exponent - FLOAT_EXPONENTS.start + 1) as usize;
    (octave, (bits >> TOP_SHIFT) as usize % PER_OCTAVE)
}

/// Octaves of a distribution: zero has one of its own, and so has each power of two.
pub(crate) const FLOAT_OCTAVES: usize = (FLOAT_EXPONENTS.end - FLOAT_EXPONENTS.start) as usize + 1;

/// Which values the buckets stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    Latency,
    Float,
}

impl Layout {
    /// A bucket's lower and upper bound in the base unit (seconds for latencies).
    pub(crate) fn range(self, bucket: usize) -> (f64, f64) {
        let (octave, step) = (bucket / PER_OCTAVE, bucket % PER_OCTAVE);
        match self {
            Self::Latency => {
                let shift = octave.saturating_sub(1);
                let units = step as u64 + if octave == 0 { 0 } else { PER_OCTAVE as u64 };
                let nanos = |units: u64| ((units << shift) << UNIT_SHIFT) as f64 * NANOS;
                (nanos(units), nanos(units + 1))
            }
            Self::Float if octave == 0 => (0.0, 0.0),
            Self::Float => {
                let base = f64::powi(2.0, octave as i32 - 1 + FLOAT_EXPONENTS.start);
                let width = base / PER_OCTAVE as f64;
                (base + width * step as f64, base + width * (step + 1) as f64)
            }
        }
    }

    pub(crate) fn midpoint(self, bucket: usize) -> f64 {
        let (low, high) = self.range(bucket);
        low + (high - low) / 2.0
    }

    /// The number of the first bucket whose midpoint is beyond `bound`.
    pub(crate) fn end(self, bound: f64) -> usize {
        if bound.is_nan() || bound < 0.0 {
            return 0;
        }
        let bucket = match self {
            // A cast saturates, and past the last bucket there is nothing.
            Self::Latency => latency_index((bound / NANOS) as u64).0.min(LATENCY_BUCKETS - 1),
            Self::Float => {
                let (octave, step) = float_index(bound);
                octave * PER_OCTAVE + step
            }
        };
        bucket + usize::from(self.midpoint(bucket) <= bound)
    }
}
