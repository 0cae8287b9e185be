//! What a rule saw at an evaluation, for each set of labels, whatever the kind of its condition.

use std::collections::BTreeMap;

use node0_metrics_core::{Finding, Labels, Sample, Severity, Status, TopicHealth, Unit};

use crate::condition::{Condition, Findings, Threshold};
use crate::hourly_mean::HourlyMean;
use crate::life::Seen;
use crate::measure::{self, Reading, Trusted};
use crate::rule::Rule;

/// The label of an alert's severity.
pub(crate) const SEVERITY: &str = "severity";

/// The facts about an alert whose condition holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Facts {
    pub(crate) value: f64,
    pub(crate) threshold: f64,
    pub(crate) unit: Unit,
    pub(crate) severity: Severity,
    pub(crate) topic: String,
    pub(crate) component: String,
    /// The finding's code, message and advice; empty for a metric.
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) advice: String,
}

/// All facts of a rule at one evaluation.
#[derive(Debug)]
pub(crate) struct Observed<'s> {
    /// The facts where the condition holds.
    pub(crate) holds: BTreeMap<Labels, Facts>,
    /// Where it is known not to hold.
    clear: Vec<Labels>,
    source: Source<'s>,
}

/// What an alert without facts means.
#[derive(Clone, Copy, Debug)]
enum Source<'s> {
    /// A series that is not there: its value is missing.
    Metric,
    /// A finding that is not there: it is gone, unless its monitor knows nothing.
    Findings(&'s [TopicHealth]),
    /// No data can be trusted.
    Nothing,
}

impl<'s> Observed<'s> {
    /// Says nothing about any alert.
    pub(crate) fn nothing() -> Self {
        Self { holds: BTreeMap::new(), clear: Vec::new(), source: Source::Nothing }
    }

    /// Returns what was seen of the alert with these labels.
    pub(crate) fn seen(&self, labels: &Labels) -> Seen {
        if self.holds.contains_key(labels) {
            return Seen::Holds;
        }
        let is_known = match self.source {
            Source::Metric => self.clear.binary_search(labels).is_ok(),
            Source::Findings(topics) => is_judged(topics, labels),
            Source::Nothing => false,
        };
        if is_known { Seen::Clear } else { Seen::Missing }
    }
}

/// Returns `true` if the monitor of a finding, and the component it is about, are judged.
fn is_judged(topics: &[TopicHealth], labels: &Labels) -> bool {
    let topic = labels.get("topic").unwrap_or_default();
    // A topic that is not there has no monitor any more.
    let Some(health) = topics.iter().find(|health| health.topic.name == topic) else { return true };
    let component = labels.get("component").and_then(|name| health.component(name));
    let is_known = |status| status != Status::Unknown;
    is_known(health.assessment.status) && component.is_none_or(|one| is_known(one.status))
}

/// Observes a rule; `is_firing` tells which alerts have to come back to `clears_at`.
pub(crate) fn observe<'s>(
    rule: &Rule,
    trusted: Trusted<'s>,
    means: &mut BTreeMap<Labels, HourlyMean>,
    covered: &[(&str, &str)],
    is_firing: impl Fn(&Labels) -> bool,
) -> Observed<'s> {
    match &rule.condition {
        Condition::Metric(threshold) => of_metric(rule, threshold, trusted, means, is_firing),
        Condition::Finding(findings) => of_findings(rule, findings, trusted.sample, covered),
    }
}

fn of_metric<'s>(
    rule: &Rule,
    condition: &Threshold,
    trusted: Trusted<'s>,
    means: &mut BTreeMap<Labels, HourlyMean>,
    is_firing: impl Fn(&Labels) -> bool,
) -> Observed<'s> {
    let mut kept = BTreeMap::new();
    let readings = measure::metric(&condition.metric, trusted, |labels, last| {
        let mut mean = means.remove(labels).unwrap_or_else(HourlyMean::new);
        let rate = mean.add(last);
        kept.insert(labels.clone(), mean);
        rate
    });
    // Series that are gone take their means with them.
    *means = kept;
    let (mut holds, mut clear) = (BTreeMap::new(), Vec::new());
    let unit = readings.unit.unwrap_or(Unit::None);
    for (labels, reading) in readings.by_labels {
        let value = match reading {
            Reading::Value(value) => value,
            Reading::Quiet => {
                clear.push(labels);
                continue;
            }
            Reading::Missing => continue,
        };
        let limit = match condition.clears_at {
            Some(back) if is_firing(&labels) => back,
            _ => condition.threshold,
        };
        if !condition.comparison.holds(value, limit) {
            clear.push(labels);
            continue;
        }
        let facts = Facts {
            value,
            threshold: condition.threshold,
            unit,
            severity: rule.severity.unwrap_or(Severity::Warning),
            topic: rule.topic.to_string(),
            component: component(rule, condition, &labels),
            code: String::new(),
            message: String::new(),
            advice: String::new(),
        };
        holds.insert(labels, facts);
    }
    clear.sort_unstable();
    Observed { holds, clear, source: Source::Metric }
}

/// Names what an alert is about: its labels joined, as `demo/L1`.
fn component(rule: &Rule, condition: &Threshold, labels: &Labels) -> String {
    let values: Vec<_> = condition.metric.by.iter().filter_map(|key| labels.get(key)).collect();
    match (values.is_empty(), rule.component.is_empty()) {
        (false, _) => values.join("/"),
        (true, false) => rule.component.to_string(),
        (true, true) => rule.topic.to_string(),
    }
}

fn of_findings<'s>(
    rule: &Rule,
    wanted: &Findings,
    sample: &'s Sample,
    covered: &[(&str, &str)],
) -> Observed<'s> {
    let mut holds = BTreeMap::new();
    for health in sample.topics.iter() {
        let topic = health.topic.name;
        for finding in &health.assessment.findings {
            let is_covered = wanted.code.is_none() && covered.contains(&(topic, finding.code));
            if wanted.select(topic, finding) && !is_covered {
                let facts = || facts(rule, topic, finding);
                holds.entry(labels(rule, topic, finding)).or_insert_with(facts);
            }
        }
    }
    Observed { holds, clear: Vec::new(), source: Source::Findings(&sample.topics) }
}

/// Tells the alerts of a rule over findings apart. If the rule has no severity of its own, a finding
/// that grows worse is another alert: receivers route by the severity, and know an alert by its labels.
fn labels(rule: &Rule, topic: &str, finding: &Finding) -> Labels {
    let severity = rule.severity.is_none().then(|| (SEVERITY, finding.severity.word()));
    let parts = [("topic", topic), ("code", finding.code), ("component", &*finding.component)];
    Labels::new(parts.into_iter().chain(severity))
}

/// Returns the labels that the same finding has at the other severity; `None` if it makes no
/// difference to the alert.
pub(crate) fn at_other_severity(labels: &Labels) -> Option<Labels> {
    let other = match labels.get(SEVERITY)? {
        word if word == Severity::Warning.word() => Severity::Critical,
        _ => Severity::Warning,
    };
    Some(Labels::new(labels.iter().chain([(SEVERITY, other.word())])))
}

fn facts(rule: &Rule, topic: &str, finding: &Finding) -> Facts {
    Facts {
        value: finding.observed,
        threshold: finding.threshold,
        unit: Unit::None,
        severity: rule.severity.unwrap_or(finding.severity),
        topic: topic.to_owned(),
        component: finding.component.clone(),
        code: finding.code.to_owned(),
        message: finding.message.clone(),
        advice: finding.advice.to_string(),
    }
}

impl Findings {
    fn select(&self, topic: &str, finding: &Finding) -> bool {
        let is = |wanted: &Option<_>, value: &str| {
            wanted.as_deref().is_none_or(|wanted: &str| wanted == value)
        };
        is(&self.topic, topic)
            && is(&self.code, finding.code)
            && is(&self.component, &finding.component)
            && finding.severity >= self.min_severity
    }
}
