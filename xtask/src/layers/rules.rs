//! The rules for crates and for the edges of the dependency graph.
//!
//! Each finding names the crate or edge, the rule that it breaks and the remedy, because
//! the reader may have never seen the table.

use cargo_metadata::DependencyKind;

use super::graph::{Crate, Edge, Graph};
use super::role::Role;
use super::row::{Ours, Outside, Row};
use super::{TABLE, listed};
use crate::source::Source;
use crate::verdict::Findings;

/// Checks every crate and every edge against the table, and edges against the sources.
pub(super) fn findings(table: &[Row], graph: &Graph, sources: &[Source]) -> Findings {
    let mut findings = Findings::new();
    for row in table {
        if !graph.crates.iter().any(|it| it.folder == row.name) {
            let name = row.name;
            findings
                .push(format!("the table lists `{name}`, the workspace has none: drop its row"));
        }
    }
    for this in &graph.crates {
        findings.extend(unnamed(this, sources));
        match table.iter().find(|row| row.name == this.folder) {
            Some(row) => findings.extend(of_crate(table, row, this)),
            None => findings
                .push(format!("`{}` is not in the table: add a row to {TABLE}", this.folder)),
        }
    }
    findings
}

fn of_crate(table: &[Row], row: &Row, this: &Crate) -> Findings {
    let mut findings = Findings::new();
    let (name, package) = (row.name, row.package());
    if this.package != package {
        let found = &this.package;
        findings.push(format!("the package in `{name}` is `{found}`: call it `{package}`"));
    }
    let home = row.home();
    if this.home != home {
        findings.push(format!("`{name}` lies in `{}`: move it to `{home}`", this.home));
    }
    let is_in_place = |root: &&String| root.starts_with("src/") || *root == "build.rs";
    for root in this.root_files.iter().filter(|root| !is_in_place(root)) {
        findings.push(format!(
            "`{home}/{root}` lies outside `src`, where no check looks: move it to `{home}/src`, \
             or `{home}/build.rs` if it is the build script"
        ));
    }
    findings.extend(this.edges.iter().filter_map(|edge| match edge.is_ours {
        true => of_inner_edge(table, row, edge),
        false => of_outer_edge(row, edge),
    }));
    findings.extend(unused(row, this));
    let way =
        |to: &str| format!("`cargo tree -i {to} -p {package} --all-features` shows the way to cut");
    for never in row.never.iter().copied().flatten() {
        if this.reaches.contains(*never) {
            let way = way(never);
            findings.push(format!("`{name}` reaches `{never}`, which it must never: {way}"));
        }
    }
    // The loop above has checked the direct edges.
    let is_direct = |to: &Row| this.built_edges().any(|edge| edge.to == to.name);
    for to in table.iter().filter(|to| this.reaches.contains(&to.package()) && !is_direct(to)) {
        if !row.may_build_on(to, table) {
            let (edge, way) = (between(row, to), way(&to.package()));
            findings.push(format!("{edge}: reached through other crates, but not allowed: {way}"));
        }
    }
    findings
}

/// Checks an edge between two crates of the workspace.
fn of_inner_edge(table: &[Row], row: &Row, edge: &Edge) -> Option<String> {
    // A crate that the table does not list has a finding already.
    let to = table.iter().find(|row| row.name == edge.to)?;
    if edge.kind == DependencyKind::Development {
        return of_dev_edge(table, row, to);
    }
    if row.may_use(to) {
        return None;
    }
    let (edge, role) = (between(row, to), row.role);
    Some(match row.ours {
        _ if to.role == Role::Program && role != Role::Program => format!(
            "{edge}: no library depends on a program: name it under [dev-dependencies], or move \
             the code to a library"
        ),
        _ if to.role > role => format!(
            "{edge} points up, away from the core: move what `{}` needs to a role before its \
             own, or the code that needs it to `{}`",
            row.name, to.name
        ),
        _ if to.role == role && role != Role::Program => format!(
            "{edge}: siblings never know each other: move what both need to an earlier role, or \
             what joins them to the facade"
        ),
        Ours::ByRole => format!(
            "{edge}: a {role} may use {} only: take what it needs through a trait or type of \
             the core, or let the facade pass it in",
            listed(role.uses())
        ),
        Ours::Only([]) => {
            format!("{edge}: `{}` must build without our crates: use [dev-dependencies]", row.name)
        }
        Ours::Only(names) => format!(
            "{edge}: its row allows only {}: do without, use [dev-dependencies] if only tests \
             need it, or name it in {TABLE}",
            listed(names)
        ),
    })
}

/// Checks an edge that only tests, examples and benches use.
///
/// It may point up, but neither close a circle nor join siblings. Programs are no siblings: the tests
/// of one may run another.
fn of_dev_edge(table: &[Row], row: &Row, to: &Row) -> Option<String> {
    let edge = between(row, to);
    if to.is_helper() {
        None
    } else if to.may_build_on(row, table) {
        let to = to.name;
        Some(format!("dev edge {edge} closes a circle: move the test to `{to}`"))
    } else if to.role == row.role && row.role != Role::Program {
        Some(format!(
            "dev edge {edge}: siblings never know each other: move the test to the facade"
        ))
    } else {
        None
    }
}

/// Checks an edge to an outside crate; tests may use any.
fn of_outer_edge(row: &Row, edge: &Edge) -> Option<String> {
    let Outside::Only(names) = row.outside else {
        return None;
    };
    if edge.kind == DependencyKind::Development || names.contains(&edge.to.as_str()) {
        return None;
    }
    Some(format!(
        "`{}` → `{}`: not an outside crate that it may name: do without, or list it in {TABLE} in \
         a commit that says why",
        row.name, edge.to
    ))
}

/// Returns findings for crates that a row allows and the crate does not use.
fn unused(row: &Row, this: &Crate) -> Findings {
    let ours = match row.ours {
        Ours::Only(names) => names,
        Ours::ByRole => &[],
    };
    let outside = match row.outside {
        Outside::Only(names) => names,
        Outside::Anything => &[],
    };
    let is_used = |name: &str| this.built_edges().any(|edge| edge.to == name);
    let unused = ours.iter().chain(outside).filter(|name| !is_used(name));
    let name = row.name;
    unused
        .map(|to| {
            format!("`{name}` → `{to}`: unused allowance: take `{to}` out of its row of {TABLE}")
        })
        .collect()
}

/// Returns findings for dependencies that a crate's manifest names and its code does not.
fn unnamed(this: &Crate, sources: &[Source]) -> Findings {
    let home = format!("{}/", this.home);
    let sources: Vec<_> = sources.iter().filter(|it| it.path.starts_with(&home)).collect();
    let is_named = |edge: &&Edge| sources.iter().any(|source| source.names.contains(&edge.name));
    let unnamed = this.built_edges().filter(|edge| !is_named(edge));
    let name = &this.folder;
    unnamed
        .map(|edge| {
            format!(
                "`{name}` → `{}`: no code of `{name}` outside tests names `{}`: take it out of \
                 its Cargo.toml, or move it to [dev-dependencies]",
                edge.to, edge.name
            )
        })
        .collect()
}

fn between(row: &Row, to: &Row) -> String {
    format!("`{}` ({}) → `{}` ({})", row.name, row.role, to.name, to.role)
}
