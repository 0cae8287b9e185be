//! The error for a tool that cannot be found or unpacked.
//!
//! The message is usually read in the summary of skipped tests, without any context. So it
//! names the tool, the reason and the remedy.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// A tool that is not on this machine and could not be unpacked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ToolError {
    /// There is no source of packages: this is not a Debian, or it has no mirror.
    #[error(
        "{tool} is not on this machine and {missing}: install {tool}, or, where apt-get \
         is, set NODE0_DEBIAN_MIRROR to the address of a Debian mirror"
    )]
    NoSource {
        /// The tool, under the name by which a user would search for it.
        tool: String,
        /// The reason that it cannot be unpacked.
        missing: &'static str,
    },
    /// A program or file that the unpacking itself needs is missing.
    #[error("{tool} needs {helper}, which is not on this machine: install {install}")]
    NoHelper {
        /// The tool.
        tool: String,
        /// The missing program or file.
        helper: &'static str,
        /// The package that has it.
        install: &'static str,
    },
    /// A command failed.
    #[error("`{command}` ended with {status} (is there a network?): {output}")]
    Command {
        /// The command line.
        command: String,
        /// The exit status.
        status: ExitStatus,
        /// The output of the command.
        output: String,
    },
    /// The unpacked program is not the wanted one, or does not run on this machine.
    #[error("{path} does not answer as {tool}: {answer:?}; remove its folder to try again")]
    Unusable {
        /// The tool.
        tool: String,
        /// The program.
        path: PathBuf,
        /// The text that it printed instead of its version.
        answer: String,
    },
    /// The build's target folder could not be found.
    #[error("the target folder of this build was not found: set CARGO_TARGET_DIR")]
    NoTarget,
    /// A file or program could not be used.
    #[error("{what} {path}")]
    Io {
        /// The failed action, such as `cannot run`.
        what: &'static str,
        /// The path of the file or program.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}

impl ToolError {
    /// Returns the error and all its causes in one line.
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

    /// Adds the failed action and the path to an I/O error.
    pub(super) fn io(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }
}
