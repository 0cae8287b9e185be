//! Rules: a condition, how long it must hold, and the texts for people.
//!
//! A rule is plain data, so that the same table gives the alerts of this crate, the rules of
//! `/api/v1/rules` and a rules file for Prometheus. [`Rule::check`] is the only judge of it,
//! whether it was written in code or in a file.

use std::time::Duration;

use node0_metrics_core::Severity;

use crate::condition::{Condition, Text};
use crate::template;

/// A rule: when to alert, and what to tell.
///
/// The texts may contain the value, the threshold and each label of the alert in braces:
///
/// ```
/// use node0_alerting::{Metric, Rule};
/// use std::time::Duration;
///
/// let rule = Rule::new("QueueTooLong", Metric::new("queue_length").by(["queue"]).above(100.0))
///     .lasting(Duration::from_secs(120))
///     .summary("{queue} holds {value} jobs, more than {threshold}")
///     .remedy("Add workers, or slow down who fills the queue.");
/// assert_eq!(rule.check(), Ok(()));
/// let wrong = rule.summary("{region} is slow");
/// assert!(wrong.check().is_err());
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Rule {
    /// The name, such as `HighP95Latency`; unique among the rules.
    pub name: Text,
    /// The name of the group that the rule is listed in; `custom_alerts` by default.
    pub group: Text,
    /// The topic that the alerts are about; for findings that of their monitor.
    pub topic: Text,
    /// The component for a rule without labels, such as `memory`; the topic by default.
    pub component: Text,
    /// `false` if the rule is switched off.
    pub is_enabled: bool,
    /// The condition.
    pub condition: Condition,
    /// The time for which the condition must hold before an alert fires, `for` in Prometheus.
    pub lasting: Duration,
    /// The time for which the condition must be false before an alert is resolved.
    pub keep_firing_for: Duration,
    /// The severity; `None` for that of the finding, a warning for a metric.
    pub severity: Option<Severity>,
    /// Labels that are added to those of the series.
    pub labels: Vec<(Text, Text)>,
    /// The names of rules whose alerts explain this one: while one of them fires for the same
    /// topic and component, this one is not announced.
    pub inhibited_by: Vec<Text>,
    /// The topic and code of a finding about the same fact, which is then no alert of its own.
    pub covers: Option<(Text, Text)>,
    /// What is wrong, in one sentence.
    pub summary: Text,
    /// What it means for the service.
    pub description: Text,
    /// What to do about it.
    pub remedy: Text,
    /// The address of a page about it.
    pub runbook: Text,
}

/// A rule that cannot work, with the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rule `{rule}`: `{field}` {problem}")]
#[non_exhaustive]
pub struct RuleError {
    /// The name of the rule.
    pub rule: String,
    /// The field, by its name in the rules file.
    pub field: &'static str,
    /// What is wrong with it, and what to write instead.
    pub problem: String,
}

/// The longest name, and the longest time of a rule: a week.
const MAX_NAME_BYTES: usize = 64;
const MAX_TIME: Duration = Duration::from_secs(7 * 24 * 3600);

impl Rule {
    /// Creates a warning that fires at once when the condition holds.
    pub fn new(name: impl Into<Text>, condition: impl Into<Condition>) -> Self {
        let condition = condition.into();
        let topic = match &condition {
            Condition::Finding(findings) => findings.topic.clone().unwrap_or_default(),
            Condition::Metric(_) => "custom".into(),
        };
        let is_finding = matches!(condition, Condition::Finding(_));
        let covers = condition.finding();
        let text = |of_finding: &'static str| if is_finding { of_finding } else { "" };
        Self {
            name: name.into(),
            group: "custom_alerts".into(),
            topic,
            component: "".into(),
            is_enabled: true,
            condition,
            lasting: Duration::ZERO,
            keep_firing_for: Duration::ZERO,
            severity: None,
            labels: Vec::new(),
            inhibited_by: Vec::new(),
            covers,
            summary: text("{message}").into(),
            description: "".into(),
            remedy: text("{advice}").into(),
            runbook: "".into(),
        }
    }

    /// Lists the rule in this group.
    #[must_use]
    pub fn group(mut self, group: impl Into<Text>) -> Self {
        self.group = group.into();
        self
    }

    /// Sets the topic that the alerts are about, such as `cache`; `custom` by default.
    #[must_use]
    pub fn topic(mut self, topic: impl Into<Text>) -> Self {
        self.topic = topic.into();
        self
    }

    /// Names what an alert without labels is about; the topic by default.
    #[must_use]
    pub fn component(mut self, component: impl Into<Text>) -> Self {
        self.component = component.into();
        self
    }

    /// Fires only when the condition has held for this time; at once by default.
    #[must_use]
    pub fn lasting(mut self, time: Duration) -> Self {
        self.lasting = time;
        self
    }

    /// Resolves only when the condition has been false for this time; at once by default.
    #[must_use]
    pub fn keep_firing_for(mut self, time: Duration) -> Self {
        self.keep_firing_for = time;
        self
    }

    /// Sets the severity; a warning by default, for findings that of the finding.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    /// Adds a label to all alerts of the rule.
    #[must_use]
    pub fn label(mut self, key: impl Into<Text>, value: impl Into<Text>) -> Self {
        self.labels.push((key.into(), value.into()));
        self
    }

    /// Does not announce alerts while the named one fires for the same topic and component.
    #[must_use]
    pub fn inhibited_by(mut self, rule: impl Into<Text>) -> Self {
        self.inhibited_by.push(rule.into());
        self
    }

    /// Says that the finding with this topic and code is about the same fact.
    ///
    /// A rule over [any finding](crate::Findings::any) then leaves that finding out. A rule over one
    /// finding covers it by itself.
    #[must_use]
    pub fn covers(mut self, topic: impl Into<Text>, code: impl Into<Text>) -> Self {
        self.covers = Some((topic.into(), code.into()));
        self
    }

    /// Says what is wrong, in one sentence with placeholders.
    #[must_use]
    pub fn summary(mut self, text: impl Into<Text>) -> Self {
        self.summary = text.into();
        self
    }

    /// Says what it means for the service.
    #[must_use]
    pub fn description(mut self, text: impl Into<Text>) -> Self {
        self.description = text.into();
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn remedy(mut self, text: impl Into<Text>) -> Self {
        self.remedy = text.into();
        self
    }

    /// Links to a page about it.
    #[must_use]
    pub fn runbook(mut self, address: impl Into<Text>) -> Self {
        self.runbook = address.into();
        self
    }

    /// Sets the threshold of a rule over a metric. It has no effect on a rule over findings, whose
    /// threshold is a setting of the monitor.
    #[must_use]
    pub fn threshold(mut self, value: f64) -> Self {
        if let Condition::Metric(threshold) = &mut self.condition {
            threshold.threshold = value;
        }
        self
    }

    /// Resolves a firing alert only when the value has come back to this one, so that a value
    /// near the threshold does not flap. It has no effect on a finding.
    #[must_use]
    pub fn clears_at(mut self, value: f64) -> Self {
        if let Condition::Metric(threshold) = &mut self.condition {
            threshold.clears_at = Some(value);
        }
        self
    }

    /// Switches the rule off.
    #[must_use]
    pub fn disabled(mut self) -> Self {
        self.is_enabled = false;
        self
    }

    /// Returns the texts by their usual names: `summary`, `description`, `remedy` and
    /// `runbook_url`, with their placeholders; empty ones are left out.
    pub fn annotations(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let texts = [
            ("summary", &*self.summary),
            ("description", &self.description),
            ("remedy", &self.remedy),
            ("runbook_url", &self.runbook),
        ];
        texts.into_iter().filter(|(_, text)| !text.is_empty())
    }

    /// Checks that the rule can work.
    ///
    /// # Errors
    /// [`RuleError`] for the first field that cannot.
    pub fn check(&self) -> Result<(), RuleError> {
        let refuse =
            |field, problem: String| Err(RuleError { rule: self.name.to_string(), field, problem });
        if let Some(problem) = broken_name(&self.name) {
            return refuse("name", problem);
        }
        for (field, time) in [("for", self.lasting), ("keep_firing_for", self.keep_firing_for)] {
            if time > MAX_TIME {
                return refuse(field, "is longer than a week: use a shorter time".into());
            }
        }
        if let Some((key, _)) = self.labels.iter().find(|(key, _)| !is_label_key(key)) {
            return refuse("labels", format!("has `{key}`, {LABEL_RULE}"));
        }
        if self.inhibited_by.contains(&self.name) {
            return refuse("inhibited_by", "names the rule itself: name another rule".into());
        }
        if let Condition::Metric(threshold) = &self.condition
            && let Some((field, problem)) = threshold.broken_part()
        {
            return refuse(field, problem);
        }
        let known = self.placeholders();
        let texts = [
            ("summary", &self.summary),
            ("description", &self.description),
            ("remedy", &self.remedy),
            ("runbook", &self.runbook),
        ];
        for (field, text) in texts {
            if let Some(problem) = template::broken(text, &known) {
                return refuse(field, problem);
            }
        }
        Ok(())
    }

    /// Returns the names that texts may have in braces.
    fn placeholders(&self) -> Vec<&str> {
        let mut known = vec!["value", "threshold", "component", "topic", "severity"];
        match &self.condition {
            Condition::Finding(_) => known.extend(["code", "message", "advice"]),
            Condition::Metric(threshold) => {
                known.extend(threshold.metric.by.iter().map(|key| &**key));
            }
        }
        known.extend(self.labels.iter().map(|(key, _)| &**key));
        known
    }
}

/// Checks several rules together.
///
/// # Errors
/// The first [`RuleError`]: of a rule by itself, for a name that two rules have, and for one in
/// `inhibited_by` that no rule has.
pub(crate) fn check_all(rules: &[Rule]) -> Result<(), RuleError> {
    for (at, rule) in rules.iter().enumerate() {
        rule.check()?;
        let refuse =
            |field, problem| Err(RuleError { rule: rule.name.to_string(), field, problem });
        if rules[..at].iter().any(|other| other.name == rule.name) {
            return refuse("name", "is the name of two rules: rename one".into());
        }
        let is_rule = |name: &Text| rules.iter().any(|other| other.name == *name);
        if let Some(unknown) = rule.inhibited_by.iter().find(|name| !is_rule(name)) {
            let known: Vec<_> = rules.iter().map(|rule| &*rule.name).collect();
            let known = known.join(", ");
            return refuse("inhibited_by", format!("names `{unknown}`, which is no rule: {known}"));
        }
    }
    Ok(())
}

/// The rule for the keys of labels, which Alertmanager holds too: it refuses all alerts of a
/// request for one bad key.
pub(crate) const LABEL_RULE: &str =
    "which is no key of a label: begin with a letter or `_`, and use letters, digits and `_` only";

/// Returns `true` for a key that a label can have; the names of metrics follow the same rule.
pub(crate) fn is_label_key(key: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !key.starts_with(|c: char| c.is_ascii_digit()) && !key.is_empty() && key.chars().all(is_plain)
}

/// Returns the rule for names that a name breaks.
fn broken_name(name: &str) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.chars().all(is_plain) {
        Some("must begin with a letter and have letters, digits and `_` only".into())
    } else if name.len() > MAX_NAME_BYTES {
        Some(format!("is longer than {MAX_NAME_BYTES} bytes: shorten it"))
    } else {
        None
    }
}
