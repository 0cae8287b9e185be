//! The lint of rules: what promtool accepts, and what would never fire, or fire without a word.
//!
//! docs/rules-lint.md lists the checks with those of pint that they follow, and those that need a
//! server and are left to tests.

use std::collections::BTreeSet;
use std::path::Path;

use promql_parser::parser::Expr;

use super::alert::{AlertRule, alert_rules};
use super::recording::{RecordingRule, recording_rules};
use crate::catalogue::{Catalogue, Kind};
use crate::promql::{Expression, Selector, without_parentheses};

/// The labels that Prometheus adds to every series of a target.
const OF_TARGETS: [&str; 3] = ["namespace", "job", "instance"];
/// The functions that only make sense for what only grows.
const OF_COUNTERS: [&str; 3] = ["rate", "increase", "irate"];
/// The shortest time of an alert: one bad scrape is no alert.
const MIN_LASTING_SECONDS: u64 = 60;
/// The shortest range of rates: four scrapes of a minute.
const MIN_RANGE_SECONDS: u64 = 240;

/// Returns what is wrong with the rules, each with its name; `root` has the pages of the alerts.
pub(crate) fn findings(root: &Path, catalogue: &Catalogue) -> Vec<String> {
    let recordings = recording_rules();
    let recorded: BTreeSet<_> = recordings.iter().map(|rule| &*rule.name).collect();
    let lint = Lint { root, catalogue, recorded };
    let of_recordings = recordings
        .iter()
        .flat_map(|rule| named("recording rule", &rule.name, lint.recording(rule)));
    let alerts = alert_rules();
    let of_alerts = alerts.iter().flat_map(|rule| named("alert", &rule.name, lint.alert(rule)));
    of_recordings.chain(of_alerts).collect()
}

fn named(kind: &str, name: &str, findings: Vec<String>) -> Vec<String> {
    findings.into_iter().map(|finding| format!("{kind} {name}: {finding}")).collect()
}

/// What rules may name.
struct Lint<'l> {
    root: &'l Path,
    catalogue: &'l Catalogue,
    recorded: BTreeSet<&'l str>,
}

impl Lint<'_> {
    fn recording(&self, rule: &RecordingRule) -> Vec<String> {
        let mut found = Vec::new();
        let mut parts = rule.name.split(':');
        let (level, metric, operations) = (parts.next(), parts.next(), parts.next());
        let (Some(level), Some(metric), Some(operations)) = (level, metric, operations) else {
            return vec!["is not named level:metric:operations".to_owned()];
        };
        if [level, metric, operations].contains(&"") || parts.next().is_some() {
            found.push("is not named level:metric:operations".to_owned());
        }
        let Some(expression) = self.expression(&rule.expression, &mut found) else { return found };
        for by in groupings(&expression) {
            if by.join("_") != level {
                found.push(format!("groups by {by:?}, and its name says {level}"));
            }
        }
        found
    }

    fn alert(&self, rule: &AlertRule) -> Vec<String> {
        let mut found = Vec::new();
        if let Some(expression) = self.expression(&rule.condition, &mut found) {
            if !compares(expression.root()) {
                found.push("compares nothing, so it fires for every series".to_owned());
            }
            for by in groupings(&expression) {
                if !["namespace", "job"].iter().all(|key| by.contains(&(*key).to_owned())) {
                    found.push(format!("groups by {by:?}, and so mixes services up"));
                }
            }
        }
        if rule.lasting.as_secs() < MIN_LASTING_SECONDS {
            found.push("fires for one bad scrape: give it a `for` of a minute or more".to_owned());
        }
        if !rule.name.starts_with(|c: char| c.is_ascii_uppercase()) || rule.name.contains('_') {
            found.push("is not named in CamelCase".to_owned());
        }
        if !["critical", "warning"].contains(&rule.severity) {
            found.push(format!("has the severity {}", rule.severity));
        }
        for (key, text) in rule.annotations() {
            if text.is_empty() {
                found.push(format!("has no {key}"));
            }
            found.extend(self.broken_template(rule, key, text));
        }
        if !rule.description.contains("$value") {
            found.push("does not tell the value in its description".to_owned());
        }
        let page = format!("docs/runbooks/{}.md", rule.name);
        if !rule.runbook_url.ends_with(&page) || !self.root.join(&page).exists() {
            found.push(format!("has no page {page}"));
        }
        found
    }

    /// Returns the labels in a text that no alert of the rule has, and values without a unit.
    fn broken_template(&self, rule: &AlertRule, key: &str, text: &str) -> Vec<String> {
        let actions = text.split("{{").skip(1).filter_map(|rest| rest.split("}}").next());
        let mut found = Vec::new();
        for action in actions {
            if let Some((_, label)) = action.split_once("$labels.") {
                let label = label.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next();
                let label = label.unwrap_or_default();
                if !rule.labels.iter().any(|known| known == label) {
                    found
                        .push(format!("has the label {label} in its {key}, and not in its result"));
                }
            }
            if action.contains("$value") && !action.contains("humanize") {
                found.push(format!("writes the value in its {key} with all digits"));
            }
        }
        found
    }

    /// Parses an expression and checks all of its selectors.
    fn expression(&self, text: &str, found: &mut Vec<String>) -> Option<Expression> {
        match Expression::parse(text) {
            Ok(expression) => {
                for selector in expression.selectors() {
                    found.extend(self.broken_selector(&selector));
                }
                for by in groupings(&expression) {
                    found.extend(self.unknown_keys(&expression, &by));
                }
                Some(expression)
            }
            Err(error) => {
                found.push(error.to_string());
                None
            }
        }
    }

    fn broken_selector(&self, selector: &Selector<'_>) -> Vec<String> {
        let name = selector.name;
        if name == "up" || self.recorded.contains(name) {
            return Vec::new();
        }
        let Some(metric) = self.catalogue.metric_of(name) else {
            return vec![format!("names `{name}`, which is no metric")];
        };
        let mut found = Vec::new();
        for matcher in &selector.matchers {
            if !metric.labels.iter().any(|label| label == matcher.key) {
                found.push(format!("matches {}, which `{name}` has not", matcher.key));
            }
            let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if matcher.sign.contains('~') && matcher.value.chars().all(is_plain) {
                found.push(format!("matches {} by an expression of one value", matcher.key));
            }
        }
        let function = selector.around.iter().rev().find_map(|node| match node {
            Expr::Call(call) => Some(call.func.name),
            _ => None,
        });
        let is_rate = function.is_some_and(|name| OF_COUNTERS.contains(&name));
        let is_gauge = metric.kind == Kind::Gauge;
        if is_rate == is_gauge {
            let kind = if is_gauge { "a gauge" } else { "a counter" };
            let function = function.unwrap_or("no function");
            found.push(format!("reads `{name}`, {kind}, by {function}"));
        }
        if is_rate && selector.range.is_some_and(|range| range.as_secs() < MIN_RANGE_SECONDS) {
            found.push(format!("has a range of less than four scrapes for `{name}`"));
        }
        found
    }

    /// Returns the keys of a grouping that none of the series has.
    fn unknown_keys(&self, expression: &Expression, by: &[String]) -> Vec<String> {
        let known = |key: &&String| {
            let key = key.as_str();
            key == "le" || OF_TARGETS.contains(&key) || {
                let mut metrics = expression.selectors().into_iter();
                metrics.any(|selector| {
                    let metric = self.catalogue.metric_of(selector.name);
                    metric.is_some_and(|metric| metric.labels.iter().any(|label| label == key))
                })
            }
        };
        let unknown = by.iter().filter(|key| !known(key));
        unknown.map(|key| format!("groups by {key}, which no series has")).collect()
    }
}

/// Returns the keys of each `by`.
fn groupings(expression: &Expression) -> Vec<Vec<String>> {
    use promql_parser::parser::LabelModifier::Include;
    let nodes = expression.nodes().into_iter();
    let keys = nodes.filter_map(|(_, node)| match node {
        Expr::Aggregate(aggregate) => match &aggregate.modifier {
            Some(Include(keys)) => Some(keys.labels.clone()),
            _ => Some(Vec::new()),
        },
        _ => None,
    });
    keys.collect()
}

/// Returns `true` if an expression has results only where something is beyond a threshold.
fn compares(node: &Expr) -> bool {
    match without_parentheses(node) {
        Expr::Binary(binary) if binary.op.is_comparison_operator() => true,
        Expr::Binary(binary) => match binary.op.to_string().as_str() {
            "or" => compares(&binary.lhs) && compares(&binary.rhs),
            "and" | "unless" => compares(&binary.lhs),
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests;
