//! Checks the boards and rules: they are what the crate `mixin` generates, and its lint holds.
//!
//! The program of that crate prints the files and the findings, so that this one does not
//! depend on a library of the workspace.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use crate::catalogue;
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
    findings.extend(lint(workspace)?);
    Ok(findings)
}

/// Returns the generated files: texts by path.
pub(crate) fn documents(workspace: &Workspace) -> Result<BTreeMap<String, String>> {
    let printed = output_of(&mut program(workspace, "documents"))?;
    serde_json::from_str(&printed).context("node0-mixin did not print its documents")
}

/// Runs the lint on the metrics that the code describes now, whether docs/metrics.md is stale or
/// not: it then says where a metric that was renamed is still named.
fn lint(workspace: &Workspace) -> Result<Findings> {
    let (_, page) = catalogue::document(workspace)?;
    let mut call = program(workspace, "findings");
    let mut child = call.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(page.as_bytes()).context("node0-mixin did not read the metrics")?;
    }
    let output = child.wait_with_output()?;
    anyhow::ensure!(output.status.success(), "node0-mixin could not lint: see its words above");
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}

fn program(workspace: &Workspace, command: &str) -> Command {
    let mut call = workspace.cargo(&["run", "--quiet", "--locked", "--offline"]);
    call.args(["--package", "node0-mixin", "--", command]);
    call
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
