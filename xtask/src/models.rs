//! The core's loom models, which run its threads in every order, on the shipping modules.
//!
//! Under `cfg(loom)` the core takes its locks and atomics from the model checker. That is
//! another build of it and of everything below it, so it has a target folder of its own.

use std::process::Command;

use crate::workspace::Workspace;

/// Preemptions that every test run explores: seconds, and nearly every fault there is.
pub(crate) const SHORT: u32 = 2;
/// Preemptions of the long proof: minutes.
pub(crate) const LONG: u32 = 4;

/// Returns the call that runs tests of the core under loom.
pub(crate) fn call(workspace: &Workspace, target: &str, preemptions: u32) -> Command {
    let mut call = workspace.cargo(&["test", "--locked", "--offline", "--target-dir", target]);
    call.args(["--package", "node0-metrics-core", "--lib"]);
    // Flags in this variable would win over ours, and no model would be compiled.
    call.env_remove("CARGO_ENCODED_RUSTFLAGS");
    call.env("RUSTFLAGS", "--cfg loom").env("LOOM_MAX_PREEMPTIONS", preemptions.to_string());
    call
}

/// Returns the call that runs all models, in a target folder of their own.
pub(crate) fn all(workspace: &Workspace, preemptions: u32) -> Command {
    let mut call = call(workspace, "target/loom", preemptions);
    call.args(["--", "models::", "static_ref::"]);
    call
}
