//! Proves that the instruction gate finds the smallest regressions: counts again with each.
//!
//! A regression is a patch in `xtask/regressions`. The text before its changes says what becomes
//! slower, and a line `Grows:` names the paths that the gate must name. `cargo xtask prove
//! regressions` applies one after the other in a copy of the workspace.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::verdict::{Verdict, say};
use crate::workspace::{Workspace, output_of};
use crate::{copy, instructions};

const FOLDER: &str = "xtask/regressions";

/// A patch that makes the code slower.
#[derive(Debug)]
struct Regression {
    name: String,
    patch: PathBuf,
    /// The paths that the gate must name.
    grows: Vec<String>,
}

/// Counts on the correct source, on which the gate must hold, and then with each patch.
pub(crate) fn prove(workspace: &Workspace) -> Result<(Verdict, Value)> {
    let regressions = all(workspace)?;
    let valgrind = instructions::valgrind(workspace)?;
    let copy = copy::of(workspace, "regressions")?;
    let findings = || instructions::findings(&copy, &valgrind, copy::TARGET);
    let grown = findings()?;
    ensure!(grown.is_empty(), "the gate fails without a regression: {}", grown.join("; "));
    let (mut figures, mut verdict) = (Vec::new(), Verdict::Holds);
    for regression in &regressions {
        regression.apply(copy.path("").as_path(), &[])?;
        let grown = findings()?;
        regression.apply(copy.path("").as_path(), &["--reverse"])?;
        let missed = regression.missed(&grown);
        verdict = verdict.and(Verdict::from_success(missed.is_empty()));
        let word = if missed.is_empty() { "found" } else { "MISSED" };
        say(&format!("{word} {}", regression.name));
        grown.iter().for_each(|finding| say(&format!("    {finding}")));
        missed.iter().for_each(|path| say(&format!("    {path} is not named")));
        figures.push(json!({ "name": regression.name, "found": grown, "missed": missed }));
    }
    Ok((verdict, json!(figures)))
}

/// Reads all regressions, sorted by name.
fn all(workspace: &Workspace) -> Result<Vec<Regression>> {
    let entries = fs::read_dir(workspace.path(FOLDER)).with_context(|| FOLDER)?;
    let mut regressions = Vec::new();
    for entry in entries {
        let patch = entry?.path();
        let name = patch.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&patch).with_context(|| format!("cannot read {name}"))?;
        let grows = text.lines().find_map(|line| line.strip_prefix("Grows: "));
        let grows = grows.with_context(|| format!("{name} has no line `Grows:`"))?;
        let grows = grows.split(", ").map(str::to_owned).collect();
        regressions.push(Regression { name, patch, grows });
    }
    regressions.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(regressions)
}

impl Regression {
    /// Applies the patch to the files in a folder.
    ///
    /// # Errors
    /// Fails when the patch does not apply any more.
    fn apply(&self, folder: &Path, options: &[&str]) -> Result<()> {
        let mut call = Command::new("git");
        call.arg("apply").args(options).arg(&self.patch).current_dir(folder);
        // A copy lies inside the folder of a repository that ignores it, where git would not
        // change it; without the repository, git takes the paths as relative to the copy.
        if let Some(parent) = folder.parent() {
            call.env("GIT_CEILING_DIRECTORIES", parent);
        }
        let outcome = output_of(&mut call).with_context(|| {
            format!("{FOLDER}/{}.patch does not apply any more: write it anew", self.name)
        });
        outcome.map(drop)
    }

    /// Returns the paths that the gate should have named and has not.
    fn missed(&self, findings: &[String]) -> Vec<&str> {
        let is_named = |path: &str| {
            findings.iter().any(|it| it.split_once(' ').is_some_and(|(named, _)| named == path))
        };
        self.grows.iter().map(String::as_str).filter(|path| !is_named(path)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_regression_still_applies() {
        let workspace = Workspace::of_this_build();
        let regressions = all(&workspace).expect("patches");
        assert!(!regressions.is_empty());
        for regression in regressions {
            regression.apply(&workspace.path(""), &["--check"]).expect("it applies");
        }
    }

    #[test]
    fn path_that_the_gate_does_not_name_is_missed() {
        let grows = ["request/static", "request/parameter"].map(str::to_owned).to_vec();
        let regression = Regression { name: String::new(), patch: PathBuf::new(), grows };
        let finding = "request/static takes 120 instructions, 20 (20.0 %) more than 100";
        assert_eq!(regression.missed(&[finding.to_owned()]), ["request/parameter"]);
    }
}
