//! Conditions as Prometheus writes them, for people and for tools that read its rules.
//!
//! Prometheus computes percentiles from the exported buckets, so its value may differ from the
//! engine's by the width of a bucket.

use std::fmt;
use std::time::Duration;

use node0_metrics_core::{FINDINGS, Severity};

use crate::condition::{Comparison, Condition, Findings, Metric, Operator, Statistic, Text};
use crate::rule::Rule;

/// The range of rates in the engine. A share needs its least amount of data in this time.
const TEN_SECONDS: Duration = Duration::from_secs(10);
const FIVE_MINUTES: Duration = Duration::from_secs(300);

/// The form in which conditions are written in PromQL.
///
/// The default form has the ranges of the engine, which sees each second. A server that scrapes
/// less often needs a range of at least four scrapes, and labels that tell instances apart:
///
/// ```
/// use node0_alerting::{Metric, Promql};
/// use std::time::Duration;
///
/// let waiting = Metric::new("queue_length").by(["queue"]).above(100.0);
/// assert_eq!(waiting.to_string(), "sum by (queue) (queue_length) > 100");
///
/// let production = Promql {
///     gauge_range: Some(Duration::from_secs(300)),
///     by: vec!["job".into()],
///     ..Promql::default()
/// };
/// assert_eq!(
///     production.condition(&waiting),
///     "sum by (job, queue) (last_over_time(queue_length[5m])) > 100"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promql {
    /// The range of rates and shares; ten seconds by default, as in the engine.
    pub rate_range: Duration,
    /// The range of quantiles and means; five minutes by default. The engine takes the last
    /// thousand samples, at most of five minutes.
    pub latency_range: Duration,
    /// The time for which the last value of a gauge is taken if scrapes fail. By default a gauge
    /// is gone with the first failed scrape, and an alert over it is resolved.
    pub gauge_range: Option<Duration>,
    /// The labels that are kept before those of the metric, such as `job` and `instance`; none by
    /// default.
    pub by: Vec<Text>,
    /// Matchers that each selector gets first, such as `job="shop"`; none by default.
    pub matchers: Vec<Text>,
}

impl Default for Promql {
    fn default() -> Self {
        Self {
            rate_range: TEN_SECONDS,
            latency_range: FIVE_MINUTES,
            gauge_range: None,
            by: Vec::new(),
            matchers: Vec::new(),
        }
    }
}

impl Promql {
    /// Writes a condition as a query.
    ///
    /// One over findings has no label and no matcher of this form, and one over any finding is also
    /// about those that other rules [cover](crate::Rule::covers).
    pub fn condition(&self, condition: &Condition) -> String {
        match condition {
            Condition::Metric(threshold) => {
                let metric = &threshold.metric;
                let (statistic, comparison) = (self.statistic(metric), threshold.comparison);
                let enough = self.enough_samples(metric);
                format!("{statistic} {comparison} {}{enough}", threshold.threshold)
            }
            Condition::Finding(findings) => of_findings(findings, None, &[]),
        }
    }

    /// Writes the statistic of a metric as a query, without a comparison.
    ///
    /// It has no result where a divisor is zero, or where there are fewer data than the metric asks
    /// for.
    pub fn query(&self, metric: &Metric) -> String {
        format!("{}{}", self.statistic(metric), self.enough_samples(metric))
    }

    fn statistic(&self, metric: &Metric) -> String {
        let name = &*metric.name;
        let rate = |more: Option<String>, range| self.rate(metric, name, more, range);
        match &metric.statistic {
            Statistic::Value => self.gauge(metric, name),
            Statistic::Rate => rate(None, self.rate_range),
            Statistic::Quantile(quantile) => {
                let buckets =
                    self.range(metric, &format!("{name}_bucket"), None, self.latency_range);
                let by = self.by(metric, Some("le"));
                format!("histogram_quantile({quantile}, sum by ({by}) (rate({buckets})))")
            }
            Statistic::Mean => {
                let part =
                    |end| self.rate(metric, &format!("{name}_{end}"), None, self.latency_range);
                format!("{} / ({} > 0)", part("sum"), part("count"))
            }
            Statistic::Share { label, part, whole } => {
                let part = rate(Some(one_of(label, part)), self.rate_range);
                let whole = rate(Some(one_of(label, whole)), self.rate_range);
                let least = at_least(metric.min_data / TEN_SECONDS.as_secs_f64());
                format!("{part} / ({whole} {least})")
            }
            Statistic::DividedBy(divisor) => {
                format!("{} / ({} > 0)", self.gauge(metric, name), self.gauge(metric, divisor))
            }
            Statistic::ShareOfHourlyMean => {
                let hour = rate(None, Duration::from_secs(3600));
                let least = at_least(metric.min_data);
                format!("{} / ({hour} {least})", rate(None, self.rate_range))
            }
        }
    }

    /// Writes the condition that there are enough samples of a latency, where a metric asks for
    /// some.
    fn enough_samples(&self, metric: &Metric) -> String {
        let is_latency = matches!(metric.statistic, Statistic::Quantile(_) | Statistic::Mean);
        if !is_latency || metric.min_data <= 0.0 {
            return String::new();
        }
        let count = format!("{}_count", metric.name);
        let samples = self.range(metric, &count, None, self.latency_range);
        let by = self.by(metric, None);
        format!(" and sum by ({by}) (increase({samples})) >= {}", metric.min_data)
    }

    fn gauge(&self, metric: &Metric, name: &str) -> String {
        let by = self.by(metric, None);
        let value = match self.gauge_range {
            Some(range) => format!("last_over_time({})", self.range(metric, name, None, range)),
            None => self.select(metric, name, None),
        };
        format!("sum by ({by}) ({value})")
    }

    fn rate(&self, metric: &Metric, name: &str, more: Option<String>, range: Duration) -> String {
        let by = self.by(metric, None);
        format!("sum by ({by}) (rate({}))", self.range(metric, name, more, range))
    }

    /// Writes the labels that tell alerts apart, with a further one.
    fn by(&self, metric: &Metric, more: Option<&str>) -> String {
        let keys = self.by.iter().chain(&metric.by).map(|key| &**key);
        keys.chain(more).collect::<Vec<_>>().join(", ")
    }

    /// Writes a selector of the samples in a range.
    fn range(&self, metric: &Metric, name: &str, more: Option<String>, range: Duration) -> String {
        format!("{}[{}]", self.select(metric, name, more), time(range))
    }

    /// Writes a selector of series, with a further matcher.
    fn select(&self, metric: &Metric, name: &str, more: Option<String>) -> String {
        let of_metric = metric.matchers.iter().map(|matcher| {
            let sign = if matcher.operator == Operator::Is { "=" } else { "!=" };
            format!("{}{sign}{:?}", matcher.key, matcher.value)
        });
        let ours = self.matchers.iter().map(|matcher| matcher.to_string());
        let matchers: Vec<_> = ours.chain(of_metric).chain(more).collect();
        selector(name, &matchers)
    }
}

/// Returns the condition of a rule as a query for Prometheus.
///
/// `rules` are all rules there are: one over any finding leaves out those that another
/// rule [covers](Rule::covers).
///
/// ```
/// let rules = node0_alerting::built_in();
/// let failing = rules.iter().find(|rule| rule.name == "PoolFailing").expect("it is built in");
/// assert_eq!(
///     node0_alerting::query(failing, &rules),
///     "max by (topic, code, component) \
///      (node0_findings{topic=\"database\", code=\"high_error_rate\"}) > 0"
/// );
/// ```
pub fn query<'r>(rule: &Rule, rules: impl IntoIterator<Item = &'r Rule>) -> String {
    match &rule.condition {
        Condition::Finding(findings) => {
            let rules = rules.into_iter().filter(|_| findings.code.is_none());
            let covered = rules.filter_map(|rule| rule.covers.as_ref());
            let covered = covered.map(|(topic, code)| (&**topic, &**code)).collect::<Vec<_>>();
            of_findings(findings, rule.severity, &covered)
        }
        condition => condition.to_string(),
    }
}

/// Writes the condition in the default form of [`Promql`].
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Promql::default().condition(self))
    }
}

/// Writes the comparison as an operator: `>`, `>=` or `<`.
impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Below => "<",
        })
    }
}

/// Writes a query over the series of findings, without those of these topics and codes.
///
/// Alerts of a rule with a severity of its own are not told apart by that of the finding.
fn of_findings(
    findings: &Findings,
    of_rule: Option<Severity>,
    left_out: &[(&str, &str)],
) -> String {
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
    let severity = if of_rule.is_none() { ", severity" } else { "" };
    format!("max by (topic, code, component{severity}) ({series}) > 0")
}

fn selector(name: &str, matchers: &[String]) -> String {
    if matchers.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", matchers.join(", ")) }
}

/// Writes a matcher for any of these values.
fn one_of(label: &str, values: &[Text]) -> String {
    match values {
        [value] => format!("{label}={value:?}"),
        _ => format!("{label}=~{:?}", values.join("|")),
    }
}

/// Writes the condition on a divisor, which must not be zero in any case.
fn at_least(amount: f64) -> String {
    if amount > 0.0 { format!(">= {amount}") } else { "> 0".to_owned() }
}

/// Writes a time in the largest unit that divides it.
fn time(time: Duration) -> String {
    let millis = time.as_millis();
    let units = [(3_600_000, "h"), (60_000, "m"), (1000, "s")];
    match units.iter().find(|(unit, _)| millis > 0 && millis.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{}{name}", millis / unit),
        None => format!("{millis}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(name: &'static str) -> Metric {
        Metric::new(name).by(["a"])
    }

    #[test]
    fn conditions_are_written_as_queries() {
        let check = |condition: Condition, expected| assert_eq!(condition.to_string(), expected);
        check(metric("g").only("b", "1").above(5.0), r#"sum by (a) (g{b="1"}) > 5"#);
        check(metric("c_total").rate().below(0.5), "sum by (a) (rate(c_total[10s])) < 0.5");
        check(
            metric("d_seconds").quantile(0.95).above(1.0),
            "histogram_quantile(0.95, sum by (a, le) (rate(d_seconds_bucket[5m]))) > 1",
        );
        check(
            metric("c_total").share("r", ["x"], ["x", "y"]).reaching(0.5),
            "sum by (a) (rate(c_total{r=\"x\"}[10s])) / (sum by (a) (rate(c_total{r=~\"x|y\"}[10s])) > 0) >= 0.5",
        );
        check(
            metric("m").divided_by("n").above(0.9),
            "sum by (a) (m) / (sum by (a) (n) > 0) > 0.9",
        );
        check(
            metric("d_seconds").mean().min_data(20.0).above(1.0),
            "sum by (a) (rate(d_seconds_sum[5m])) / (sum by (a) (rate(d_seconds_count[5m])) > 0) > 1 \
             and sum by (a) (increase(d_seconds_count[5m])) >= 20",
        );
        check(
            metric("c_total").share("r", ["x"], ["x", "y"]).min_data(10.0).below(0.5),
            "sum by (a) (rate(c_total{r=\"x\"}[10s])) / (sum by (a) (rate(c_total{r=~\"x|y\"}[10s])) >= 1) < 0.5",
        );
        check(
            metric("c_total").share_of_hourly_mean().min_data(1.0).below(0.1),
            "sum by (a) (rate(c_total[10s])) / (sum by (a) (rate(c_total[1h])) >= 1) < 0.1",
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

    #[test]
    fn form_has_ranges_labels_and_matchers_of_its_own() {
        let form = Promql {
            rate_range: Duration::from_secs(90),
            latency_range: Duration::from_secs(120),
            gauge_range: Some(FIVE_MINUTES),
            by: vec!["job".into()],
            matchers: vec![r#"job="shop""#.into()],
        };
        let check =
            |condition: Condition, expected| assert_eq!(form.condition(&condition), expected);
        check(
            metric("g").only("b", "1").above(5.0),
            r#"sum by (job, a) (last_over_time(g{job="shop", b="1"}[5m])) > 5"#,
        );
        check(
            metric("c_total").rate().above(5.0),
            r#"sum by (job, a) (rate(c_total{job="shop"}[90s])) > 5"#,
        );
        check(
            metric("d_seconds").quantile(0.5).min_data(20.0).above(1.0),
            "histogram_quantile(0.5, sum by (job, a, le) (rate(d_seconds_bucket{job=\"shop\"}[2m]))) > 1 \
             and sum by (job, a) (increase(d_seconds_count{job=\"shop\"}[2m])) >= 20",
        );
    }

    #[test]
    fn times_have_the_unit_that_divides_them() {
        let check = |millis, expected| assert_eq!(time(Duration::from_millis(millis)), expected);
        check(0, "0ms");
        check(500, "500ms");
        check(90_000, "90s");
        check(300_000, "5m");
        check(3_600_000, "1h");
    }
}
