//! The core's unsafe code under Miri, which interprets it and watches every access.
//!
//! Miri comes with nightly toolchains only, so this is a proof on demand and not a test.

use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

use crate::workspace::Workspace;

const REMEDY: &str =
    "Miri is missing: `rustup toolchain install nightly --component miri,rust-src`";

/// Returns the call that runs the tests of the unsafe module, and those that go through it.
pub(crate) fn call(workspace: &Workspace) -> Result<Command> {
    let found =
        miri(workspace, &["--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    ensure!(found.is_ok_and(|status| status.success()), REMEDY);
    let mut call = miri(workspace, &["test", "--locked", "--target-dir", "target/miri"]);
    call.args(["--package", "node0-metrics-core", "--lib", "--", "static_ref::", "latency::"]);
    // Lanes and blocks live as long as the process, on purpose.
    call.env("MIRIFLAGS", "-Zmiri-ignore-leaks");
    Ok(call)
}

fn miri(workspace: &Workspace, arguments: &[&str]) -> Command {
    let mut call = Command::new("rustup");
    call.args(["run", "nightly", "cargo", "miri"]).args(arguments);
    // This program runs under another toolchain, which the variables of its cargo name.
    call.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO").env_remove("RUSTC");
    call.current_dir(workspace.path("")).stdin(Stdio::null());
    call
}
