//! A run of k6, with a script of the test.

use std::io;
use std::net::SocketAddr;
use std::process::Command;

use serde_json::Value;

use crate::Deadline;
use crate::process::{Process, ProcessError};
use crate::tools::K6Tool;

/// Runs a script and returns k6's summary of its metrics.
///
/// The script finds the address in the variable `ADDRESS`. It may take `seconds`.
///
/// # Errors
///
/// Fails when k6 cannot be started, takes longer, or ends with a failure, such as that of a
/// threshold; the message has what it printed.
pub fn run(
    tool: &K6Tool,
    script: &str,
    address: SocketAddr,
    seconds: u64,
) -> Result<Value, RunError> {
    let folder = tempfile::Builder::new().prefix("node0-k6-").tempdir()?;
    let [script_path, summary] = ["script.js", "summary.json"].map(|name| folder.path().join(name));
    std::fs::write(&script_path, script)?;
    let mut command = Command::new(tool.program());
    command.args(["run", "--quiet", "--no-usage-report", "--summary-export"]).arg(&summary);
    command.arg(&script_path).env("ADDRESS", address.to_string()).env("HOME", folder.path());
    let mut process = Process::spawn(command)?;
    let status = process.wait(Deadline::seconds(seconds))?;
    if !status.success() {
        return Err(RunError::Failed { said: process.output() });
    }
    let text = std::fs::read(&summary)?;
    serde_json::from_slice(&text).map_err(|error| RunError::Io(error.into()))
}

/// A run that did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// k6 could not be started, or did not end in time.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The script could not be written, or the summary not be read.
    #[error("the files of the run could not be used")]
    Io(#[from] io::Error),
    /// k6 ended with a failure.
    #[error("k6 failed; it said:\n{said}")]
    Failed {
        /// The output of k6.
        said: String,
    },
}
