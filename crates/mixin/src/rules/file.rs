//! The rules file of Prometheus.

use std::time::Duration;

use serde::Serialize;
use serde_saphyr::LitString;

use super::alert::{AlertRule, alert_rules};
use super::recording::recording_rules;
use crate::documents::{Document, DocumentError};

/// The rules file, below the root of the workspace.
const PATH: &str = "alerts/performance-alerts.yaml";

const HEAD: &str = "\
# Rules for Prometheus, from the rules that the service has too. Do not edit:
# `cargo xtask generate` writes this file. docs/operating.md says how to change thresholds.
";

#[derive(Debug, Serialize)]
struct File {
    groups: Vec<Group>,
}

#[derive(Debug, Serialize)]
struct Group {
    name: String,
    rules: Vec<Entry>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Entry {
    Recording {
        record: String,
        expr: LitString,
    },
    Alerting {
        alert: String,
        expr: LitString,
        #[serde(rename = "for")]
        lasting: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        keep_firing_for: Option<String>,
        labels: Labels,
        annotations: Annotations,
    },
}

#[derive(Debug, Serialize)]
struct Labels {
    severity: &'static str,
}

#[derive(Debug, Serialize)]
struct Annotations {
    summary: String,
    description: String,
    remedy: String,
    runbook_url: String,
    dashboard_url: String,
}

/// Returns the rules file.
///
/// # Errors
/// [`DocumentError::Yaml`] if it cannot be written as YAML.
pub(super) fn document() -> Result<Document, DocumentError> {
    let recordings = recording_rules().into_iter();
    let recordings = recordings
        .map(|rule| Entry::Recording { record: rule.name, expr: lines(&rule.expression) });
    let mut groups =
        vec![Group { name: "recording_rules".to_owned(), rules: recordings.collect() }];
    for rule in alert_rules() {
        let name = rule.group.clone();
        let entry = Entry::from(rule);
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.rules.push(entry),
            None => groups.push(Group { name, rules: vec![entry] }),
        }
    }
    let plain = serde_saphyr::ser_options! { prefer_block_scalars: false };
    let text = serde_saphyr::to_string_with_options(&File { groups }, plain)?;
    Ok(Document { path: PATH.to_owned(), text: format!("{HEAD}{text}") })
}

impl From<AlertRule> for Entry {
    fn from(rule: AlertRule) -> Self {
        let hold = rule.keep_firing_for;
        Self::Alerting {
            alert: rule.name,
            expr: lines(&rule.condition),
            lasting: time(rule.lasting),
            keep_firing_for: (!hold.is_zero()).then(|| time(hold)),
            labels: Labels { severity: rule.severity },
            annotations: Annotations {
                summary: rule.summary,
                description: rule.description,
                remedy: rule.remedy,
                runbook_url: rule.runbook_url,
                dashboard_url: rule.dashboard_url,
            },
        }
    }
}

/// Writes a time in whole minutes, or else in seconds.
fn time(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds.is_multiple_of(60) { format!("{}m", seconds / 60) } else { format!("{seconds}s") }
}

/// Divides an expression at its outer operators, so that it can be read.
fn lines(expression: &str) -> LitString {
    let operators = [" / (", " and ", " unless "];
    LitString(operators.iter().fold(expression.to_owned(), |text, operator| {
        text.replace(operator, &format!("\n{}", operator.trim_start()))
    }))
}
