//! Checks that dependencies point towards the core, and that sizes stay within limits.
//!
//! The table in `layers/table.rs` is the architecture: the role of each crate, its subject,
//! the crates that it may name, and the parts of it that are larger than the limits.
//! Layering that is only written down erodes one convenient edge at a time. So the check
//! compares the workspace with the table, and the table in ARCHITECTURE.md is generated
//! from it.

mod graph;
mod groups;
mod role;
mod row;
mod rules;
mod sizes;
mod table;
#[cfg(test)]
mod tests;

use anyhow::{Context as _, Result};

use self::graph::Graph;
use self::role::Role;
use self::row::{Ours, Outside, Oversize, Row};
use self::table::LAYERS;
use crate::marked;
use crate::source::Source;
use crate::verdict::Findings;
use crate::workspace::Workspace;

const DOCUMENT: &str = "ARCHITECTURE.md";
/// The name and place of the table, for the remedy in a finding.
const TABLE: &str = "LAYERS in xtask/src/layers/table.rs";

/// The folders with sources; the benches and the examples are workspaces of their own.
const FOLDERS: &[&str] = &["bench", "crates", "examples", "xtask"];

/// Checks the workspace against the table, and that ARCHITECTURE.md shows the same table.
pub(crate) fn check(workspace: &Workspace) -> Result<Findings> {
    let mut findings = findings(LAYERS, workspace)?;
    let (path, text) = document(workspace)?;
    if workspace.read(path)? != text {
        findings.push(format!("the table in {path} is stale: run `cargo xtask generate`"));
    }
    Ok(findings)
}

/// Checks the edges and sizes of a workspace against a table.
fn findings(table: &[Row], workspace: &Workspace) -> Result<Findings> {
    let mut sources = Vec::new();
    for folder in FOLDERS.iter().filter(|folder| workspace.path(folder).is_dir()) {
        sources.extend(Source::read_all(workspace, folder)?);
    }
    let mut findings = rules::findings(table, &Graph::read(workspace)?, &sources);
    findings.extend(sizes::findings(table, &sources));
    for source in &sources {
        findings.extend(source.redirect.map(|redirect| {
            let path = &source.path;
            format!(
                "{path}: `{redirect}` hides from the checks which crate the code is part of: \
                 declare a module where its file lies"
            )
        }));
    }
    Ok(findings)
}

/// Returns the packages of the monitors.
pub(crate) fn monitors() -> impl Iterator<Item = String> {
    LAYERS.iter().filter(|row| row.role == Role::Monitor).map(Row::package)
}

/// Returns the path of ARCHITECTURE.md and its expected text.
pub(crate) fn document(workspace: &Workspace) -> Result<(&'static str, String)> {
    let text = workspace.read(DOCUMENT)?;
    let text = marked::replace(&text, "layers", &printed(LAYERS)).with_context(|| DOCUMENT)?;
    Ok((DOCUMENT, text))
}

/// Returns the table as Markdown, and below it the reasons for oversize parts.
fn printed(table: &[Row]) -> String {
    let head = "| role | crate | knows | outside crates it may name | our crates it may use |\n";
    let mut text = format!("{head}| --- | --- | --- | --- | --- |\n");
    for row in table {
        let Row { role, name, knows, .. } = row;
        let outside = match row.outside {
            Outside::Only(names) => listed(names),
            Outside::Anything => "anything".to_owned(),
        };
        let ours = match row.ours {
            Ours::ByRole => listed(row.role.uses()),
            Ours::Only(names) => listed(names.iter().map(|name| format!("`{name}`"))),
        };
        text.push_str(&format!("| {role} | `{name}` | {knows} | {outside} | {ours} |\n"));
    }
    for row in table {
        for oversize in row.oversize {
            let Oversize { part, lines, reason } = oversize;
            let home = row.home();
            text.push_str(&format!("\n`{home}/{part}` may have {lines} lines: {reason}.\n"));
        }
    }
    text
}

/// Joins names with commas; returns a dash if there are none.
fn listed(names: impl IntoIterator<Item = impl ToString>) -> String {
    let names: Vec<_> = names.into_iter().map(|name| name.to_string()).collect();
    if names.is_empty() { "–".to_owned() } else { names.join(", ") }
}
