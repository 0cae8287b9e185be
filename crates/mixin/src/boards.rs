//! Boards for Grafana: the main board with a row for each crate, and small boards of one crate.

use std::path::Path;

use serde_json::Value;

use crate::promql;
use crate::rules::{self, AlertRule};

mod definition;
mod grafana;
mod panel;
mod provisioning;

pub use self::definition::DefinitionError;
pub(crate) use self::provisioning::alerts as provisioned_alerts;

use self::definition::{Panel, Row, Section, Source};

/// What each selector of a panel has, so that the board's variables choose the targets.
pub(crate) const MATCHERS: &str = r#"job=~"$job", instance=~"$instance""#;

/// The folder of the generated boards.
const FOLDER: &str = "dashboards";

/// The identifier of the main board, to which alerts link.
pub(crate) const MAIN_UID: &str = "node0-performance";

/// A board, as its parts.
#[derive(Clone, Debug)]
pub(crate) struct Board {
    pub(crate) uid: String,
    pub(crate) title: String,
    pub(crate) description: String,
    /// The path of the file, relative to the root.
    pub(crate) path: String,
    pub(crate) rows: Vec<BoardRow>,
}

/// A row of a board.
#[derive(Clone, Debug)]
pub(crate) struct BoardRow {
    pub(crate) title: String,
    pub(crate) is_collapsed: bool,
    pub(crate) panels: Vec<BoardPanel>,
}

/// A panel with its complete queries.
#[derive(Clone, Debug)]
pub(crate) struct BoardPanel {
    pub(crate) definition: Panel,
    /// The rule that the panel shows.
    pub(crate) rule: Option<AlertRule>,
    pub(crate) targets: Vec<Target>,
}

/// A query with the matchers on the variables.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) expr: String,
    pub(crate) legend: String,
    pub(crate) exemplars: bool,
}

impl Board {
    /// Returns the board in the form of Grafana.
    pub(crate) fn to_json(&self) -> Value {
        grafana::board(self)
    }
}

/// Returns all boards, the main one first.
pub(crate) fn boards(root: &Path) -> Result<Vec<Board>, DefinitionError> {
    let sources = Source::read_all(root)?;
    let rules = rules::alert_rules();
    let mut boards = vec![Board {
        uid: MAIN_UID.to_owned(),
        title: "node0 / Performance".to_owned(),
        description: "Services that are watched by node0: health, traffic, resources, internals."
            .to_owned(),
        path: format!("{FOLDER}/performance.json"),
        rows: rows(&sources.iter().collect::<Vec<_>>(), &rules, Folding::OfInternals)?,
    }];
    for source in &sources {
        if let Some(board) = &source.definition.board {
            boards.push(Board {
                uid: format!("node0-{}", source.folder),
                title: format!("node0 / {}", board.title),
                description: board.description.clone(),
                path: format!("{FOLDER}/{}.json", source.folder),
                rows: rows(&[source], &rules, Folding::None)?,
            });
        }
    }
    Ok(boards)
}

/// The rows that are shown collapsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Folding {
    None,
    OfInternals,
}

/// Orders the rows of all sources, and joins those with the same title.
fn rows(
    sources: &[&Source],
    rules: &[AlertRule],
    folding: Folding,
) -> Result<Vec<BoardRow>, DefinitionError> {
    let mut ordered: Vec<(&Source, &Row)> = Vec::new();
    for source in sources {
        ordered.extend(source.definition.rows.iter().map(|row| (*source, row)));
    }
    ordered.sort_by_key(|(_, row)| (row.section, row.place));
    let mut rows: Vec<BoardRow> = Vec::new();
    for (source, row) in ordered {
        let panels = row.panels.iter().map(|panel| complete(source, panel, rules));
        let panels = panels.collect::<Result<Vec<_>, _>>()?;
        match rows.iter_mut().find(|known| known.title == row.title) {
            Some(known) => known.panels.extend(panels),
            None => rows.push(BoardRow {
                title: row.title.clone(),
                is_collapsed: folding == Folding::OfInternals && row.section == Section::Internals,
                panels,
            }),
        }
    }
    Ok(rows)
}

/// Adds the query of the panel's rule, and the matchers on the variables to all queries.
fn complete(
    source: &Source,
    panel: &Panel,
    rules: &[AlertRule],
) -> Result<BoardPanel, DefinitionError> {
    let mut targets = Vec::new();
    let mut shown = None;
    if let Some(alert) = &panel.alert {
        let name = alert.rule.get_ref();
        let rule = rules.iter().find(|rule| rule.name == *name).ok_or_else(|| {
            let known: Vec<_> = rules.iter().map(|rule| rule.name.as_str()).collect();
            let known = known.join(", ");
            source.refuse(&alert.rule, format!("there is no rule `{name}`; there are {known}"))
        })?;
        let expr = promql::with_matchers(&rule.query, MATCHERS)
            .map_err(|error| source.refuse(&alert.rule, error.to_string()))?;
        targets.push(Target { expr, legend: alert.legend.clone(), exemplars: false });
        shown = Some(rule.clone());
    }
    for query in &panel.queries {
        let expr = promql::with_matchers(query.expr.get_ref(), MATCHERS)
            .map_err(|error| source.refuse(&query.expr, error.to_string()))?;
        let legend = query.legend.clone();
        targets.push(Target { expr, legend, exemplars: query.exemplars });
    }
    if targets.is_empty() {
        let problem = "has no query: add `queries` or `alert`".to_owned();
        return Err(source.refuse(&panel.title, problem));
    }
    Ok(BoardPanel { definition: panel.clone(), rule: shown, targets })
}
