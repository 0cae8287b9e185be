//! The alerts of the service as rules of Prometheus.

use std::time::Duration;

use node0_alerting::{Comparison, Condition, Metric, Promql, Rule, Statistic, Threshold};
use node0_metrics_core::Severity;

use super::outside;
use super::text::{Texts, Unit};

/// The page of each alert is a file in this folder.
const RUNBOOKS: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/runbooks");
/// The main board, below the address of Grafana.
const BOARD: &str = "/d/node0-performance";

/// The labels of an instance that alerts keep. An alert about a service has all but the last.
const LEVEL: [&str; 3] = ["namespace", "job", "instance"];
/// The topics whose alerts are about a service and not about one instance.
const OF_SERVICES: [&str; 2] = ["performance", "cache"];

/// The range of all rates: at least four scrapes, also with one a minute.
const RANGE: Duration = Duration::from_secs(300);

/// An alert rule as Prometheus evaluates it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AlertRule {
    /// The name, such as `HighP95Latency`.
    pub name: String,
    /// The name of the group that the rule is in.
    pub group: String,
    /// The expression without the comparison: what a panel draws.
    pub query: String,
    /// The whole expression: its results are the alerts.
    pub condition: String,
    /// The comparison of the query with the threshold.
    pub comparison: Comparison,
    /// The threshold, in the unit of the query.
    pub threshold: f64,
    /// The time for which the condition must hold before the alert fires: `for`.
    pub lasting: Duration,
    /// The time for which the alert fires on after the condition has become false.
    pub keep_firing_for: Duration,
    /// The labels of its alerts without `severity`, those of the target first.
    pub labels: Vec<String>,
    /// The alerts that explain this one, so that it is not announced while one of them fires.
    pub inhibited_by: Vec<String>,
    /// `critical` or `warning`.
    pub severity: &'static str,
    /// What is wrong, where and by how much, in one sentence; a template of Prometheus.
    pub summary: String,
    /// What it means for the service, with the value and the labels.
    pub description: String,
    /// What to do about it.
    pub remedy: String,
    /// The address of the page about it.
    pub runbook_url: String,
    /// The board that shows it, as a path below Grafana's address.
    pub dashboard_url: String,
}

/// Returns the alert rules, in the order of their groups.
pub fn alert_rules() -> Vec<AlertRule> {
    alert_rules_of(&[])
}

/// Returns the alert rules over series that meet these matchers, such as `job=~"$job"`.
///
/// ```
/// let rules = mixin::rules::alert_rules_of(&[r#"job="shop""#]);
/// assert!(rules.iter().all(|rule| rule.query.contains(r#"{job="shop""#)));
/// ```
pub fn alert_rules_of(matchers: &[&str]) -> Vec<AlertRule> {
    let of_service = node0_alerting::built_in();
    let of_service = of_service.iter().filter_map(|rule| translated(rule, matchers));
    of_service.chain(outside::rules(matchers)).collect()
}

impl AlertRule {
    /// Returns the annotations by name.
    pub fn annotations(&self) -> [(&'static str, &str); 5] {
        [
            ("summary", &self.summary),
            ("description", &self.description),
            ("remedy", &self.remedy),
            ("runbook_url", &self.runbook_url),
            ("dashboard_url", &self.dashboard_url),
        ]
    }
}

/// Writes a rule in PromQL; `None` for one over findings that no metric tells.
fn translated(rule: &Rule, matchers: &[&str]) -> Option<AlertRule> {
    let rule = &outside::over_a_metric(rule.clone());
    let Condition::Metric(Threshold { metric, comparison, threshold, .. }) = &rule.condition else {
        return None;
    };
    let level = level(&rule.topic);
    let form = Promql {
        rate_range: RANGE,
        latency_range: RANGE,
        gauge_range: Some(RANGE),
        by: level.iter().map(|label| (*label).into()).collect(),
        matchers: matchers.iter().map(|matcher| (*matcher).to_owned().into()).collect(),
    };
    let labels: Vec<_> = level.iter().copied().chain(metric.by.iter().map(|key| &**key)).collect();
    let texts = Texts {
        labels: &labels,
        component: &rule.component,
        unit: unit(metric),
        threshold: *threshold,
    };
    Some(AlertRule {
        name: rule.name.to_string(),
        group: rule.group.to_string(),
        query: form.query(metric),
        condition: form.condition(&rule.condition),
        comparison: *comparison,
        threshold: *threshold,
        lasting: rule.lasting,
        keep_firing_for: rule.keep_firing_for,
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        inhibited_by: rule.inhibited_by.iter().map(|name| name.to_string()).collect(),
        severity: rule.severity.unwrap_or(Severity::Warning).word(),
        summary: texts.summary(&rule.summary),
        description: texts.description(&rule.description),
        remedy: texts.of(&rule.remedy),
        runbook_url: runbook(&rule.name),
        dashboard_url: dashboard(level),
    })
}

/// Returns the labels that the alerts of a topic keep of their target.
fn level(topic: &str) -> &'static [&'static str] {
    if OF_SERVICES.contains(&topic) { &LEVEL[..2] } else { &LEVEL }
}

/// Returns the address of an alert's page.
pub(super) fn runbook(name: &str) -> String {
    format!("{RUNBOOKS}/{name}.md")
}

/// Returns the path of the main board, with its variables set to what the alert is about.
pub(super) fn dashboard(labels: &[&str]) -> String {
    let variables = labels.iter().filter(|label| ["job", "instance"].contains(label));
    let variables =
        variables.map(|label| format!("var-{label}={{{{ $labels.{label} | urlquery }}}}"));
    format!("{BOARD}?{}", variables.collect::<Vec<_>>().join("&"))
}

/// Returns the unit of a statistic.
fn unit(metric: &Metric) -> Unit {
    match metric.statistic {
        Statistic::Share { .. } | Statistic::DividedBy(_) | Statistic::ShareOfHourlyMean => {
            Unit::Ratio
        }
        Statistic::Value | Statistic::Quantile(_) | Statistic::Mean
            if metric.name.ends_with("_seconds") =>
        {
            Unit::Seconds
        }
        _ => Unit::None,
    }
}
