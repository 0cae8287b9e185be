//! `cargo xtask test`: every test that continuous integration runs.
//!
//! The tools come first, so that a missing one is named once and early instead of in the
//! middle of some test's output. Tests that were skipped for want of a tool are repeated
//! at the end, so that a green run does not hide them.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::check;
use crate::models;
use crate::test_run::TestRun;
use crate::verdict::{Verdict, say};
use crate::workspace::{Workspace, passes};

const SKIPS: &str = "target/skipped-tests";

/// Runs all tests of the workspace.
pub(crate) fn run(workspace: &Workspace) -> Result<Verdict> {
    workspace.fetch()?;
    let skips = workspace.path(SKIPS);
    std::fs::create_dir_all(workspace.path("target")).context("cannot make the target folder")?;
    std::fs::write(&skips, "").with_context(|| format!("cannot write {SKIPS}"))?;
    // What is missing is told by the program; whether that fails, by the tests.
    passes(&mut tools(workspace))?;
    let verdict = passes(tests(workspace).env("NODE0_SKIPS", &skips))?;
    let (models_hold, _) = TestRun::of(&mut models::all(workspace, models::SHORT))?;
    let verdict = verdict.and(models_hold);
    let verdict = verdict.and(examples(workspace)?);
    // Layers, weight, parity, invariants and suppressions are tests of this package; the
    // catalogue needs a program of its own.
    let verdict = verdict.and(check::run(workspace, &["catalogue".to_owned()])?);
    let skipped = workspace.read(SKIPS)?;
    for line in skipped.lines() {
        say(line);
    }
    let count = skipped.lines().count();
    let word = if verdict == Verdict::Holds { "ok" } else { "FAIL" };
    say(&format!("{word} test ({count} skipped for want of a tool)"));
    Ok(verdict)
}

/// Finds or unpacks the programs that tests need.
fn tools(workspace: &Workspace) -> Command {
    let mut call = workspace.cargo(&["run", "--quiet", "--locked", "--offline"]);
    call.args(["--package", "node0-testbed", "--bin", "testbed-tools"]);
    call
}

/// Tests of the examples: what users write must work on what we write.
fn examples(workspace: &Workspace) -> Result<Verdict> {
    if !workspace.has_examples() {
        return Ok(Verdict::Holds);
    }
    Ok(TestRun::of(&mut workspace.cargo_on_examples("test"))?.0)
}

/// Tests and doctests of all crates; a failure in one does not hide the next one's.
fn tests(workspace: &Workspace) -> Command {
    let mut call = workspace.cargo(&["test", "--workspace", "--all-features", "--no-fail-fast"]);
    call.args(["--locked", "--offline"]);
    call
}
