//! The text of figures, the same in every place that shows them.

use crate::run::Unit;
use crate::stats::Estimate;

/// Returns an amount with the unit that suits its size.
pub(crate) fn amount(unit: Unit, figure: f64) -> String {
    let steps = match unit {
        Unit::Nanoseconds => [(1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns")],
        Unit::Bytes => [(GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB"), (1.0, "B")],
    };
    let size = figure.abs();
    let (step, name) = steps.into_iter().find(|(step, _)| size >= *step).unwrap_or(steps[3]);
    // There is no part of a byte in memory; only a mean has one.
    let digits = if unit == Unit::Bytes && step == 1.0 && figure.fract() == 0.0 { 0 } else { 2 };
    format!("{:.digits$} {name}", figure / step)
}

/// Returns a round amount, without superfluous digits.
pub(crate) fn round(unit: Unit, figure: f64) -> String {
    let text = amount(unit, figure);
    let (number, name) = text.split_once(' ').unwrap_or((&text, ""));
    let number = number.parse().map_or_else(|_| number.to_owned(), plain);
    format!("{number} {name}")
}

const KIB: f64 = 1024.0;
const MIB: f64 = KIB * KIB;
const GIB: f64 = KIB * MIB;

/// Returns the interval of an amount.
pub(crate) fn range(unit: Unit, of: &Estimate) -> String {
    format!("[{} – {}]", amount(unit, of.low), amount(unit, of.high))
}

/// Returns a factor with its interval.
pub(crate) fn factor(ratio: &Estimate) -> String {
    let digits = if ratio.median < 0.1 { 3 } else { 2 };
    let Estimate { low, median, high } = ratio;
    format!("{median:.digits$} × [{low:.digits$} – {high:.digits$}]")
}

/// Returns an added share with its interval.
pub(crate) fn share(share: &Estimate) -> String {
    let Estimate { low, median, high } = share.map(percent);
    format!("{median:+.2} % [{low:+.2} – {high:+.2}]")
}

/// Returns a share in percent, never as a negative zero.
pub(crate) fn percent(share: f64) -> f64 {
    let percent = share * 100.0;
    if percent.abs() < 0.005 { 0.0 } else { percent }
}

/// Returns a number as short as it can be without a loss that matters here.
pub(crate) fn plain(number: f64) -> String {
    let text = format!("{number:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Returns a duration for people.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        ..60 => format!("{whole} s"),
        _ => format!("{} min {} s", whole / 60, whole % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_unit_that_suits_them() {
        let times = [0.55, 1500.0, 2.5e6, 3e9].map(|it| amount(Unit::Nanoseconds, it));
        assert_eq!(times, ["0.55 ns", "1.50 µs", "2.50 ms", "3.00 s"]);
        let bytes = [0.0, 512.0, 16.25, 1536.0, -2_097_152.0].map(|it| amount(Unit::Bytes, it));
        assert_eq!(round(Unit::Nanoseconds, 50_000.0), "50 µs");
        assert_eq!(bytes, ["0 B", "512 B", "16.25 B", "1.50 KiB", "-2.00 MiB"]);
    }

    #[test]
    fn share_that_rounds_to_zero_has_no_sign_of_its_own() {
        let zero = Estimate { low: -0.001, median: -0.00001, high: 0.0 };
        assert_eq!(share(&zero), "+0.00 % [-0.10 – +0.00]");
    }

    #[test]
    fn factor_below_a_tenth_has_one_digit_more() {
        let of = |median| Estimate { low: median, median, high: median };
        assert_eq!(factor(&of(0.0321)), "0.032 × [0.032 – 0.032]");
        assert_eq!(factor(&of(0.321)), "0.32 × [0.32 – 0.32]");
    }

    #[test]
    fn numbers_have_no_trailing_zeros() {
        assert_eq!([0.5, 2.0, 0.35, 50_000.0].map(plain), ["0.5", "2", "0.35", "50000"]);
    }
}
