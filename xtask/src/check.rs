//! `cargo xtask check`: the checks that must hold before a change is proposed.
//!
//! A check returns its findings as text, so that tests can run it on small workspaces. The
//! checks that compile nothing run as tests of this package too.

use anyhow::{Result, bail};

use crate::verdict::{Findings, Verdict, complain, say};
use crate::workspace::{self, Workspace};
use crate::{
    catalogue, examples, invariants, layers, markdown, mixin, packages, parity, performance,
    suppressions, weight,
};

/// A check: its name and the function that runs it.
struct Check {
    name: &'static str,
    run: fn(&Workspace) -> Result<Findings>,
}

/// All checks, the quick ones first, so that they report before a compilation.
const CHECKS: &[Check] = &[
    Check { name: "format", run: format },
    Check { name: "layers", run: layers::check },
    Check { name: "weight", run: weight::check },
    Check { name: "parity", run: parity::check },
    Check { name: "invariants", run: invariants::check },
    Check { name: "suppressions", run: suppressions::check },
    Check { name: "examples", run: examples::check },
    Check { name: "markdown", run: markdown::check },
    Check { name: "performance", run: performance::check },
    Check { name: "packages", run: packages::check },
    Check { name: "catalogue", run: catalogue::check },
    Check { name: "mixin", run: mixin::check },
    Check { name: "clippy", run: clippy },
    Check { name: "docs", run: docs },
];

/// Returns `true` if there is a check of that name.
pub(crate) fn is_known(name: &str) -> bool {
    CHECKS.iter().any(|check| check.name == name)
}

/// Runs the named checks, or all, and prints a line for each.
pub(crate) fn run(workspace: &Workspace, names: &[String]) -> Result<Verdict> {
    if let Some(unknown) = names.iter().find(|name| !is_known(name)) {
        let known: Vec<_> = CHECKS.iter().map(|check| check.name).collect();
        bail!("there is no check `{unknown}`; there are {}", known.join(", "));
    }
    workspace.fetch()?;
    let mut verdict = Verdict::Holds;
    let mut broken = 0;
    let wanted = |check: &&Check| names.is_empty() || names.iter().any(|name| name == check.name);
    for check in CHECKS.iter().filter(wanted) {
        match (check.run)(workspace) {
            Ok(findings) if findings.is_empty() => say(&format!("ok {}", check.name)),
            Ok(findings) => {
                verdict = Verdict::FallsShort;
                for finding in findings {
                    say(&format!("FAIL {}: {finding}", check.name));
                }
            }
            Err(error) => {
                broken += 1;
                complain(&format!("error: {} could not run: {error:#}", check.name));
            }
        }
    }
    if broken > 0 {
        bail!("{broken} of the checks could not run");
    }
    Ok(verdict)
}

fn format(workspace: &Workspace) -> Result<Findings> {
    let mut findings =
        found_by(&mut workspace.cargo(&["fmt", "--all", "--check"]), "run `cargo fmt --all`")?;
    if workspace.has_examples() {
        let call = ["fmt", "--all", "--check", "--manifest-path", "examples/Cargo.toml"];
        findings.extend(found_by(&mut workspace.cargo(&call), "run `cargo fmt` in examples")?);
    }
    Ok(findings)
}

fn clippy(workspace: &Workspace) -> Result<Findings> {
    let mut call = workspace.cargo(&["clippy", "--workspace", "--all-targets", "--all-features"]);
    call.args(["--locked", "--offline", "--quiet", "--", "--deny", "warnings"]);
    let remedy = "mend the warnings above, or `#[expect]` one with its reason";
    let mut findings = found_by(&mut call, remedy)?;
    if workspace.has_examples() {
        let mut call = workspace.cargo_on_examples("clippy");
        call.args(["--all-targets", "--quiet", "--", "--deny", "warnings"]);
        findings.extend(found_by(&mut call, remedy)?);
    }
    Ok(findings)
}

fn docs(workspace: &Workspace) -> Result<Findings> {
    let mut call = workspace.cargo(&["doc", "--workspace", "--all-features", "--no-deps"]);
    call.args(["--document-private-items", "--locked", "--offline", "--quiet"]);
    found_by(call.env("RUSTDOCFLAGS", "-D warnings"), "mend the warnings above")
}

/// Runs a tool that prints its own findings; returns the remedy as one finding if it fails.
fn found_by(call: &mut std::process::Command, remedy: &str) -> Result<Findings> {
    Ok(match workspace::passes(call)? {
        Verdict::Holds => Findings::new(),
        Verdict::FallsShort => vec![remedy.to_owned()],
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// The checks that compile nothing.
    const QUICK: [&str; 9] = [
        "format",
        "layers",
        "weight",
        "parity",
        "invariants",
        "suppressions",
        "examples",
        "markdown",
        "performance",
    ];

    #[test]
    fn checks_hold_where_the_examples_were_deleted() {
        let whole = Workspace::of_this_build();
        let folder = tempfile::tempdir().expect("a temporary folder");
        for entry in fs::read_dir(whole.path("")).expect("the root") {
            let name = entry.expect("an entry").file_name();
            if name != "examples" && name != "target" {
                symlink(whole.path("").join(&name), folder.path().join(&name)).expect("a link");
            }
        }
        let without = Workspace::at(folder.path());
        assert!(!without.has_examples());
        assert_eq!(run(&without, &QUICK.map(String::from)).expect("they run"), Verdict::Holds);
    }
}
