//! Conditions of rules: a metric beyond a threshold, or a monitor's finding.
//!
//! Both kinds give the same answer at an evaluation: for each set of labels whether the condition
//! holds, and with which value. So the states of alerts do not depend on the kind.

use std::borrow::Cow;

use node0_metrics_core::Severity;

use crate::rule::{LABEL_RULE, is_label_key};

/// A text of a rule: constant in the built-in rules, owned in those from a file.
pub type Text = Cow<'static, str>;

/// The condition of a rule.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Condition {
    /// A statistic of a metric is beyond a threshold.
    Metric(Threshold),
    /// A monitor reports a finding.
    Finding(Findings),
}

/// A statistic of a metric, and the value beyond which an alert is due.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Threshold {
    /// The metric and the statistic.
    pub metric: Metric,
    /// The comparison with the threshold.
    pub comparison: Comparison,
    /// The threshold, in the unit of the statistic: seconds, bytes, a share from 0 to 1.
    pub threshold: f64,
    /// The value that a firing alert must cross back to be resolved; the threshold by default.
    pub clears_at: Option<f64>,
}

/// A comparison of a value with a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Greater than the threshold.
    Above,
    /// The threshold or greater.
    AtLeast,
    /// Less than the threshold.
    Below,
}

/// Series of a metric, and the statistic that is computed from them.
///
/// ```
/// use node0_alerting::{Condition, Metric};
///
/// // The share of failed jobs of each queue, over the last ten seconds.
/// let failing = Metric::new("jobs_total")
///     .by(["queue"])
///     .share("outcome", ["failed"], ["failed", "done"])
///     .min_data(20.0)
///     .above(0.1);
/// assert!(matches!(failing, Condition::Metric(threshold) if threshold.threshold == 0.1));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Metric {
    /// The name of the metric.
    pub name: Text,
    /// The conditions that a series' labels must meet.
    pub matchers: Vec<Matcher>,
    /// The labels that tell alerts apart: series that agree in them are added up.
    pub by: Vec<Text>,
    /// The statistic.
    pub statistic: Statistic,
    /// The least amount of data that a verdict needs, see [`Metric::min_data`].
    pub min_data: f64,
}

/// A condition on one label of a series or an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Matcher {
    /// The key of the label; one that a series does not have is empty.
    pub key: Text,
    /// The kind of the condition.
    pub operator: Operator,
    /// The value to compare with.
    pub value: Text,
}

/// A comparison of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// The label has the value.
    Is,
    /// The label has another value.
    IsNot,
}

/// A number that is computed from series with equal labels.
///
/// Rates and shares are over the last ten whole ticks, ten seconds by default. Quantiles and means
/// are over the window of a latency: its last thousand samples, at least a second and at most five
/// minutes. A single bad tick is no alert, since a rule waits for its `for`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Statistic {
    /// The value of a gauge; the default.
    Value,
    /// The rate of a counter per second.
    Rate,
    /// A quantile of a latency or distribution, from 0 to 1.
    Quantile(f64),
    /// The mean of a latency or distribution.
    Mean,
    /// The share of a counter's increments whose label `label` has one of the values in `part`,
    /// among those with one of the values in `whole`.
    Share {
        /// The label.
        label: Text,
        /// The values in the numerator.
        part: Vec<Text>,
        /// The values in the denominator, with those in the numerator.
        whole: Vec<Text>,
    },
    /// The value of a gauge divided by that of the gauge with this name.
    DividedBy(Text),
    /// The rate of a counter divided by its mean rate over the last hour.
    ShareOfHourlyMean,
}

/// Findings of monitors, selected by topic, code and component; by default all.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Findings {
    /// The topic of the monitor; `None` for any.
    pub topic: Option<Text>,
    /// The code of the finding; `None` for any that no other rule [covers](crate::Rule::covers).
    pub code: Option<Text>,
    /// The component; `None` for any.
    pub component: Option<Text>,
    /// The lowest severity.
    pub min_severity: Severity,
}

impl Metric {
    /// Takes the value of all series of a metric added up.
    pub fn new(name: impl Into<Text>) -> Self {
        Self {
            name: name.into(),
            matchers: Vec::new(),
            by: Vec::new(),
            statistic: Statistic::Value,
            min_data: 0.0,
        }
    }

    /// Takes only series whose label `key` has this value.
    #[must_use]
    pub fn only(mut self, key: impl Into<Text>, value: impl Into<Text>) -> Self {
        self.matchers.push(Matcher::is(key, value));
        self
    }

    /// Leaves out series whose label `key` has this value.
    #[must_use]
    pub fn except(mut self, key: impl Into<Text>, value: impl Into<Text>) -> Self {
        self.matchers.push(Matcher::is_not(key, value));
        self
    }

    /// Makes an alert of its own for each set of values of these labels.
    #[must_use]
    pub fn by<T: Into<Text>>(mut self, keys: impl IntoIterator<Item = T>) -> Self {
        self.by = keys.into_iter().map(Into::into).collect();
        self
    }

    /// Compares the rate of a counter per second.
    #[must_use]
    pub fn rate(self) -> Self {
        self.statistic(Statistic::Rate)
    }

    /// Compares a quantile of a latency, such as 0.95.
    #[must_use]
    pub fn quantile(self, quantile: f64) -> Self {
        self.statistic(Statistic::Quantile(quantile))
    }

    /// Compares the mean of a latency.
    #[must_use]
    pub fn mean(self) -> Self {
        self.statistic(Statistic::Mean)
    }

    /// Compares a share of a counter, see [`Statistic::Share`].
    #[must_use]
    pub fn share<T: Into<Text>>(
        self,
        label: impl Into<Text>,
        part: impl IntoIterator<Item = T>,
        whole: impl IntoIterator<Item = T>,
    ) -> Self {
        let texts = |values: Vec<T>| values.into_iter().map(Into::into).collect();
        let part = texts(part.into_iter().collect());
        let whole = texts(whole.into_iter().collect());
        self.statistic(Statistic::Share { label: label.into(), part, whole })
    }

    /// Compares the quotient of two gauges with equal labels.
    #[must_use]
    pub fn divided_by(self, metric: impl Into<Text>) -> Self {
        self.statistic(Statistic::DividedBy(metric.into()))
    }

    /// Compares the rate of a counter with its mean over the last hour.
    #[must_use]
    pub fn share_of_hourly_mean(self) -> Self {
        self.statistic(Statistic::ShareOfHourlyMean)
    }

    fn statistic(mut self, statistic: Statistic) -> Self {
        self.statistic = statistic;
        self
    }

    /// Takes the condition as not met while there are fewer data: samples in the window of a
    /// quantile or mean, increments in the denominator of a share, increments per second in the
    /// hourly mean. 0 by default; a share and a quantile need at least one in any case.
    #[must_use]
    pub fn min_data(mut self, amount: f64) -> Self {
        self.min_data = amount;
        self
    }

    /// Returns the condition that the statistic is greater than this.
    pub fn above(self, threshold: f64) -> Condition {
        self.compared(Comparison::Above, threshold)
    }

    /// Returns the condition that the statistic is this or greater.
    pub fn reaching(self, threshold: f64) -> Condition {
        self.compared(Comparison::AtLeast, threshold)
    }

    /// Returns the condition that the statistic is less than this.
    pub fn below(self, threshold: f64) -> Condition {
        self.compared(Comparison::Below, threshold)
    }

    pub(crate) fn compared(self, comparison: Comparison, threshold: f64) -> Condition {
        Condition::Metric(Threshold { metric: self, comparison, threshold, clears_at: None })
    }
}

impl Condition {
    /// Returns the topic and code, if it is a condition over all findings with that code.
    pub(crate) fn finding(&self) -> Option<(Text, Text)> {
        match self {
            Self::Finding(Findings {
                topic: Some(topic),
                code: Some(code),
                component: None,
                min_severity: Severity::Warning,
            }) => Some((topic.clone(), code.clone())),
            _ => None,
        }
    }
}

impl Findings {
    /// Takes all findings of all monitors.
    pub fn any() -> Self {
        Self { topic: None, code: None, component: None, min_severity: Severity::Warning }
    }

    /// Takes the findings with this code of the monitor with this topic.
    pub fn new(topic: impl Into<Text>, code: impl Into<Text>) -> Self {
        Self { topic: Some(topic.into()), code: Some(code.into()), ..Self::any() }
    }
}

impl From<Findings> for Condition {
    fn from(findings: Findings) -> Self {
        Self::Finding(findings)
    }
}

impl Matcher {
    /// The label `key` has this value.
    pub fn is(key: impl Into<Text>, value: impl Into<Text>) -> Self {
        Self { key: key.into(), operator: Operator::Is, value: value.into() }
    }

    /// The label `key` has another value.
    pub fn is_not(key: impl Into<Text>, value: impl Into<Text>) -> Self {
        Self { key: key.into(), operator: Operator::IsNot, value: value.into() }
    }

    /// Returns `true` if a label with this value, or without one, meets the condition.
    pub(crate) fn matches(&self, value: Option<&str>) -> bool {
        let is_equal = value.unwrap_or_default() == self.value;
        match self.operator {
            Operator::Is => is_equal,
            Operator::IsNot => !is_equal,
        }
    }
}

impl Comparison {
    /// Returns `true` if the value is beyond the threshold; NaN never is.
    pub(crate) fn holds(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::Above => value > threshold,
            Self::AtLeast => value >= threshold,
            Self::Below => value < threshold,
        }
    }
}

impl Threshold {
    /// Returns a part that cannot work, by its field, and what to do.
    pub(crate) fn broken_part(&self) -> Option<(&'static str, String)> {
        let metric = &self.metric;
        if metric.name.is_empty() {
            return Some(("metric", "is empty: name a metric, such as `queue_length`".into()));
        }
        if let Some(broken) = metric.broken_name() {
            return Some(broken);
        }
        if !self.threshold.is_finite() || self.clears_at.is_some_and(|value| !value.is_finite()) {
            return Some(("threshold", "is not a finite number: write one".into()));
        }
        if !(metric.min_data.is_finite() && metric.min_data >= 0.0) {
            return Some(("min_data", "is not a number from 0 on: write one".into()));
        }
        let beyond = |value| self.comparison.holds(value, self.threshold);
        if self.clears_at.is_some_and(beyond) {
            let problem = "is beyond the threshold, so alerts would be resolved while the \
                           condition holds: choose a value on the other side";
            return Some(("clears_at", problem.into()));
        }
        match &metric.statistic {
            Statistic::Quantile(quantile) if !(0.0..=1.0).contains(quantile) => {
                Some(("quantile", format!("is {quantile}: choose one from 0 to 1")))
            }
            Statistic::Share { part, whole, .. } if part.is_empty() || whole.is_empty() => Some((
                "share",
                "has no values: name those of the numerator and of the whole".into(),
            )),
            Statistic::Share { part, whole, .. } => {
                let odd = part.iter().find(|value| !whole.contains(value))?;
                Some((
                    "share",
                    format!("has `{odd}` in the part, but not in the whole: add it there"),
                ))
            }
            _ => None,
        }
    }
}

impl Metric {
    /// Returns a name that no metric or label can have, by its field, and what to do.
    fn broken_name(&self) -> Option<(&'static str, String)> {
        let divisor = match &self.statistic {
            Statistic::DividedBy(divisor) => Some(("divided_by", divisor)),
            _ => None,
        };
        for (field, name) in [("metric", &self.name)].into_iter().chain(divisor) {
            if !is_label_key(name) {
                let problem = "is no name of a metric: begin with a letter or `_`, and use letters, \
                               digits and `_` only";
                return Some((field, format!("names `{name}`, which {problem}")));
            }
        }
        let share = match &self.statistic {
            Statistic::Share { label, .. } => Some(("share", label)),
            _ => None,
        };
        let of_matcher = |matcher: &'_ Matcher| match matcher.operator {
            Operator::Is => "where",
            Operator::IsNot => "where_not",
        };
        let by = self.by.iter().map(|key| ("by", key));
        let matchers = self.matchers.iter().map(|one| (of_matcher(one), &one.key));
        let mut keys = by.chain(matchers).chain(share);
        let (field, key) = keys.find(|(_, key)| !is_label_key(key))?;
        Some((field, format!("has `{key}`, {LABEL_RULE}")))
    }
}
