//! Alerts that are other in Prometheus than in the service.
//!
//! A rule over a finding is written over the metric that the finding is about, where there is one:
//! so it says by how much, and a board can draw it. And a service cannot tell that nobody reaches it:
//! a server outside can.

use std::time::Duration;

use node0_alerting::{Comparison, Condition, Findings, Metric, Rule};

use super::alert::{AlertRule, dashboard, runbook};
use super::text::{Texts, Unit};

/// A metric without labels that every service with node0 has, and others have not.
const EVERY_SERVICE: &str = "node0_recording_threads";

/// Writes a rule over findings over a metric, where one says the same.
pub(super) fn over_a_metric(mut rule: Rule) -> Rule {
    let condition = match &rule.condition {
        Condition::Finding(finding) if *finding == Findings::any() => others(),
        Condition::Finding(finding) if finding.code.as_deref() == Some("high_error_rate") => {
            failing_pool()
        }
        _ => return rule,
    };
    let is_other = rule.name == "MonitorFinding";
    rule.condition = condition;
    if is_other {
        // It counts findings about anything, so that no other alert explains all of them.
        rule.inhibited_by.clear();
        // The service has waited for the time of the rule already.
        rule.lasting(Duration::from_secs(60))
            .summary("{value} findings of monitors, which no other alert is about")
            .description("Monitors have reported them for some minutes.")
            .remedy("Read their messages and advice at `/alerts` of this instance.")
    } else {
        rule.summary("pool {pool}: {value} of waits fail, more than {threshold}").remedy(
            "Check that the database is reachable, that its `max_connections` allows the pool's \
             maximum size, and for slow queries.",
        )
    }
}

/// The finding `high_error_rate`, with the threshold that a pool's monitor has by default. One wait
/// in ten seconds is needed, since a single failure of a pool at rest is no outage.
fn failing_pool() -> Condition {
    Metric::new("db_client_acquires_total")
        .by(["pool"])
        .share("outcome", ["failed", "timed_out"], ["acquired", "failed", "timed_out", "cancelled"])
        .min_data(1.0)
        .above(0.05)
}

/// The alerts that the service has about findings of any monitor.
fn others() -> Condition {
    Metric::new("node0_alerts")
        .only("alertname", "MonitorFinding")
        .only("state", "firing")
        .above(0.0)
}

/// Returns the rules that only a server outside can have.
pub(super) fn rules(matchers: &[&str]) -> [AlertRule; 2] {
    let select = |name: &str| match matchers {
        [] => name.to_owned(),
        _ => format!("{name}{{{}}}", matchers.join(", ")),
    };
    let known = |range: &str| format!("last_over_time({}[{range}])", select(EVERY_SERVICE));
    let up = select("up");
    let is_ours =
        format!("on (namespace, job) group_left () group by (namespace, job) ({})", known("1d"));
    let down = format!("{up} * {is_ours}");
    let had = format!("count by (namespace, job) ({})", known("1h"));
    let has_none = format!("unless on (namespace, job) {up}");
    [
        AlertRule {
            condition: format!("{down} < 1"),
            query: down,
            comparison: Comparison::Below,
            threshold: 1.0,
            lasting: Duration::from_secs(120),
            ..rule(
                "TargetDown",
                &["namespace", "job", "instance"],
                [
                    "metrics cannot be scraped",
                    "Nobody sees how this instance does, and no other alert about it can fire.",
                    "Look at the error of the scrape on the page of targets. Check that the process runs, that it answers at `/health/live`, and that the network lets the scrape through.",
                ],
            )
        },
        AlertRule {
            condition: format!("{had} > 0 {has_none}"),
            query: format!("{had} {has_none}"),
            comparison: Comparison::Above,
            threshold: 0.0,
            lasting: Duration::from_secs(300),
            ..rule(
                "TargetGone",
                &["namespace", "job"],
                [
                    "no instance is known any more, {value} were in the last hour",
                    "The job has no targets: the service was removed, or the server does not find it.",
                    "Check that the service is deployed, and the labels and ports by which the server finds it. If it was removed for good, the alert ends within an hour.",
                ],
            )
        },
    ]
}

/// Creates a critical rule with its texts: summary, description, remedy.
fn rule(name: &str, labels: &[&str], [summary, description, remedy]: [&str; 3]) -> AlertRule {
    let texts = Texts { labels, component: "", unit: Unit::None, threshold: 0.0 };
    AlertRule {
        name: name.to_owned(),
        group: "target_alerts".to_owned(),
        query: String::new(),
        condition: String::new(),
        comparison: Comparison::Above,
        threshold: 0.0,
        lasting: Duration::ZERO,
        keep_firing_for: Duration::ZERO,
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        inhibited_by: Vec::new(),
        severity: "critical",
        summary: texts.summary(summary),
        description: texts.description(description),
        remedy: remedy.to_owned(),
        runbook_url: runbook(name),
        dashboard_url: dashboard(labels),
    }
}
