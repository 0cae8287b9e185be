//! What the values of an expression are: seconds, bytes, shares, counts, or one of these per time.

use promql_parser::parser::Expr;

use crate::promql::without_parentheses;

/// The dimension of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dimension {
    Seconds,
    Milliseconds,
    Bytes,
    /// A share, or seconds per second.
    Ratio,
    Count,
    PerSecond,
    PerMinute,
    BytesPerSecond,
}

impl Dimension {
    /// Returns the units of Grafana that fit.
    pub(super) const fn units(self) -> &'static [&'static str] {
        match self {
            Self::Seconds => &["s"],
            Self::Milliseconds => &["ms", "dateTimeFromNow"],
            Self::Bytes => &["bytes"],
            // Seconds that are waited per second are also the mean number of those who wait.
            Self::Ratio => &["percentunit", "short"],
            Self::Count => &["none", "short"],
            Self::PerSecond => &["cps", "ops", "reqps", "short"],
            Self::PerMinute => &["cpm"],
            Self::BytesPerSecond => &["Bps"],
        }
    }

    /// Returns the dimension of a metric, by the suffix of its name.
    pub(super) fn of_metric(series: &str) -> Self {
        let name = series.trim_end_matches("_total").trim_end_matches("_sum");
        if series.ends_with("_bucket") || series.ends_with("_count") {
            Self::Count
        } else if name.ends_with("_seconds") {
            Self::Seconds
        } else if name.ends_with("_bytes") {
            Self::Bytes
        } else if name.ends_with("_ratio") {
            Self::Ratio
        } else {
            Self::Count
        }
    }

    fn per_second(self) -> Self {
        match self {
            Self::Seconds => Self::Ratio,
            Self::Bytes => Self::BytesPerSecond,
            _ => Self::PerSecond,
        }
    }

    fn times(self, factor: f64) -> Self {
        match self {
            Self::PerSecond if is(factor, 60.0) => Self::PerMinute,
            Self::Seconds if is(factor, 1000.0) => Self::Milliseconds,
            other => other,
        }
    }

    fn divided_by(self, other: Self) -> Self {
        match (self, other) {
            (Self::BytesPerSecond, Self::PerSecond) => Self::Bytes,
            (Self::Ratio, Self::PerSecond) => Self::Seconds,
            (one, other) if one == other => Self::Ratio,
            (one, _) => one,
        }
    }
}

fn is(value: f64, expected: f64) -> bool {
    (value - expected).abs() < f64::EPSILON
}

/// Returns the dimension of an expression's values; `None` for a number.
pub(super) fn of(node: &Expr) -> Option<Dimension> {
    match without_parentheses(node) {
        Expr::VectorSelector(vector) => vector.name.as_deref().map(Dimension::of_metric),
        Expr::MatrixSelector(matrix) => matrix.vs.name.as_deref().map(Dimension::of_metric),
        Expr::Aggregate(aggregate) => match aggregate.op.to_string().as_str() {
            "count" | "group" => Some(Dimension::Count),
            _ => of(&aggregate.expr),
        },
        Expr::Subquery(subquery) => of(&subquery.expr),
        Expr::Unary(unary) => of(&unary.expr),
        Expr::Call(call) => {
            let inner = || call.args.args.iter().find_map(|argument| of(argument));
            match call.func.name {
                "rate" | "irate" | "deriv" => Some(inner()?.per_second()),
                "histogram_quantile" => quantile(call.args.args.get(1)?),
                _ => inner(),
            }
        }
        Expr::Binary(binary) => {
            let (left, right) = (of(&binary.lhs), of(&binary.rhs));
            match (binary.op.to_string().as_str(), left, right) {
                ("*", Some(left), None) => Some(left.times(value(&binary.rhs))),
                ("*", None, Some(right)) => Some(right.times(value(&binary.lhs))),
                ("/", Some(left), Some(right)) => Some(left.divided_by(right)),
                _ => left.or(right),
            }
        }
        _ => None,
    }
}

/// Returns the dimension of the values that buckets count.
fn quantile(buckets: &Expr) -> Option<Dimension> {
    match without_parentheses(buckets) {
        Expr::Aggregate(aggregate) => quantile(&aggregate.expr),
        Expr::Call(call) => quantile(call.args.args.first()?),
        Expr::MatrixSelector(matrix) => bucketed(matrix.vs.name.as_deref()?),
        Expr::VectorSelector(vector) => bucketed(vector.name.as_deref()?),
        _ => None,
    }
}

/// Returns the dimension of the values that a histogram's series of buckets counts.
pub(super) fn bucketed(series: &str) -> Option<Dimension> {
    series.strip_suffix("_bucket").map(Dimension::of_metric)
}

fn value(node: &Expr) -> f64 {
    match without_parentheses(node) {
        Expr::NumberLiteral(number) => number.val,
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::Expression;

    #[test]
    fn dimensions_follow_from_names_and_operators() {
        let check = |text: &str, expected: Dimension| {
            let expression = Expression::parse(text).expect("PromQL");
            assert_eq!(of(expression.root()), Some(expected), "{text}");
        };
        check("max(m_bytes)", Dimension::Bytes);
        check("sum(rate(c_total[5m])) * 60", Dimension::PerMinute);
        check("sum(rate(w_seconds_sum[5m]))", Dimension::Ratio);
        check("sum(rate(w_seconds_sum[5m])) / sum(rate(w_seconds_count[5m]))", Dimension::Seconds);
        check("sum(rate(b_bytes_sum[5m])) / (sum(rate(b_bytes_count[5m])) > 0)", Dimension::Bytes);
        check(
            "histogram_quantile(0.9, sum by (le) (rate(w_seconds_bucket[5m]))) >= 0",
            Dimension::Seconds,
        );
        check("sum(rate(c_total{x=\"1\"}[5m])) / sum(rate(c_total[5m]))", Dimension::Ratio);
        check("max(start_seconds) * 1000", Dimension::Milliseconds);
        check("count(x)", Dimension::Count);
    }
}
