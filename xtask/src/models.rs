//! Runs the core's loom models, which execute the shipped code in every order of threads.
//!
//! Under `cfg(loom)` the core uses the locks and atomics of the model checker. This is a
//! different build of the core and its dependencies, so it has a target folder of its own.

use std::process::Command;

use crate::workspace::Workspace;

/// The preemptions that every test run explores: it takes seconds and finds most faults.
pub(crate) const SHORT: u32 = 2;
/// The preemptions that the long proof explores: it takes minutes.
pub(crate) const LONG: u32 = 4;

/// Returns a command that runs tests of the core under loom.
pub(crate) fn call(workspace: &Workspace, target: &str, preemptions: u32) -> Command {
    let mut call = workspace.cargo(&["test", "--locked", "--offline", "--target-dir", target]);
    call.args(["--package", "node0-metrics-core", "--lib"]);
    // Cargo would use this variable instead of `RUSTFLAGS`, and compile no model.
    call.env_remove("CARGO_ENCODED_RUSTFLAGS");
    call.env("RUSTFLAGS", "--cfg loom").env("LOOM_MAX_PREEMPTIONS", preemptions.to_string());
    call
}

/// Returns a command that runs all models, in a target folder of their own.
pub(crate) fn all(workspace: &Workspace, preemptions: u32) -> Command {
    let mut call = call(workspace, "target/loom", preemptions);
    call.args(["--", "models::", "static_ref::"]);
    call
}
