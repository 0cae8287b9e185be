//! The model of one number per interval.
//!
//! Numbers of a service are mostly constant, or whole numbers that wander or fluctuate, and
//! sometimes floats with all their digits. So a number is coded as one of: the same as before; a
//! whole number, or a whole number of thousandths, as its distance from the expected one; or the
//! distance of its bits from those of the last float, the short ones without their zeros at the end.
//! Of a distance, the number of bits is learned, and the bits below the highest two are as likely as not.

use crate::range_coder::Bit;
use crate::row::Coder;

/// Whole numbers up to this are exact in a float.
const EXACT: f64 = (1_u64 << 53) as f64;

/// The units of which a number can be a multiple.
const ONE: f64 = 1.0;
const THOUSANDTH: f64 = 1000.0;

/// A column of numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Column {
    last: f64,
    mean: f64,
    /// The recent errors of the last number and of the mean as predictions.
    error_of_last: f32,
    error_of_mean: f32,
    is_same: Bit,
    is_whole: Bit,
    is_thousandths: Bit,
    is_short: Bit,
    whole: Width,
    short: Width,
    full: Width,
}

impl Column {
    /// Codes a number: writes `value` and returns it, or returns the one that was read.
    pub(crate) fn code<C: Coder>(&mut self, value: f64, coder: &mut C) -> f64 {
        if coder.bit(&mut self.is_same, value.to_bits() == self.last.to_bits()) {
            self.learn(self.last);
            return self.last;
        }
        let value = if coder.bit(&mut self.is_whole, is_multiple(value, ONE)) {
            self.code_whole(value, ONE, coder)
        } else if coder.bit(&mut self.is_thousandths, is_multiple(value, THOUSANDTH)) {
            self.code_whole(value, THOUSANDTH, coder)
        } else {
            // The bits of a float, read as a whole number, have the order of the values.
            let is_short = coder.bit(&mut self.is_short, is_short(value));
            let (width, unused) =
                if is_short { (&mut self.short, SHORTENED_BITS) } else { (&mut self.full, 0) };
            let [last, this] =
                [self.last, value].map(|value| ordered(value.to_bits().cast_signed()));
            let this = code_distance(width, last >> unused, this >> unused, coder);
            // Of a negative float, the bits that were left out are ones in this order.
            let this = this << unused | (this >> 63) & ((1 << unused) - 1);
            f64::from_bits(ordered(this).cast_unsigned())
        };
        self.learn(value);
        value
    }

    fn code_whole<C: Coder>(&mut self, value: f64, unit: f64, coder: &mut C) -> f64 {
        let expected = if self.error_of_last <= self.error_of_mean { self.last } else { self.mean };
        let expected = (expected * unit).round() as i64;
        let units = code_distance(&mut self.whole, expected, (value * unit).round() as i64, coder);
        units as f64 / unit
    }

    fn learn(&mut self, value: f64) {
        if value.is_finite() {
            let forget = |error: &mut f32, expected: f64| {
                *error += ((value - expected).abs() as f32 - *error) / 8.0;
            };
            forget(&mut self.error_of_last, self.last);
            forget(&mut self.error_of_mean, self.mean);
            self.mean += (value - self.mean) / 8.0;
        }
        self.last = value;
    }
}

/// Returns `true` if the number of units is whole, exact and gives the number back.
fn is_multiple(value: f64, unit: f64) -> bool {
    let units = (value * unit).round();
    // Compares bits, since minus zero is not zero here.
    units.abs() < EXACT && (units as i64 as f64 / unit).to_bits() == value.to_bits()
}

/// Codes a whole number by its distance from another.
fn code_distance<C: Coder>(width: &mut Width, from: i64, to: i64, coder: &mut C) -> i64 {
    let distance = width.code(zigzag(to.wrapping_sub(from)), coder);
    from.wrapping_add(unzigzag(distance))
}

/// The number of bits of a number, learned from those before it.
#[derive(Clone, Copy, Debug, Default)]
struct Width {
    /// The mean of the last widths, in sixteenths.
    mean: u16,
    is_mean: Bit,
    is_more: Bit,
    is_beyond: [Bit; 2],
    top: Bit,
}

impl Width {
    /// Codes a number by its width and the bits below the highest.
    fn code<C: Coder>(&mut self, number: u64, coder: &mut C) -> u64 {
        let width = self.code_width(u64::BITS - number.leading_zeros(), coder);
        self.mean = self.mean + width as u16 - (self.mean + 8) / 16;
        if width < 2 {
            return width.into();
        }
        // The second bit is seldom even: the widest numbers are mostly just wide enough.
        let below = width - 2;
        let second = coder.bit(&mut self.top, number >> below & 1 == 1);
        let rest = coder.bits(number & ((1 << below) - 1), below);
        (2 | u64::from(second)) << below | rest
    }

    /// Codes a width by its distance from the mean, a step at a time.
    fn code_width<C: Coder>(&mut self, width: u32, coder: &mut C) -> u32 {
        let mean = u32::from(self.mean + 8) / 16;
        if coder.bit(&mut self.is_mean, width == mean) {
            return mean;
        }
        let is_more = mean == 0 || mean < u64::BITS && coder.bit(&mut self.is_more, width > mean);
        let beyond = &mut self.is_beyond[usize::from(is_more)];
        let mut at = mean;
        loop {
            at = if is_more { at + 1 } else { at - 1 };
            let is_end = at == if is_more { u64::BITS } else { 0 };
            if is_end || !coder.bit(beyond, width != at) {
                return at;
            }
        }
    }
}

/// Maps numbers near zero to small ones: 0, -1, 1, -2 to 0, 1, 2, 3.
fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

/// Maps the bits of a float to a whole number of the same order, and back.
///
/// Negative floats, whose sign bit is set, grow with their magnitude; their other bits are inverted.
fn ordered(bits: i64) -> i64 {
    bits ^ ((bits >> 63) & i64::MAX)
}

/// The bits that a shortened float has not: 36 significant ones are left, eleven decimal digits.
const SHORTENED_BITS: u32 = 17;

/// Returns `true` if a float has zeros in the place of these bits.
fn is_short(value: f64) -> bool {
    value.to_bits() & ((1 << SHORTENED_BITS) - 1) == 0
}

/// Rounds a number to 36 significant bits, unless it is whole.
pub(crate) fn shortened(value: f64) -> f64 {
    if is_multiple(value, ONE) || !value.is_finite() {
        return value;
    }
    let half = 1 << (SHORTENED_BITS - 1);
    let rounded = f64::from_bits((value.to_bits() + half) >> SHORTENED_BITS << SHORTENED_BITS);
    if rounded.is_finite() { rounded } else { value }
}
