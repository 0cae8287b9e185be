//! Writes numbers as text, each in one canonical form.
//!
//! Values have the shortest form: `145`, `0.89`, `1e-7`. A bucket's bound is a
//! label value, so its text is part of the series' identity and must be the same
//! in both formats. It has the form that OpenMetrics requires and Go prints:
//! `1.0`, `0.005`, `1e+06`.

/// The largest integer up to which all integers are exact in an `f64`: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

pub(crate) fn integer(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

pub(crate) fn float(out: &mut Vec<u8>, value: f64) {
    if value.fract() == 0.0 && value.abs() < EXACT {
        out.extend_from_slice(itoa::Buffer::new().format(value as i64).as_bytes());
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
    use super::*;

    fn written(value: f64) -> String {
        let mut out = Vec::new();
        float(&mut out, value);
        String::from_utf8(out).expect("numbers are ASCII")
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
