//! Conditions as Prometheus writes them, for people and for tools that read its rules.
//!
//! Prometheus computes percentiles from the exported buckets, so its value may differ from the
//! engine's by the width of a bucket.

use std::fmt;

use metrics_core::{FINDINGS, Severity};

use crate::condition::{Comparison, Condition, Findings, Metric, Operator, Statistic, Text};
use crate::rule::Rule;

/// The range of rates, which are over the last ten ticks here too.
const RANGE: &str = "10s";
const RANGE_SECONDS: u32 = 10;
/// The range of latencies; the engine takes the last thousand samples, at most of five minutes.
const WINDOW: &str = "5m";
const WINDOW_SECONDS: u32 = 300;

/// Returns the condition of a rule as a query for Prometheus.
///
/// `rules` are all rules there are: one over any finding leaves out those that another
/// rule [covers](Rule::covers).
///
/// ```
/// let rules = alerting::built_in();
/// let failing = rules.iter().find(|rule| rule.name == "PoolFailing").expect("it is built in");
/// assert_eq!(
///     alerting::query(failing, &rules),
///     "max by (topic, code, component, severity) \
///      (node0_findings{topic=\"database\", code=\"high_error_rate\"}) > 0"
/// );
/// ```
pub fn query<'r>(rule: &Rule, rules: impl IntoIterator<Item = &'r Rule>) -> String {
    match &rule.condition {
        Condition::Finding(findings) if findings.code.is_none() => {
            let covered = rules.into_iter().filter_map(|rule| rule.covers.as_ref());
            let covered = covered.map(|(topic, code)| (&**topic, &**code)).collect::<Vec<_>>();
            of_findings(findings, &covered)
        }
        condition => condition.to_string(),
    }
}

/// Writes the condition as a query; one over any finding without those that other rules cover.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Metric(threshold) => {
                let sign = match threshold.comparison {
                    Comparison::Above => ">",
                    Comparison::AtLeast => ">=",
                    Comparison::Below => "<",
                };
                write!(f, "{} {sign} {}", value(&threshold.metric), threshold.threshold)?;
                match enough_data(&threshold.metric) {
                    Some(enough) => write!(f, " and {enough}"),
                    None => Ok(()),
                }
            }
            Self::Finding(findings) => f.write_str(&of_findings(findings, &[])),
        }
    }
}

/// Writes a query over the series of findings, without those of these topics and codes.
fn of_findings(findings: &Findings, left_out: &[(&str, &str)]) -> String {
    let name = FINDINGS.name();
    let severity =
        (findings.min_severity > Severity::Warning).then(|| Text::from(Severity::Critical.word()));
    let matchers = [
        ("topic", &findings.topic),
        ("code", &findings.code),
        ("component", &findings.component),
        ("severity", &severity),
    ];
    let matchers = matchers.into_iter().filter_map(|(key, value)| Some((key, value.as_ref()?)));
    let matchers: Vec<_> = matchers.map(|(key, value)| format!("{key}={value:?}")).collect();
    let mut series = selector(name, &matchers);
    let left_out = left_out.iter().map(|(topic, code)| {
        selector(name, &[format!("topic={topic:?}"), format!("code={code:?}")])
    });
    let left_out: Vec<_> = left_out.collect();
    if !left_out.is_empty() {
        series = format!("{series} unless ({})", left_out.join(" or "));
    }
    format!("max by (topic, code, component, severity) ({series}) > 0")
}

fn value(metric: &Metric) -> String {
    let sum = |inner: String| format!("sum by ({}) ({inner})", metric.by.join(", "));
    let of = |name: &str, more: Option<String>| select(name, metric, more);
    let rate = |name: &str, more: Option<String>, range: &str| {
        sum(format!("rate({}[{range}])", of(name, more)))
    };
    match &metric.statistic {
        Statistic::Value => sum(of(&metric.name, None)),
        Statistic::Rate => rate(&metric.name, None, RANGE),
        Statistic::Quantile(quantile) => {
            let by =
                metric.by.iter().map(|key| &**key).chain(["le"]).collect::<Vec<_>>().join(", ");
            let buckets = of(&format!("{}_bucket", metric.name), None);
            format!("histogram_quantile({quantile}, sum by ({by}) (rate({buckets}[{WINDOW}])))")
        }
        Statistic::Mean => {
            let part = |suffix: &str| rate(&format!("{}_{suffix}", metric.name), None, WINDOW);
            format!("{} / {}", part("sum"), part("count"))
        }
        Statistic::Share { label, part, whole } => {
            let of_values = |values: &[Text]| format!("{label}=~\"{}\"", values.join("|"));
            let part = rate(&metric.name, Some(of_values(part)), RANGE);
            format!("{part} / {}", rate(&metric.name, Some(of_values(whole)), RANGE))
        }
        Statistic::DividedBy(divisor) => {
            format!("{} / {}", sum(of(&metric.name, None)), sum(of(divisor, None)))
        }
        Statistic::ShareOfHourlyMean => {
            let hour = rate(&metric.name, None, "1h");
            format!("{} / {hour}", rate(&metric.name, None, RANGE))
        }
    }
}

/// Writes the condition that there are enough data, where a metric asks for some.
fn enough_data(metric: &Metric) -> Option<String> {
    let by = metric.by.join(", ");
    let rate = |name: &str, more: Option<String>, range: &str| {
        format!("sum by ({by}) (rate({}[{range}]))", select(name, metric, more))
    };
    let amount = match &metric.statistic {
        Statistic::Quantile(_) | Statistic::Mean => {
            format!("{} * {WINDOW_SECONDS}", rate(&format!("{}_count", metric.name), None, WINDOW))
        }
        Statistic::Share { label, whole, .. } => {
            let whole = format!("{label}=~\"{}\"", whole.join("|"));
            format!("{} * {RANGE_SECONDS}", rate(&metric.name, Some(whole), RANGE))
        }
        Statistic::ShareOfHourlyMean => rate(&metric.name, None, "1h"),
        Statistic::Value | Statistic::Rate | Statistic::DividedBy(_) => return None,
    };
    (metric.min_data > 0.0).then(|| format!("{amount} >= {}", metric.min_data))
}

/// Writes a selector of series, with a further matcher.
fn select(name: &str, metric: &Metric, more: Option<String>) -> String {
    let matchers = metric.matchers.iter().map(|matcher| {
        let sign = if matcher.operator == Operator::Is { "=" } else { "!=" };
        format!("{}{sign}{:?}", matcher.key, matcher.value)
    });
    selector(name, &matchers.chain(more).collect::<Vec<_>>())
}

fn selector(name: &str, matchers: &[String]) -> String {
    if matchers.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", matchers.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_written_as_queries() {
        let check = |condition: Condition, expected| assert_eq!(condition.to_string(), expected);
        let metric = |name: &'static str| Metric::new(name).by(["a"]);
        check(metric("g").only("b", "1").above(5.0), r#"sum by (a) (g{b="1"}) > 5"#);
        check(metric("c_total").rate().below(0.5), "sum by (a) (rate(c_total[10s])) < 0.5");
        check(
            metric("d_seconds").quantile(0.95).above(1.0),
            "histogram_quantile(0.95, sum by (a, le) (rate(d_seconds_bucket[5m]))) > 1",
        );
        check(
            metric("c_total").share("r", ["x"], ["x", "y"]).reaching(0.5),
            "sum by (a) (rate(c_total{r=~\"x\"}[10s])) / sum by (a) (rate(c_total{r=~\"x|y\"}[10s])) >= 0.5",
        );
        check(metric("m").divided_by("n").above(0.9), "sum by (a) (m) / sum by (a) (n) > 0.9");
        check(
            metric("d_seconds").mean().min_data(20.0).above(1.0),
            "sum by (a) (rate(d_seconds_sum[5m])) / sum by (a) (rate(d_seconds_count[5m])) > 1 \
             and sum by (a) (rate(d_seconds_count[5m])) * 300 >= 20",
        );
        check(
            metric("c_total").share("r", ["x"], ["x", "y"]).min_data(10.0).below(0.5),
            "sum by (a) (rate(c_total{r=~\"x\"}[10s])) / sum by (a) (rate(c_total{r=~\"x|y\"}[10s])) < 0.5 \
             and sum by (a) (rate(c_total{r=~\"x|y\"}[10s])) * 10 >= 10",
        );
        check(
            metric("c_total").share_of_hourly_mean().min_data(1.0).below(0.1),
            "sum by (a) (rate(c_total[10s])) / sum by (a) (rate(c_total[1h])) < 0.1 \
             and sum by (a) (rate(c_total[1h])) >= 1",
        );
        check(
            Findings { min_severity: Severity::Critical, ..Findings::new("queue", "deep") }.into(),
            "max by (topic, code, component, severity) \
             (node0_findings{topic=\"queue\", code=\"deep\", severity=\"critical\"}) > 0",
        );
    }

    #[test]
    fn a_rule_over_any_finding_leaves_out_those_that_other_rules_cover() {
        let any = Rule::new("Any", Findings::any());
        let rules = ["x", "y"].map(|code| any.clone().covers("queue", code));
        assert_eq!(
            query(&any, &rules),
            "max by (topic, code, component, severity) (node0_findings unless (\
             node0_findings{topic=\"queue\", code=\"x\"} or node0_findings{topic=\"queue\", code=\"y\"})) > 0"
        );
        assert_eq!(query(&any, []), any.condition.to_string());
    }
}
