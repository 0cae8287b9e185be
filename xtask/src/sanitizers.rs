//! Runs the core's threads under the sanitizers of the compiler.
//!
//! ThreadSanitizer finds accesses of two threads without an order between them, AddressSanitizer
//! accesses beyond an allocation or after its end, and its LeakSanitizer memory that nothing reaches.
//! They exist for nightly toolchains only, so this is a proof on demand and not a test. The standard
//! library is built with them too: ThreadSanitizer does not know the locks of one that is not, and
//! would report what they protect.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::miri::nightly;
use crate::workspace::Workspace;

const REMEDY: &str = "a nightly with its sources is missing: `rustup toolchain install nightly --component rust-src`";

/// The sanitizers of the storm; that of addresses finds leaks too.
const SANITIZERS: [&str; 2] = ["thread", "address"];

/// Returns the commands that run the tests of the core's threads, one for each sanitizer.
pub(crate) fn calls(workspace: &Workspace) -> Result<Vec<Command>> {
    let host = host(workspace)?;
    Ok(SANITIZERS.iter().map(|sanitizer| call(workspace, sanitizer, &host)).collect())
}

fn call(workspace: &Workspace, sanitizer: &str, host: &str) -> Command {
    let mut call = nightly(workspace, &["cargo", "test", "--locked", "-Zbuild-std"]);
    // With a target of its own, build scripts and macros run without the sanitizer.
    call.args(["--target", host, "--target-dir", &format!("target/sanitizers/{sanitizer}")]);
    call.args(["--package", "node0-metrics-core", "--test", "it", "--", "storm::", "threads::"]);
    // Cargo would use this variable instead of `RUSTFLAGS`.
    call.env_remove("CARGO_ENCODED_RUSTFLAGS");
    call.env("RUSTFLAGS", format!("-Zsanitizer={sanitizer}"));
    call
}

/// Returns the target of the nightly toolchain, if it has the sources of the standard library.
fn host(workspace: &Workspace) -> Result<String> {
    let said = |arguments: &[&str]| {
        let output = nightly(workspace, arguments).stderr(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let sysroot = said(&["rustc", "--print", "sysroot"]).context(REMEDY)?;
    let sources = format!("{}/lib/rustlib/src/rust/library/std/src", sysroot.trim());
    ensure!(std::path::Path::new(&sources).is_dir(), REMEDY);
    let version = said(&["rustc", "--version", "--verbose"]).context(REMEDY)?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not name its host")?.to_owned())
}
