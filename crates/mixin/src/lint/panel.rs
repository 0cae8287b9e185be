//! Rules about one panel: texts, unit, limits, and that its queries can be told apart.

use std::collections::BTreeSet;

use node0_alerting::Comparison;
use serde_json::Value;

use super::board::DATA_SOURCE;
use super::{Context, dimension, list, query, targets_of, text};
use crate::promql::Expression;
use crate::rules::AlertRule;

/// The units that panels have.
const UNITS: &[&str] = &[
    "Bps",
    "bytes",
    "cpm",
    "cps",
    "dateTimeFromNow",
    "none",
    "ops",
    "percentunit",
    "reqps",
    "s",
    "short",
];
/// A description shorter than that says less than the three parts.
const SHORTEST: usize = 40;
/// The columns of a panel whose legend has room for a name and one number.
const NARROW: u64 = 6;

pub(super) fn findings(panel: &Value, context: &Context) -> Vec<String> {
    let mut found = texts(panel);
    found.extend(limits(panel));
    found.extend(looks(panel));
    let kind = text(&panel["type"]);
    let unit = text(&panel["fieldConfig"]["defaults"]["unit"]);
    let targets = targets_of(panel);
    if targets.is_empty() {
        found.push("needs a query".to_owned());
    }
    let mut names = BTreeSet::new();
    let mut legends = BTreeSet::new();
    for target in targets {
        let name = text(&target["refId"]);
        if name.is_empty() || !names.insert(name) {
            found.push(format!("two queries have the `refId` `{name}`, or one has none"));
        }
        if text(&target["datasource"]["uid"]) != DATA_SOURCE {
            found.push(format!("query {name} must use `${{datasource}}`"));
        }
        let legend = text(&target["legendFormat"]);
        if legend.is_empty() || !legends.insert(legend) {
            found.push(format!("query {name} needs a legend of its own"));
        }
        if target["instant"] == target["range"] {
            found.push(format!("query {name} must be either instant or over a range"));
        }
        if target["exemplar"] == true && !text(&target["expr"]).contains("_bucket") {
            found.push(format!("query {name} asks for exemplars, which only buckets have"));
        }
        let expr = text(&target["expr"]);
        let expression = match Expression::parse(expr) {
            Ok(expression) => expression,
            Err(error) => {
                found.push(error.to_string());
                continue;
            }
        };
        let rule = context.rules.get(expr);
        found.extend(query::findings(&expression, legend, rule.is_some(), context));
        if let Some(problem) = misfit(&expression, kind, unit) {
            found.push(problem);
        }
        if let Some(rule) = rule {
            found.extend(threshold(panel, rule));
        }
    }
    found
}

fn texts(panel: &Value) -> Vec<String> {
    let description = text(&panel["description"]);
    let defaults = &panel["fieldConfig"]["defaults"];
    let unit = text(&defaults["unit"]);
    let rules = [
        (!text(&panel["title"]).is_empty(), "needs a title".to_owned()),
        (
            description.len() >= SHORTEST
                && description.contains("**Good:**")
                && description.contains("**If not:**"),
            "needs a description: what it shows, **Good:** and **If not:**".to_owned(),
        ),
        (UNITS.contains(&unit), format!("has the unit `{unit}`: use one of {}", UNITS.join(", "))),
        (!text(&defaults["noValue"]).is_empty(), "needs a text for no data: `noValue`".to_owned()),
        (text(&panel["datasource"]["uid"]) == DATA_SOURCE, "must use `${datasource}`".to_owned()),
        (panel["interval"].is_null(), "must leave `interval` to the time range".to_owned()),
        (
            !(description.contains("vector(0)")) || description.contains("no data"),
            "must say why no data are shown as zero".to_owned(),
        ),
    ];
    rules.into_iter().filter(|(holds, _)| !holds).map(|(_, rule)| rule).collect()
}

/// A number by itself says nothing without its limits.
fn limits(panel: &Value) -> Vec<String> {
    let defaults = &panel["fieldConfig"]["defaults"];
    let steps = list(&defaults["thresholds"]["steps"]);
    let mut found = Vec::new();
    let values: Vec<_> = steps.iter().map(|step| step["value"].as_f64()).collect();
    let is_sorted = values.iter().skip(1).all(Option::is_some) && values.is_sorted_by(|a, b| a < b);
    if values.first().is_none_or(Option::is_some) || !is_sorted {
        found.push("needs limits that begin with null and rise".to_owned());
    }
    let kind = text(&panel["type"]);
    let has_texts = !list(&defaults["mappings"]).is_empty();
    let is_state = matches!(kind, "bargauge" | "gauge" | "state-timeline");
    if is_state && steps.len() < 2 && !has_texts {
        found.push("needs limits or texts for its values".to_owned());
    }
    if kind == "stat" && steps.is_empty() {
        found.push("needs limits".to_owned());
    }
    if matches!(kind, "bargauge" | "gauge")
        && !(defaults["min"].is_number() && defaults["max"].is_number())
    {
        found.push("needs `min` and `max`".to_owned());
    }
    if let (Some(min), Some(max)) = (defaults["min"].as_f64(), defaults["max"].as_f64())
        && min >= max
    {
        found.push("has a `min` that is not below `max`".to_owned());
    }
    found
}

/// Rules that were made where a drawn panel could not be read.
fn looks(panel: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let is_narrow = panel["gridPos"]["w"].as_u64().is_some_and(|columns| columns <= NARROW);
    if is_narrow && list(&panel["options"]["legend"]["calcs"]).len() > 1 {
        found.push("is too narrow for a legend with more than one number".to_owned());
    }
    let steps = list(&panel["fieldConfig"]["defaults"]["thresholds"]["steps"]);
    if panel["type"] == "stat" && steps.len() < 2 && panel["options"]["colorMode"] != "none" {
        found.push("must not be coloured without limits".to_owned());
    }
    found
}

/// Returns why the unit does not fit the values.
fn misfit(expression: &Expression, kind: &str, unit: &str) -> Option<String> {
    let selectors = expression.selectors();
    let dimension = match kind {
        "heatmap" => selectors.first().and_then(|it| dimension::bucketed(it.name)),
        _ => dimension::of(expression.root()),
    }?;
    let fitting = dimension.units();
    let problem = || {
        let fitting = fitting.join(", ");
        format!("has the unit `{unit}`, but its values are {dimension:?}: use {fitting}")
    };
    (!fitting.contains(&unit)).then(problem)
}

/// A panel of an alert has the alert's limit, and is red where the alert's condition holds.
fn threshold(panel: &Value, rule: &AlertRule) -> Vec<String> {
    let defaults = &panel["fieldConfig"]["defaults"];
    let name = &rule.name;
    let mut found = Vec::new();
    let runbook = list(&panel["links"]).iter().any(|link| link["url"] == *rule.runbook_url);
    if !runbook {
        found.push(format!("needs a link to the runbook of {name}"));
    }
    if !text(&panel["description"]).contains(name.as_str()) {
        found.push(format!("must name the alert {name} in its description"));
    }
    if !list(&defaults["mappings"]).is_empty() && text(&panel["type"]) == "state-timeline" {
        // Its values have texts and colours in place of limits.
        return found;
    }
    let steps = list(&defaults["thresholds"]["steps"]);
    let is_red = |step: &Value| step["color"] == "red";
    let is_limit = |step: &Value| step["value"].as_f64() == Some(rule.threshold);
    let holds = match (steps, rule.comparison) {
        ([below, above], Comparison::Above | Comparison::AtLeast) => {
            !is_red(below) && is_red(above) && is_limit(above)
        }
        ([below, above], Comparison::Below) => is_red(below) && !is_red(above) && is_limit(above),
        _ => false,
    };
    if !holds {
        let (sign, limit) = (rule.comparison, rule.threshold);
        found.push(format!("must be red where {name} holds: {sign} {limit}"));
    }
    found
}
