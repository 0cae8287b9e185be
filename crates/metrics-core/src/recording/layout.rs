//! Layouts: log-linear buckets with a bounded relative error.
//!
//! Each octave (a doubling of the value) has 64 equal buckets, so a bucket's
//! midpoint is off by at most [`RELATIVE_ERROR`](Layout::RELATIVE_ERROR) of the
//! value. Buckets are numbered through all octaves, by rising value: bucket 130 is
//! the third of octave 2.
//!
//! There are two layouts. Latencies count 16 ns units from zero, and the first
//! octave is linear. Distributions take the exponent and the top six mantissa
//! bits of an `f64`, with an octave of its own for zero.

use std::time::Duration;

/// Buckets in one octave; two in loom models, which suffice to distinguish buckets.
pub(crate) const PER_OCTAVE: usize = if cfg!(loom) { 2 } else { 64 };
/// Buckets in a line, the unit that a pass reads: one cache line of a lane's 16-bit counts.
pub(crate) const PER_LINE: usize = if cfg!(loom) { 2 } else { 32 };
/// Octaves of a latency block: one linear, 32 doubling, up to [`MAX_NANOS`].
pub(crate) const LATENCY_OCTAVES: usize = if cfg!(loom) { 2 } else { 33 };
/// Buckets of a latency.
pub(crate) const LATENCY_BUCKETS: usize = LATENCY_OCTAVES * PER_OCTAVE;
/// The longest duration that can be recorded: 2⁴² ns, about 73 minutes; longer ones count as this.
pub(crate) const MAX_NANOS: u64 = (LINEAR_NANOS << (LATENCY_OCTAVES - 1)) - 1;

const UNIT_SHIFT: u32 = 4;
const OCTAVE_BITS: u32 = PER_OCTAVE.ilog2();
/// Below this the buckets of a latency are one unit wide.
pub(crate) const LINEAR_NANOS: u64 = 1 << (UNIT_SHIFT + OCTAVE_BITS);
/// The difference between the top bits of [`LINEAR_NANOS`] as a float and its bucket's number.
const FLOAT_ORIGIN: usize = (1023 + (UNIT_SHIFT + OCTAVE_BITS) as usize - 1) << OCTAVE_BITS;
/// The number of bits by which a float is shifted so that only its octave and bucket are left.
const TOP_SHIFT: u32 = f64::MANTISSA_DIGITS - 1 - OCTAVE_BITS;
pub(crate) const NANOS: f64 = 1e-9;

/// Buckets that are one thin bucket, see [`Layout::THINNED_ERROR`].
pub(crate) const THIN: usize = if cfg!(loom) { 1 } else { 8 };
/// Thin buckets of a latency.
pub(crate) const THIN_BUCKETS: usize = LATENCY_BUCKETS / THIN;

/// Returns the bucket of a duration, and the amount that it adds to its lane's sum.
///
/// The amount is the duration itself, and one more in the linear octave: a sum must
/// change with every record, also with one of zero nanoseconds. Beyond [`MAX_NANOS`]
/// the bucket is past the last.
#[inline]
pub(crate) fn latency_index(nanos: u64) -> (usize, u64) {
    if nanos >= LINEAR_NANOS {
        // A float's exponent and the top of its mantissa are the octave and the
        // bucket, and this is exact below 2⁵³. Counting leading zeros does the same,
        // but takes eight micro-operations on an x86-64 without `lzcnt`, its baseline.
        // Example: 1024 ns is 2¹⁰, the first value beyond the linear octave, and so in
        // bucket 64. Its top bits are (1023 + 10) · 64, and the origin is 64 less.
        let bits = (nanos.cast_signed() as f64).to_bits();
        let index = (bits >> TOP_SHIFT) as usize - FLOAT_ORIGIN;
        (index, nanos)
    } else {
        ((nanos >> UNIT_SHIFT) as usize, nanos + 1)
    }
}

/// The powers of two between which a distribution has buckets.
///
/// Smaller values count as zero, larger ones as the largest.
const FLOAT_EXPONENTS: std::ops::Range<i32> = -64..64;

/// The largest value of a distribution, 2⁶⁴; larger ones count as this.
pub(crate) const FLOAT_LARGEST: f64 = (1_u128 << FLOAT_EXPONENTS.end) as f64;

/// Returns the octave of a finite value that is not negative, and its bucket in the octave.
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

/// The values that numbered buckets stand for.
///
/// All latencies share one layout and all distributions the other, in every process,
/// so bucket numbers can be stored and sent. Values are in the metric's base unit,
/// which is seconds for latencies.
///
/// ```
/// use node0_metrics_core::Layout;
///
/// let bucket = Layout::Latency.bucket_of(0.001);
/// let (low, high) = Layout::Latency.bounds(bucket);
/// assert!(low <= 0.001 && 0.001 < high);
/// assert!(high - low <= 2.0 * Layout::RELATIVE_ERROR * low);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layout {
    /// The buckets of a [`Latency`](crate::Latency).
    Latency,
    /// The buckets of a [`Distribution`](crate::Distribution).
    Distribution,
}

impl Layout {
    /// The most that a bucket's midpoint is off from a value in it, as a share of the value.
    ///
    /// It holds for latencies from 1 µs and for distributions from
    /// [`SMALLEST_VALUE`](Self::SMALLEST_VALUE) on; [`error_at`](Self::error_at) returns the error
    /// of any value.
    pub const RELATIVE_ERROR: f64 = 0.5 / PER_OCTAVE as f64;
    /// The most that a value of a [thinned](crate::Window::is_thinned) window is off, as a share of
    /// the value.
    ///
    /// Eight neighbouring buckets count as their fifth then. Below 1 µs a latency is off by up to
    /// 72 ns.
    pub const THINNED_ERROR: f64 = (THIN / 2) as f64 / PER_OCTAVE as f64 + Self::RELATIVE_ERROR;
    /// The longest latency that can be recorded, about 73 minutes; longer ones count as this.
    pub const LONGEST_LATENCY: Duration = Duration::from_nanos(MAX_NANOS);
    /// The smallest value of a distribution, 2⁻⁶⁴; smaller ones count as zero.
    pub const SMALLEST_VALUE: f64 = 1.0 / (1_u128 << -FLOAT_EXPONENTS.start) as f64;
    /// The largest value of a distribution, 2⁶⁴; larger ones count as this.
    pub const LARGEST_VALUE: f64 = FLOAT_LARGEST;

    /// Returns the number of buckets; they are numbered from zero.
    pub const fn buckets(self) -> u16 {
        match self {
            Self::Latency => LATENCY_BUCKETS as u16,
            Self::Distribution => (FLOAT_OCTAVES * PER_OCTAVE) as u16,
        }
    }

    /// Returns a bucket's lower and upper bound; a value at the upper one is in the next bucket.
    ///
    /// A number past the last bucket is taken as the last.
    pub fn bounds(self, bucket: u16) -> (f64, f64) {
        let bucket = usize::from(bucket.min(self.buckets() - 1));
        let (octave, step) = (bucket / PER_OCTAVE, bucket % PER_OCTAVE);
        match self {
            Self::Latency => {
                // The linear octave and the first doubling one have buckets of one unit;
                // from there on the width doubles with each octave.
                let shift = octave.saturating_sub(1);
                let units = step as u64 + if octave == 0 { 0 } else { PER_OCTAVE as u64 };
                let nanos = |units: u64| ((units << shift) << UNIT_SHIFT) as f64 * NANOS;
                (nanos(units), nanos(units + 1))
            }
            Self::Distribution if octave == 0 => (0.0, 0.0),
            Self::Distribution => {
                let base = f64::powi(2.0, octave as i32 - 1 + FLOAT_EXPONENTS.start);
                let width = base / PER_OCTAVE as f64;
                (base + width * step as f64, base + width * (step + 1) as f64)
            }
        }
    }

    /// Returns the value that stands for all values of a bucket.
    pub fn midpoint(self, bucket: u16) -> f64 {
        let (low, high) = self.bounds(bucket);
        low + (high - low) / 2.0
    }

    /// Returns the number of the bucket that holds a value.
    ///
    /// A value beyond the largest is in the last bucket; a negative one, and one that
    /// is no number, is in the first.
    pub fn bucket_of(self, value: f64) -> u16 {
        if value.is_nan() || value <= 0.0 {
            return 0;
        }
        let bucket = match self {
            // Recorded durations are whole nanoseconds, and the product may miss them by
            // the last digit: 0.000001024 s must be 1024 ns, bucket 64, and not 1023. A cast saturates.
            Self::Latency => {
                latency_index((value / NANOS).round() as u64).0.min(LATENCY_BUCKETS - 1)
            }
            Self::Distribution => {
                let (octave, step) = float_index(value);
                octave * PER_OCTAVE + step
            }
        };
        bucket as u16
    }

    /// Returns the most that the midpoint of a value's bucket is off from the value.
    ///
    /// That is the [`RELATIVE_ERROR`](Self::RELATIVE_ERROR), but 8 ns for latencies below 1 µs,
    /// and the value itself if it is so small that a distribution counts it as zero. There is no
    /// bound for values beyond the largest.
    pub fn error_at(self, value: f64) -> f64 {
        let relative = value * Self::RELATIVE_ERROR;
        match self {
            Self::Latency => relative.max((1 << UNIT_SHIFT) as f64 / 2.0 * NANOS),
            Self::Distribution if value < Self::SMALLEST_VALUE => value,
            Self::Distribution => relative,
        }
    }

    /// Returns a value as its bucket takes it, or `None` for one that no bucket takes.
    ///
    /// Negative values and those that are not finite are refused; one beyond the largest
    /// is taken as the largest.
    pub(crate) fn accept(self, value: f64) -> Option<f64> {
        let largest = match self {
            Self::Latency => MAX_NANOS as f64 * NANOS,
            Self::Distribution => FLOAT_LARGEST,
        };
        // `abs` turns minus zero into zero.
        (value.is_finite() && value >= 0.0).then(|| value.abs().min(largest))
    }

    /// Returns the bucket that stands for this one and its neighbours in a thinned window.
    pub(crate) fn thin(self, bucket: u16) -> u16 {
        // The zeros of a distribution are apart from all other values.
        let is_zero = self == Self::Distribution && bucket < PER_OCTAVE as u16;
        let thin = THIN as u16;
        if is_zero { bucket } else { bucket / thin * thin + thin / 2 }
    }

    /// Returns the number of the first bucket whose midpoint is beyond `bound`.
    pub(crate) fn end(self, bound: f64) -> u16 {
        if bound.is_nan() || bound < 0.0 {
            return 0;
        }
        let bucket = self.bucket_of(bound);
        bucket + u16::from(self.midpoint(bucket) <= bound)
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
