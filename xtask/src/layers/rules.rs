//! The rules that the table stands for. A finding names the edge, the rule, the remedy.

use cargo_metadata::DependencyKind;

use super::graph::{Crate, Edge, Graph};
use super::{Outside, Place, Row};
use crate::verdict::Findings;

/// Holds every crate and every edge against the table.
pub(super) fn findings(table: &[Row], graph: &Graph) -> Findings {
    let mut findings = Findings::new();
    for row in table {
        if !graph.crates.iter().any(|it| it.folder == row.name) {
            let name = row.name;
            findings
                .push(format!("the table lists `{name}`, the workspace has none: drop its row"));
        }
    }
    for this in &graph.crates {
        match table.iter().find(|row| row.name == this.folder) {
            Some(row) => findings.extend(of_crate(table, row, this)),
            None => findings.push(format!(
                "`{}` is not in the table: add a row to LAYERS in xtask/src/layers.rs",
                this.folder
            )),
        }
    }
    findings
}

fn of_crate(table: &[Row], row: &Row, this: &Crate) -> Findings {
    let mut findings = Findings::new();
    let name = row.name;
    let is_plain = matches!(name, "node0" | "xtask");
    let package = if is_plain { name.to_owned() } else { format!("node0-{name}") };
    if this.package != package {
        let found = &this.package;
        findings.push(format!("the package in `{name}` is `{found}`: call it `{package}`"));
    }
    findings.extend(this.edges.iter().filter_map(|edge| match edge.is_ours {
        true => of_inner_edge(table, row, edge),
        false => of_outer_edge(row, edge),
    }));
    for never in row.never.iter().filter(|never| this.reaches.contains(**never)) {
        findings.push(format!(
            "`{name}` reaches `{never}`, which it must never: `cargo tree -i {never} -p {package} \
             --all-features` shows the way to cut"
        ));
    }
    findings
}

/// Judges an edge between two crates of the workspace.
fn of_inner_edge(table: &[Row], row: &Row, edge: &Edge) -> Option<String> {
    let (from, to) = (row.name, edge.to.as_str());
    // A crate that the table does not list is a finding of its own.
    let target = table.iter().find(|row| row.name == to)?;
    let is_dev = edge.kind == DependencyKind::Development;
    match (row.place, target.place) {
        (Place::Layer(mine), Place::Layer(other)) if is_dev && other > mine => Some(format!(
            "dev edge `{from}` ({mine}) → `{to}` ({other}) points up: move the test to `{to}`"
        )),
        _ if is_dev => None,
        (Place::Layer(mine), Place::Layer(other)) if other > mine => Some(format!(
            "`{from}` ({mine}) → `{to}` ({other}) points up: move what `{from}` needs to a layer \
             below {mine}, or the code that needs it up"
        )),
        (Place::Layer(mine), Place::Layer(other)) if other == mine => Some(format!(
            "`{from}` → `{to}`: siblings (layer {mine}) never know each other: move what both \
             need to a lower layer"
        )),
        (Place::Layer(_), Place::Layer(_)) => None,
        (_, Place::Tests) => Some(format!(
            "`{from}` → `{to}`: `{to}` is for tests: name it under [dev-dependencies]"
        )),
        (_, Place::Tool) => {
            Some(format!("`{from}` → `{to}`: nobody depends on a tool: move the code to a crate"))
        }
        (Place::Tests | Place::Tool, _) => Some(format!(
            "`{from}` → `{to}`: `{from}` must build without our crates: use [dev-dependencies]"
        )),
    }
}

/// Judges an edge to an outside crate; tests may use what they like.
fn of_outer_edge(row: &Row, edge: &Edge) -> Option<String> {
    let Outside::Only(listed) = row.outside else {
        return None;
    };
    if edge.kind == DependencyKind::Development || listed.contains(&edge.to.as_str()) {
        return None;
    }
    Some(format!(
        "`{}` → `{}`: not an outside crate that it may name: do without, or list it in LAYERS of \
         xtask/src/layers.rs in a commit that says why",
        row.name, edge.to
    ))
}
