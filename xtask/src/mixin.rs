//! Checks the boards and rules: they are what the crate `mixin` generates, and its lint holds.
//!
//! The program of that crate prints the files and the findings, so that this one does not
//! depend on a library of the workspace.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result};

use crate::verdict::Findings;
use crate::workspace::{Workspace, output_of};

/// The folders that have generated files only, or a README.md.
const FOLDERS: [&str; 3] = ["dashboards", "dashboards/alerting", "alerts"];

/// Checks that every file is the generated one, and that the lint finds nothing.
pub(crate) fn check(workspace: &Workspace) -> Result<Findings> {
    let documents = documents(workspace)?;
    let mut findings: Findings = Vec::new();
    for (path, text) in &documents {
        if workspace.read(path).ok().as_ref() != Some(text) {
            findings.push(format!("{path} is stale: run `cargo xtask generate`"));
        }
    }
    for path in committed(workspace)? {
        if !documents.contains_key(&path) {
            findings.push(format!("{path} is not generated: delete it"));
        }
    }
    findings.extend(run(workspace, "findings")?.lines().map(str::to_owned));
    Ok(findings)
}

/// Returns the generated files: texts by path.
pub(crate) fn documents(workspace: &Workspace) -> Result<BTreeMap<String, String>> {
    let printed = run(workspace, "documents")?;
    serde_json::from_str(&printed).context("node0-mixin did not print its documents")
}

fn run(workspace: &Workspace, command: &str) -> Result<String> {
    let mut call = workspace.cargo(&["run", "--quiet", "--locked", "--offline"]);
    output_of(call.args(["--package", "node0-mixin", "--", command]))
}

/// Returns the paths of the committed files.
fn committed(workspace: &Workspace) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for folder in FOLDERS.into_iter().filter(|folder| workspace.path(folder).exists()) {
        for entry in fs::read_dir(workspace.path(folder))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type()?.is_file() && name != "README.md" {
                found.push(format!("{folder}/{name}"));
            }
        }
    }
    Ok(found)
}
