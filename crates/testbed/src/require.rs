//! What a test does when a tool cannot be had.
//!
//! On a laptop a missing tool must not make the other tests useless, so the test is
//! skipped; but a skip that nobody sees is a test that nobody runs. The notice therefore
//! goes straight to the process's stderr, which the test harness does not capture, and
//! into a file from which `cargo xtask test` prints a summary. Under `CI=true` a missing
//! tool fails the test.

use std::fs::OpenOptions;
use std::io::{self, Write as _};

use crate::tools::ToolError;

/// Unwraps a tool, or ends the calling test: loudly skipped, failed under `CI=true`.
///
/// Works in any function that returns `()`.
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

/// Reports that a test cannot run; the working half of [`require!`](crate::require!).
///
/// # Panics
///
/// Under `CI=true`, where every tool must be there.
pub fn skip_or_fail(error: &ToolError, file: &str, line: u32) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let notice = format!("SKIPPED {test} ({file}:{line}): {}", error.in_one_line());
    assert!(!on_ci(), "{notice}");
    // A notice that cannot be written changes nothing about the skip itself.
    let _ = writeln!(io::stderr(), "{notice}");
    if let Some(path) = std::env::var_os("NODE0_SKIPS") {
        let file = OpenOptions::new().create(true).append(true).open(path);
        let _ = file.and_then(|mut file| writeln!(file, "{notice}"));
    }
}

/// Tells whether this run must have every tool (`CI=true`).
fn on_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true" || value == "1")
}
