//! Limits the dependencies of the crates that users are likely to use alone: core and monitors, and
//! keeps what is optional out of the surfaces.
//!
//! The check counts the crates that end up in a user's program: the crate itself and its
//! normal dependencies with default features on this machine, without procedural macros and
//! the crates that only those need.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};

use crate::layers;
use crate::verdict::Findings;
use crate::workspace::{Workspace, output_of};

const OPENTELEMETRY: &str = "opentelemetry";
const CORE: &str = "node0-metrics-core";
const CORE_LIMIT: usize = 12;

/// What each monitor may bring, each with its own tree.
const MONITOR_BASE: &[&str] = &[CORE, "serde", "thiserror"];

/// What a monitor may bring besides, since it watches nothing without it.
const MORE: &[(&str, &[&str])] =
    &[("node0-metrics-bridge", &["metrics"]), ("node0-system-monitor", &["procfs", "tokio"])];

/// What a crate must not bring unless a user asks for it by a feature: a service that takes the
/// endpoints, or records requests, compiles no WebSocket, and one without tracing no OpenTelemetry.
const OPTIONAL: &[(&str, &[&str])] = &[
    ("node0-http-glue", &["node0-streaming", "node0-websocket", "tungstenite"]),
    ("node0-request-layer", &["node0-websocket", "tungstenite", "tracing", OPENTELEMETRY]),
    ("node0", &[OPENTELEMETRY, "tracing-opentelemetry", "tracing-subscriber"]),
];

/// Checks the dependencies of the core and of each monitor, and those that are optional.
pub(crate) fn check(workspace: &Workspace) -> Result<Findings> {
    let mut findings = Findings::new();
    findings.extend(too_many(&tree(workspace, CORE)?, CORE, CORE_LIMIT)?);
    for monitor in layers::monitors() {
        let more = MORE.iter().find(|(name, _)| *name == monitor).map_or(&[][..], |(_, it)| it);
        let base = [MONITOR_BASE, more].concat();
        findings.extend(beyond(&tree(workspace, &monitor)?, &monitor, &base)?);
    }
    for (package, optional) in OPTIONAL {
        findings.extend(brought(&tree(workspace, package)?, package, optional)?);
    }
    Ok(findings)
}

fn tree(workspace: &Workspace, package: &str) -> Result<String> {
    let options = ["--edges", "normal,no-proc-macro", "--prefix", "depth", "--format", " {p}"];
    let mut call = workspace.cargo(&["tree", "--locked", "--offline", "--no-dedupe"]);
    output_of(call.args(["--package", package]).args(options))
}

/// Returns a finding if the tree contains more crates than the limit.
fn too_many(tree: &str, package: &str, limit: usize) -> Result<Option<String>> {
    let lines = parse(tree)?;
    let names: BTreeSet<&str> = lines.iter().map(|(_, name)| *name).collect();
    let (count, names) = (names.len(), names.into_iter().collect::<Vec<_>>().join(", "));
    Ok((count > limit).then(|| {
        format!("`{package}` brings {count} crates, at most {limit}: drop one of {names}")
    }))
}

/// Returns a finding for each crate that is not a dependency of one of the `base` crates.
fn beyond(tree: &str, package: &str, base: &[&str]) -> Result<Findings> {
    let mut inside = BTreeSet::from([package]);
    let mut outside = BTreeSet::new();
    let mut root_is_base = false;
    for (depth, name) in parse(tree)? {
        if depth == 1 {
            root_is_base = base.contains(&name);
        }
        if root_is_base {
            inside.insert(name)
        } else {
            outside.insert(name)
        };
    }
    // A direct dependency of the monitor is fine if a base crate depends on it too.
    let extra = outside.difference(&inside);
    Ok(extra
        .map(|name| {
            format!("`{package}` brings `{name}`, more than {}: do without", base.join(", "))
        })
        .collect())
}

/// Returns a finding for each of these crates that the tree contains.
fn brought(tree: &str, package: &str, optional: &[&str]) -> Result<Findings> {
    let names: BTreeSet<&str> = parse(tree)?.into_iter().map(|(_, name)| name).collect();
    let brought = optional.iter().filter(|name| names.contains(*name));
    let finding = |name| {
        format!("`{package}` brings `{name}` without being asked: make it a part of a feature")
    };
    Ok(brought.map(finding).collect())
}

/// Parses lines such as `2 quanta v0.12.6` into depth and name.
fn parse(tree: &str) -> Result<Vec<(usize, &str)>> {
    let line = |line| {
        let (depth, rest) = str::split_once(line, ' ')?;
        Some((depth.parse().ok()?, rest.split(' ').next()?))
    };
    let lines: Option<Vec<_>> = tree.lines().filter(|it| !it.is_empty()).map(line).collect();
    lines.context("`cargo tree` printed lines of another shape")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "0 monitor v0.1.0 (/x)\n1 core v0.1.0 (/y)\n2 quanta v0.12.6\n\
                        1 deadpool v0.13.1\n2 tokio v1.0.0\n1 tokio v1.0.0\n";

    #[test]
    fn crate_beyond_the_limit_is_found() {
        assert_eq!(too_many(TREE, "monitor", 5).expect("a tree"), None);
        let finding = too_many(TREE, "monitor", 4).expect("a tree").expect("a finding");
        assert!(finding.contains("5 crates, at most 4"), "{finding}");
    }

    #[test]
    fn crate_that_no_base_brings_is_found() {
        assert!(beyond(TREE, "monitor", &["core", "deadpool"]).expect("a tree").is_empty());
        let findings = beyond(TREE, "monitor", &["core"]).expect("a tree");
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings[1].contains("brings `tokio`"), "{findings:?}");
    }

    #[test]
    fn optional_crate_that_is_brought_is_found() {
        assert!(brought(TREE, "monitor", &["tungstenite"]).expect("a tree").is_empty());
        let findings = brought(TREE, "monitor", &["tungstenite", "tokio"]).expect("a tree");
        assert!(findings.len() == 1 && findings[0].contains("brings `tokio`"), "{findings:?}");
    }

    #[test]
    fn each_monitor_is_checked_and_each_exception_is_one() {
        let monitors: Vec<_> = layers::monitors().collect();
        assert!(monitors.contains(&"node0-cache-monitor".to_owned()), "{monitors:?}");
        assert!(!monitors.contains(&CORE.to_owned()), "{monitors:?}");
        for (name, more) in MORE {
            let tree = tree(&Workspace::of_this_build(), name).expect("a tree");
            let findings = beyond(&tree, name, MONITOR_BASE).expect("a tree");
            for outside in *more {
                let words = format!("brings `{outside}`");
                assert!(findings.iter().any(|it| it.contains(&words)), "{name} {outside}");
            }
        }
    }

    #[test]
    fn tree_of_another_shape_is_an_error() {
        assert!(parse("monitor v0.1.0\n").is_err());
    }

    #[test]
    fn this_workspace_is_light() {
        assert_eq!(check(&Workspace::of_this_build()).expect("trees"), Findings::new());
    }
}
