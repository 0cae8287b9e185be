//! Skips or fails a test whose tool is missing.
//!
//! On a laptop a missing tool must not fail the test run, so the test is skipped. A skip
//! must be visible, or the test is never run. The notice therefore goes directly to the
//! process's stderr, which the test harness does not capture, and into a file from which
//! `cargo xtask test` prints a summary. Under `CI=true` a missing tool fails the test.

use std::fs::OpenOptions;
use std::io::{self, Write as _};

use crate::tools::ToolError;

/// Unwraps a tool, or skips the calling test with a notice; fails it under `CI=true`.
///
/// It works in any function that returns `()`.
#[macro_export]
macro_rules! require {
    ($tool:expr) => {
        match $tool {
            Ok(tool) => tool,
            Err(error) => {
                $crate::skip_or_fail(&error, file!(), line!());
                return;
            }
        }
    };
}

/// Reports that a test cannot run; [`require!`](crate::require!) calls it.
///
/// # Panics
///
/// Panics under `CI=true`, where every tool is required.
pub fn skip_or_fail(error: &ToolError, file: &str, line: u32) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let notice = format!("SKIPPED {test} ({file}:{line}): {}", error.in_one_line());
    assert!(!on_ci(), "{notice}");
    // The test is skipped even if the notice cannot be written.
    let _ = writeln!(io::stderr(), "{notice}");
    if let Some(path) = std::env::var_os("NODE0_SKIPS") {
        let file = OpenOptions::new().create(true).append(true).open(path);
        let _ = file.and_then(|mut file| writeln!(file, "{notice}"));
    }
}

/// Returns `true` if this run requires every tool (`CI=true`).
fn on_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true" || value == "1")
}
