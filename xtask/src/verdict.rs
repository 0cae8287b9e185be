//! The answers of commands: a line per check, and one verdict at the end.

use std::io::{self, Write as _};

/// The outcome of a command that could run; one that could not returns an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Everything that was looked at is as it should be.
    Holds,
    /// Something is not; the lines before say what.
    FallsShort,
}

/// The findings of one check; empty when it holds.
///
/// Each finding is one line: what is wrong, by which rule, and what to do.
pub(crate) type Findings = Vec<String>;

impl Verdict {
    /// Turns success into a verdict.
    pub(crate) fn from_success(success: bool) -> Self {
        if success { Self::Holds } else { Self::FallsShort }
    }

    /// Returns `Holds` when both hold.
    pub(crate) fn and(self, other: Self) -> Self {
        Self::from_success(self == Self::Holds && other == Self::Holds)
    }
}

/// Prints a line of the command's own answer.
pub(crate) fn say(line: &str) {
    // A closed pipe is the reader's choice; the exit code still tells the verdict.
    let _ = writeln!(io::stdout(), "{line}");
}

/// Prints a line about why there is no answer.
pub(crate) fn complain(line: &str) {
    // Nothing is left to tell anybody if stderr is closed.
    let _ = writeln!(io::stderr(), "{line}");
}
