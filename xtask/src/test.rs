//! `cargo xtask test`: runs every test that continuous integration runs.
//!
//! It finds or unpacks the tools first, so that a missing one is reported once and early
//! instead of in the middle of a test's output. It lists the tests that were skipped for
//! lack of a tool at the end, so that a successful run does not hide them.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::check;
use crate::instructions::{self, Gate, NotHere};
use crate::models;
use crate::test_run::TestRun;
use crate::verdict::{Verdict, complain, say};
use crate::workspace::{Workspace, passes};

const SKIPS: &str = "target/skipped-tests";

/// Runs all tests of the workspace.
pub(crate) fn run(workspace: &Workspace) -> Result<Verdict> {
    workspace.fetch()?;
    let skips = workspace.path(SKIPS);
    std::fs::create_dir_all(workspace.path("target")).context("cannot make the target folder")?;
    std::fs::write(&skips, "").with_context(|| format!("cannot write {SKIPS}"))?;
    // The program prints the missing tools. Its verdict is ignored, because the tests decide
    // whether a missing tool is a failure.
    passes(&mut tools(workspace))?;
    let verdict = passes(tests(workspace).env("NODE0_SKIPS", &skips))?;
    let (models_hold, _) = TestRun::of(&mut models::all(workspace, models::SHORT))?;
    let verdict = verdict.and(models_hold);
    let verdict = verdict.and(examples(workspace)?);
    // Layers, weight, parity, invariants and suppressions run as tests of this package. The
    // catalogue is not a test, because it needs another program.
    let verdict = verdict.and(check::run(workspace, &["catalogue".to_owned()])?);
    let verdict = verdict.and(instruction_gate(workspace)?);
    let skipped = workspace.read(SKIPS)?;
    for line in skipped.lines() {
        say(line);
    }
    let count = skipped.lines().count();
    let word = if verdict == Verdict::Holds { "ok" } else { "FAIL" };
    say(&format!("{word} test ({count} skipped for want of a tool)"));
    Ok(verdict)
}

/// Returns a command that finds or unpacks the programs that tests need.
fn tools(workspace: &Workspace) -> Command {
    let mut call = workspace.cargo(&["run", "--quiet", "--locked", "--offline"]);
    call.args(["--package", "node0-testbed", "--bin", "testbed-tools"]);
    call
}

/// Counts the instructions of the hot paths; where that cannot be done, it is skipped as a test is.
fn instruction_gate(workspace: &Workspace) -> Result<Verdict> {
    match instructions::prove(workspace, Gate::Compare) {
        Ok((verdict, _)) => Ok(verdict),
        Err(error) => {
            let on_ci = std::env::var_os("CI").is_some_and(|it| it == "true" || it == "1");
            skip(workspace, &error.downcast::<NotHere>()?, on_ci)
        }
    }
}

/// Adds the gate to the list of skipped tests; in continuous integration it fails instead.
fn skip(workspace: &Workspace, reason: &NotHere, on_ci: bool) -> Result<Verdict> {
    let notice = format!("SKIPPED instructions: {reason}");
    if on_ci {
        complain(&notice);
        return Ok(Verdict::FallsShort);
    }
    workspace.write(SKIPS, &format!("{}{notice}\n", workspace.read(SKIPS)?))?;
    Ok(Verdict::Holds)
}

/// Runs the tests of the examples, which use the crates as users do.
fn examples(workspace: &Workspace) -> Result<Verdict> {
    if !workspace.has_examples() {
        return Ok(Verdict::Holds);
    }
    Ok(TestRun::of(&mut workspace.cargo_on_examples("test"))?.0)
}

/// Returns a command that runs all tests and doctests, also after one has failed.
fn tests(workspace: &Workspace) -> Command {
    let mut call = workspace.cargo(&["test", "--workspace", "--all-features", "--no-fail-fast"]);
    call.args(["--locked", "--offline"]);
    call
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gate_that_cannot_run_is_listed_and_fails_where_every_tool_must_be() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let workspace = Workspace::at(folder.path());
        workspace.write(SKIPS, "SKIPPED another\n").expect("a list");
        let reason = NotHere::because("valgrind is not on this machine");
        assert_eq!(skip(&workspace, &reason, false).expect("a list"), Verdict::Holds);
        let listed = workspace.read(SKIPS).expect("a list");
        assert_eq!(listed.lines().count(), 2, "{listed}");
        assert!(listed.contains("SKIPPED instructions: valgrind is not on"), "{listed}");
        assert_eq!(skip(&workspace, &reason, true).expect("a list"), Verdict::FallsShort);
    }
}
