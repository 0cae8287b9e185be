//! The results of commands: findings, a verdict, and the functions that print them.
//!
//! A command that found faults and one that could not run must differ: the first returns a
//! verdict, the second an error, and each has an exit code of its own.

use std::io::{self, Write as _};

/// The outcome of a command that ran; a command that could not run returns an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every check and test passed.
    Holds,
    /// A check or a test failed; the lines that were printed before name it.
    FallsShort,
}

/// The findings of a check; empty if it holds.
///
/// Each finding is one line, with the fault, the rule and the remedy.
pub(crate) type Findings = Vec<String>;

impl Verdict {
    /// Returns `Holds` for success.
    pub(crate) fn from_success(success: bool) -> Self {
        if success { Self::Holds } else { Self::FallsShort }
    }

    /// Returns `Holds` if both hold.
    pub(crate) fn and(self, other: Self) -> Self {
        Self::from_success(self == Self::Holds && other == Self::Holds)
    }
}

/// Prints a line of the command's result on stdout.
pub(crate) fn say(line: &str) {
    // The reader may close the pipe; the exit code still has the verdict.
    let _ = writeln!(io::stdout(), "{line}");
}

/// Prints an error on stderr.
pub(crate) fn complain(line: &str) {
    // If stderr is closed, there is no other place to report the error.
    let _ = writeln!(io::stderr(), "{line}");
}
