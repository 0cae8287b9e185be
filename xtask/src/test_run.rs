//! Runs test binaries and reads the numbers of passed and failed tests from the output.
//!
//! Cargo's exit code alone is not enough: it is success if a filter matches no test, or if
//! the models were not compiled.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::verdict::{Verdict, say};

/// The numbers of tests that passed and failed.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct TestRun {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
}

impl TestRun {
    /// Runs tests, and prints their output.
    ///
    /// # Errors
    /// Fails when no test was started: the tests do not compile, or the filter matches none.
    pub(crate) fn of(call: &mut Command) -> Result<(Verdict, Self)> {
        let command = format!("{call:?}");
        let output = call.stderr(Stdio::inherit()).output();
        let output = output.with_context(|| format!("cannot run {command}"))?;
        let said = String::from_utf8_lossy(&output.stdout);
        say(said.trim_end());
        match Self::read(&said) {
            Some(run) => Ok((Verdict::from_success(output.status.success()), run)),
            None => bail!("no test ran by {command}: see cargo's words above"),
        }
    }

    /// Adds up the results of all binaries; `None` when no test was started.
    fn read(said: &str) -> Option<Self> {
        let mut run = Self::default();
        let mut pending = 0;
        for line in said.lines() {
            if let Some(count) = line.strip_prefix("running ") {
                pending += count.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0);
            }
            if let Some((passed, failed)) = closing(line) {
                pending = 0;
                run.passed += passed;
                run.failed += failed;
            }
        }
        // If a binary printed no result at its end, one of its tests aborted the process.
        run.failed += u32::from(pending > 0);
        (run != Self::default()).then_some(run)
    }
}

/// Parses a line such as `test result: ok. 3 passed; 0 failed; …`.
fn closing(line: &str) -> Option<(u32, u32)> {
    let counts = line.strip_prefix("test result: ")?;
    let count = |what: &str| {
        let before = counts.split(what).next()?;
        before.rsplit([' ', '.']).find(|word| !word.is_empty())?.parse().ok()
    };
    Some((count(" passed")?, count(" failed")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOSING: &str = "test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; \
                           12 filtered out; finished in 61.50s";

    #[test]
    fn binaries_are_added_up() {
        let said = format!("running 4 tests\n{CLOSING}\n\nrunning 4 tests\n{CLOSING}\n");
        assert_eq!(TestRun::read(&said), Some(TestRun { passed: 6, failed: 2 }));
    }

    #[test]
    fn binary_that_never_closed_has_failed() {
        let said = format!("running 4 tests\n{CLOSING}\nrunning 1 test\n");
        assert_eq!(TestRun::read(&said), Some(TestRun { passed: 3, failed: 2 }));
    }

    #[test]
    fn no_test_is_no_run() {
        let none = "running 0 tests\n\ntest result: ok. 0 passed; 0 failed; 9 filtered out\n";
        assert_eq!(TestRun::read(none), None);
        assert_eq!(TestRun::read("error: no such package"), None);
    }
}
