//! Silences: alerts that match are not announced for a time.

use std::time::Duration;

use node0_metrics_core::{Labels, Timestamp};
use serde::{Serialize, Serializer};

use crate::condition::{Matcher, Operator};
use crate::rule::Rule;

/// Keeps matching alerts from being announced until it ends; made by
/// [`Alerts::silence`](crate::Alerts::silence) or a rules file.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Silence {
    /// Identifies the silence.
    pub id: String,
    /// The conditions that an alert's labels must all meet; `topic` and `component` count as
    /// labels.
    pub matchers: Vec<Matcher>,
    /// The wall time at which it began.
    pub starts_at: Timestamp,
    /// The wall time at which it ends.
    pub ends_at: Timestamp,
    /// Why it was made.
    pub reason: String,
}

/// A silence that has not begun: what a rules file or a caller asks for.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PlannedSilence {
    /// The conditions that an alert's labels must all meet.
    pub matchers: Vec<Matcher>,
    /// When it ends.
    pub end: SilenceEnd,
    /// Why it is made.
    pub reason: String,
}

/// The end of a silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SilenceEnd {
    /// At a wall time, which may have passed.
    At(Timestamp),
    /// This long after its beginning.
    After(Duration),
}

impl PlannedSilence {
    /// Begins the silence.
    pub(crate) fn begin(&self, id: String, now: Timestamp) -> Silence {
        let ends_at = match self.end {
            SilenceEnd::At(end) => end,
            SilenceEnd::After(time) => {
                let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
                Timestamp::from_millis(now.as_millis().saturating_add(millis))
            }
        };
        let Self { matchers, reason, .. } = self.clone();
        Silence { id, matchers, starts_at: now, ends_at, reason }
    }
}

impl Silence {
    pub(crate) fn matches(&self, rule: &Rule, labels: &Labels, subject: (&str, &str)) -> bool {
        self.matchers.iter().all(|matcher| {
            matcher.matches(match &*matcher.key {
                "alertname" => Some(&rule.name),
                "topic" => Some(subject.0),
                "component" => Some(subject.1),
                key => labels.get(key),
            })
        })
    }
}

/// The form that people write: `circuit=payments` or `severity!=critical`.
impl Serialize for Matcher {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let sign = match self.operator {
            Operator::Is => "=",
            Operator::IsNot => "!=",
        };
        serializer.collect_str(&format_args!("{}{sign}{}", self.key, self.value))
    }
}
