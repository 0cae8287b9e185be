//! Why a tool cannot be had, and what to do about it.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// A tool that is neither on this machine nor could be unpacked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ToolError {
    /// No package source: this is not a Debian, or its mirror is not configured.
    #[error(
        "{tool} is not on this machine and {missing}: install {tool}, or, where apt-get \
         is, set NODE0_DEBIAN_MIRROR to the address of a Debian mirror"
    )]
    NoSource {
        /// What was asked for, as one would look for it.
        tool: String,
        /// What keeps it from being unpacked.
        missing: &'static str,
    },
    /// A program or file that the unpacking itself needs is missing.
    #[error("{tool} needs {helper}, which is not on this machine: install {install}")]
    NoHelper {
        /// What was asked for.
        tool: String,
        /// The missing program or file.
        helper: &'static str,
        /// The package that has it.
        install: &'static str,
    },
    /// A command ended badly.
    #[error("`{command}` ended with {status} (is there a network?): {output}")]
    Command {
        /// The command line.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// What it printed.
        output: String,
    },
    /// The unpacked program is not what was asked for, or does not run here.
    #[error("{path} does not answer as {tool}: {answer:?}; remove its folder to try again")]
    Unusable {
        /// What was asked for.
        tool: String,
        /// The program.
        path: PathBuf,
        /// What it printed instead.
        answer: String,
    },
    /// The build's target folder could not be found.
    #[error("the target folder of this build was not found: set CARGO_TARGET_DIR")]
    NoTarget,
    /// A file or program could not be used.
    #[error("{what} {path}")]
    Io {
        /// What was being done.
        what: &'static str,
        /// To which path.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

impl ToolError {
    /// Says everything in one line: the error and, behind it, each cause.
    #[must_use]
    pub fn in_one_line(&self) -> String {
        let mut line = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            line.push_str(": ");
            line.push_str(&cause.to_string());
            source = cause.source();
        }
        line.replace('\n', " ")
    }

    /// Wraps an I/O error with what was being done to which path.
    pub(super) fn io(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }
}
