//! What is wrong with the answers to a panel's queries, whatever they are about.

use std::collections::BTreeSet;

use serde_json::Value;
use testbed::prometheus::{Prometheus, Series};

use crate::grafana::{Choices, name_of, text};

/// More series than that cannot be told apart in a panel.
const MOST_SERIES: usize = 30;

/// The answer to one query.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) panel: String,
    pub(crate) legend: String,
    pub(crate) series: Vec<Series>,
}

impl Answer {
    /// Returns `true` if a point has a value.
    pub(crate) fn has_data(&self) -> bool {
        self.series.iter().any(|series| series.points.iter().any(|point| !point.value.is_nan()))
    }

    /// Returns the newest value of each series, with its name in the legend.
    pub(crate) fn last(&self) -> Vec<(String, f64)> {
        let last = self.series.iter().filter_map(|series| {
            let values = series.points.iter().map(|point| point.value);
            Some((name_of(&self.legend, series), values.rev().find(|value| !value.is_nan())?))
        });
        last.collect()
    }
}

/// Runs all queries of a panel; adds what is wrong with the answers.
pub(crate) fn of_panel(
    server: &Prometheus,
    choices: &Choices,
    panel: &Value,
    found: &mut Vec<String>,
) -> Vec<Answer> {
    let title = text(&panel["title"]);
    let mut answers = Vec::new();
    for target in mixin::lint::targets_of(panel) {
        let legend = text(&target["legendFormat"]).to_owned();
        match choices.ask(server, target) {
            Ok(series) => answers.push(Answer { panel: title.to_owned(), legend, series }),
            Err(error) => {
                let reason = std::error::Error::source(&error).map(ToString::to_string);
                found.push(format!("`{title}`: {error} {}", reason.unwrap_or_default()));
            }
        }
    }
    found.extend(names(title, panel, &answers));
    let values = answers.iter().flat_map(|answer| values(panel, answer));
    found.extend(values.map(|problem| format!("`{title}`: {problem}")));
    answers
}

/// Series of a panel can be told apart by their names.
fn names(title: &str, panel: &Value, answers: &[Answer]) -> Vec<String> {
    let mut found = Vec::new();
    let mut known = BTreeSet::new();
    for answer in answers {
        for series in &answer.series {
            let name = name_of(&answer.legend, series);
            if name.contains("{{") || name.trim().is_empty() {
                found.push(format!(
                    "`{title}`: the legend `{name}` names a label that is not there"
                ));
            }
            if !known.insert(name.clone()) {
                found.push(format!("`{title}`: two series are named `{name}`"));
            }
        }
    }
    if known.len() > MOST_SERIES && panel["type"] != "heatmap" {
        found.push(format!("`{title}`: {} series are too many", known.len()));
    }
    found
}

/// Values are finite, within the panel's limits, and have a text if the panel has texts.
fn values(panel: &Value, answer: &Answer) -> Vec<String> {
    let defaults = &panel["fieldConfig"]["defaults"];
    let (min, max) = (defaults["min"].as_f64(), defaults["max"].as_f64());
    let texts = defaults["mappings"][0]["options"].as_object();
    let mut found = BTreeSet::new();
    for series in &answer.series {
        let name = name_of(&answer.legend, series);
        for value in series.points.iter().map(|point| point.value).filter(|it| !it.is_nan()) {
            // A ratio of two rates may be off by the rounding of a sum.
            let is_below = min.is_some_and(|min| value < min - 1e-9);
            let is_above = max.is_some_and(|max| value > max + 1e-9);
            if value.is_infinite() {
                found.insert(format!("{name} is infinite"));
            } else if is_below || is_above {
                found.insert(format!("{name} is {value}, outside of the panel"));
            } else if texts.is_some_and(|texts| !texts.contains_key(&value.to_string())) {
                found.insert(format!("{name} is {value}, which has no text"));
            }
        }
    }
    found.into_iter().collect()
}
