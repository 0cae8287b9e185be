//! Runs the core's unsafe code and its passes under Miri, an interpreter that checks every memory
//! access.
//!
//! Miri exists for nightly toolchains only, so this is a proof on demand and not a test.

use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

use crate::workspace::Workspace;

const REMEDY: &str =
    "Miri is missing: `rustup toolchain install nightly --component miri,rust-src`";

/// The tests that Miri runs: those of the unsafe module and of the code that uses it, and two
/// threads that record while a pass ticks.
const TESTS: [&[&str]; 2] =
    [&["--lib", "--", "static_ref::", "latency::"], &["--test", "it", "--", "small_storm::"]];

/// Returns the commands that run these tests.
pub(crate) fn calls(workspace: &Workspace) -> Result<Vec<Command>> {
    let found = nightly(workspace, &["cargo", "miri", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    ensure!(found.is_ok_and(|status| status.success()), REMEDY);
    Ok(TESTS.iter().map(|tests| call(workspace, tests)).collect())
}

fn call(workspace: &Workspace, tests: &[&str]) -> Command {
    let mut call = nightly(workspace, &["cargo", "miri", "test", "--locked"]);
    call.args(["--target-dir", "target/miri", "--package", "node0-metrics-core"]).args(tests);
    // The core never frees lanes and blocks, by design, so Miri must not report them.
    call.env("MIRIFLAGS", "-Zmiri-ignore-leaks");
    call
}

/// Returns a command that runs a program of the nightly toolchain.
pub(crate) fn nightly(workspace: &Workspace, program: &[&str]) -> Command {
    let mut call = Command::new("rustup");
    call.args(["run", "nightly"]).args(program);
    // Cargo has set these variables to the toolchain of this program, which is not nightly.
    call.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO").env_remove("RUSTC");
    call.current_dir(workspace.path("")).stdin(Stdio::null());
    call
}
