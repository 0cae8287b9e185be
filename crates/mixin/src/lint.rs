//! The lint of boards: what Grafana would draw wrongly, or not at all, without a word.
//!
//! It reads the JSON that Grafana reads, so it holds for any board, not only for generated ones.
//! There are no exclusions: a board passes all rules or is not written that way.
//!
//! What only a server with data can tell, such as a label value that does not exist, is left to
//! the tests that run every query.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::boards::{MAIN_UID, MATCHERS};
use crate::catalogue::Catalogue;
use crate::promql;
use crate::rules::{self, AlertRule};

mod board;
mod dimension;
mod layout;
mod pages;
mod panel;
mod query;
mod shape;

pub use self::pages::page_findings;

/// What a board may name: the metrics and the rules.
#[derive(Clone, Debug)]
pub struct Context {
    /// The metrics.
    pub catalogue: Catalogue,
    /// The alert rules by their query, as a panel has it.
    pub(crate) rules: BTreeMap<String, AlertRule>,
}

impl Context {
    /// Returns the context of these metrics and all alert rules.
    pub fn new(catalogue: Catalogue) -> Self {
        let rules = rules::alert_rules().into_iter().filter_map(|rule| {
            let query = promql::with_matchers(&rule.query, MATCHERS).ok()?;
            Some((query, rule))
        });
        Self { catalogue, rules: rules.collect() }
    }
}

/// Returns what is wrong with a board; `path` is named in each finding.
///
/// ```
/// use mixin::lint::{self, Context};
/// use mixin::Catalogue;
///
/// let context = Context::new(Catalogue::default());
/// let findings = lint::board_findings("board.json", "{}", &context);
/// assert!(findings.iter().any(|finding| finding.contains("uid")));
/// ```
pub fn board_findings(path: &str, text: &str, context: &Context) -> Vec<String> {
    let board: Value = match serde_json::from_str(text) {
        Ok(board) => board,
        Err(error) => return vec![format!("{path}: is no JSON: {error}")],
    };
    let mut findings = Vec::new();
    // A repeated key is lost when the text is read, so the text written from it differs.
    if written(&board) != text {
        findings
            .push("is not as its content is written: a key is repeated, or it was edited".into());
    }
    findings.extend(board::findings(&board, context));
    findings.extend(layout::findings(&board));
    findings.extend(shape::findings(&board));
    if board["uid"] == MAIN_UID {
        findings.extend(unshown_rules(&board, context));
    }
    let mut findings: Vec<_> =
        findings.into_iter().map(|finding| format!("{path}: {finding}")).collect();
    for panel in panels_of(&board) {
        let title = panel["title"].as_str().unwrap_or_default();
        let of_panel = panel::findings(panel, context);
        findings.extend(of_panel.into_iter().map(|it| format!("{path}, panel `{title}`: {it}")));
    }
    findings
}

/// Returns a finding for each alert rule that no panel of the main board shows.
fn unshown_rules(board: &Value, context: &Context) -> Vec<String> {
    let shown: BTreeSet<_> = panels_of(board)
        .into_iter()
        .flat_map(|panel| targets_of(panel).iter().filter_map(|target| target["expr"].as_str()))
        .collect();
    let missing = context.rules.iter().filter(|(query, _)| !shown.contains(query.as_str()));
    missing.map(|(_, rule)| format!("no panel shows the alert {}", rule.name)).collect()
}

/// Writes a board as its file has it.
pub(crate) fn written(board: &Value) -> String {
    // A value of JSON has keys that are texts, so it can always be written.
    format!("{board:#}\n")
}

/// Returns all panels but the rows, also those inside collapsed rows.
pub fn panels_of(board: &Value) -> Vec<&Value> {
    let outer = list(&board["panels"]);
    let all = outer.iter().flat_map(|panel| [panel].into_iter().chain(list(&panel["panels"])));
    all.filter(|panel| panel["type"] != "row").collect()
}

/// Returns the queries of a panel.
pub fn targets_of(panel: &Value) -> &[Value] {
    list(&panel["targets"])
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
