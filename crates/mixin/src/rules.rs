//! Alerting and recording rules for Prometheus.

use std::time::Duration;

use alerting::Comparison;

/// An alert rule as Prometheus evaluates it.
#[derive(Clone, Debug, PartialEq)]
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
    /// `critical` or `warning`.
    pub severity: &'static str,
    /// What is wrong, in one sentence; a template of Prometheus.
    pub summary: String,
    /// What it means for the service.
    pub description: String,
    /// What to do about it.
    pub remedy: String,
    /// The address of the page about it.
    pub runbook_url: String,
}

/// Returns the alert rules, in the order of their groups.
pub fn alert_rules() -> Vec<AlertRule> {
    Vec::new()
}
