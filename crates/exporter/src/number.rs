//! Writes numbers as text, each in one canonical form.
//!
//! Values have the shortest form: `145`, `0.89`, `1e-7`. A bucket's bound is a
//! label value, so its text is part of the series' identity and must be the same
//! in both formats. It has the form that OpenMetrics requires and Go prints:
//! `1.0`, `0.005`, `1e+06`.

/// The largest integer up to which all integers are exact in an `f64`: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The number of integers of up to four digits.
const FOUR_DIGITS: u64 = 10_000;

/// Writes an integer.
///
/// Most numbers of a page have a few digits. Four of them are computed in one register and
/// appended as a word, since a copy of as many bytes as needed would be a call.
#[inline]
pub(crate) fn integer(out: &mut Vec<u8>, value: u64) {
    if value >= FOUR_DIGITS {
        return long_integer(out, value);
    }
    let digits = four_digits(value as u32);
    // Leading zeros are the lowest bytes: 42 is `0042`. Zero itself keeps the last of them.
    let zeros = (digits.trailing_zeros() / 8).min(3);
    let end = out.len() + 4 - zeros as usize;
    out.extend_from_slice(&((digits | ASCII_ZEROS) >> (8 * zeros)).to_le_bytes());
    out.truncate(end);
}

#[inline(never)]
fn long_integer(out: &mut Vec<u8>, value: u64) {
    integer(out, value / FOUR_DIGITS);
    let last = four_digits((value % FOUR_DIGITS) as u32) | ASCII_ZEROS;
    out.extend_from_slice(&last.to_le_bytes());
}

const ASCII_ZEROS: u32 = u32::from_le_bytes([b'0'; 4]);

/// Returns the four digits of a number below 10⁴, the first in the lowest byte.
///
/// It halves the number twice: into two numbers of two digits, and each of these into its
/// digits. A step divides by a multiplication and a shift that are exact for such numbers:
/// 10486 / 2²⁰ is 1 / 100 below 10⁴, and 103 / 2¹⁰ is 1 / 10 below 100.
fn four_digits(value: u32) -> u32 {
    let hundreds = (value * 10_486) >> 20;
    let twos = hundreds | (value - 100 * hundreds) << 16;
    let tens = (twos * 103) >> 10 & 0x000f_000f;
    tens | (twos - 10 * tens) << 8
}

pub(crate) fn float(out: &mut Vec<u8>, value: f64) {
    if value.fract() == 0.0 && value.abs() < EXACT {
        if value < 0.0 {
            out.push(b'-');
        }
        integer(out, value.abs() as u64);
    } else if value.is_finite() {
        out.extend_from_slice(ryu::Buffer::new().format_finite(value).as_bytes());
    } else if value.is_nan() {
        out.extend_from_slice(b"NaN");
    } else {
        out.extend_from_slice(if value > 0.0 { b"+Inf" } else { b"-Inf" });
    }
}

/// Returns a finite bucket bound as a value of the label `le`.
pub(crate) fn bound(value: f64) -> String {
    let plain = format!("{value:?}");
    let scientific = format!("{value:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return plain };
    match exponent.parse::<i32>() {
        Ok(exponent) if (-4..6).contains(&exponent) || value == 0.0 => plain,
        Ok(exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
        }
        Err(_) => plain,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(value: f64) -> String {
        let mut out = Vec::new();
        float(&mut out, value);
        String::from_utf8(out).expect("numbers are ASCII")
    }

    proptest! {
        #[test]
        fn integers_are_written_as_the_standard_library_does(value: u64, shift in 0..64_u32) {
            let (mut out, value) = (b"x ".to_vec(), value >> shift);
            integer(&mut out, value);
            prop_assert_eq!(String::from_utf8(out).expect("digits are ASCII"), format!("x {value}"));
        }
    }

    #[test]
    fn every_integer_of_four_digits_is_written_right() {
        for value in (0..20_000).chain([u64::MAX, u64::MAX - 1]) {
            let mut out = Vec::new();
            integer(&mut out, value);
            assert_eq!(out, value.to_string().as_bytes());
        }
    }

    #[test]
    fn values_take_the_shortest_form() {
        let cases = [
            (145.0, "145"),
            (0.89, "0.89"),
            (-2.5, "-2.5"),
            (0.0, "0"),
            (-0.0, "0"),
            (1e-7, "1e-7"),
            (9_007_199_254_740_991.0, "9007199254740991"),
            (1e300, "1e300"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ];
        for (value, text) in cases {
            assert_eq!(written(value), text);
        }
    }

    #[test]
    fn bounds_are_spelled_as_openmetrics_demands() {
        let cases = [
            (0.0, "0.0"),
            (1.0, "1.0"),
            (0.0005, "0.0005"),
            (0.00005, "5e-05"),
            (2.5, "2.5"),
            (100_000.0, "100000.0"),
            (1_000_000.0, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (1e100, "1e+100"),
            (-1.0, "-1.0"),
        ];
        for (value, text) in cases {
            assert_eq!(bound(value), text);
        }
    }
}
