//! A load in a process of its own.
//!
//! The process is another one of the same program, which is asked by variables to play the load. So
//! a test needs no program beside itself.

use std::io;
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use testbed::Deadline;
use testbed::process::{Process, ProcessError};

use crate::plan::Plan;
use crate::report::Report;

/// Gives the plan to the process, and tells it where to put the report.
const PLAN: &str = "NODE0_STREAM_LOAD_PLAN";
const REPORT: &str = "NODE0_STREAM_LOAD_REPORT";
/// The line that the process prints when all clients are connected.
const READY: &str = "all clients are connected";
/// The time beyond that of the plan after which the process is stuck.
const PATIENCE: Duration = Duration::from_secs(90);

/// A load in a process of its own, which ends with this guard.
#[derive(Debug)]
pub struct Elsewhere {
    process: Process,
    folder: TempDir,
    millis: u64,
}

/// A load that did not run as planned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ElsewhereError {
    /// The process could not be started, did not connect its clients, or did not end.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The process failed.
    #[error("the clients' process failed:\n{said}")]
    Failed {
        /// Its output.
        said: String,
    },
    /// The report could not be read.
    #[error("the report of the clients cannot be read")]
    Io(#[from] io::Error),
}

/// Plays the load if this process was started for it; returns `true` if it was.
///
/// A test calls this in a test of its own, whose name it gives to [`Elsewhere::start`].
///
/// # Errors
///
/// Fails when the clients could not be connected.
pub fn play() -> io::Result<bool> {
    let (Ok(plan), Some(report)) = (std::env::var(PLAN), std::env::var_os(REPORT)) else {
        return Ok(false);
    };
    let plan: Plan = serde_json::from_str(&plan)?;
    // The guard of the process reads both streams.
    let say = || drop(io::Write::write_all(&mut io::stderr(), format!("{READY}\n").as_bytes()));
    let run = crate::run(&plan, say)?;
    std::fs::write(report, json!(run).to_string())?;
    Ok(true)
}

impl Elsewhere {
    /// Starts this test program anew for one test, which calls [`play`], and waits until all
    /// clients are connected.
    ///
    /// # Errors
    ///
    /// Returns [`ElsewhereError`] when not all are connected within a minute.
    pub fn start(plan: &Plan, test: &str) -> Result<Self, ElsewhereError> {
        Self::start_with(plan, &["--exact", test, "--nocapture"])
    }

    /// Starts this program anew with these arguments, with which it calls [`play`].
    ///
    /// # Errors
    ///
    /// Returns [`ElsewhereError`] when not all are connected within a minute.
    pub fn start_with(plan: &Plan, arguments: &[&str]) -> Result<Self, ElsewhereError> {
        let folder = tempfile::tempdir()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(arguments).env(PLAN, json!(plan).to_string());
        command.env(REPORT, folder.path().join("report"));
        let mut process = Process::spawn(command)?;
        process.wait_for_line(READY, Deadline::after(PATIENCE))?;
        Ok(Self { process, folder, millis: plan.millis })
    }

    /// Waits for the end of the plan and returns the report.
    ///
    /// # Errors
    ///
    /// Returns [`ElsewhereError`] when the process fails or does not end.
    pub fn report(mut self) -> Result<Report, ElsewhereError> {
        let limit = Duration::from_millis(self.millis) + PATIENCE;
        let status = self.process.wait(Deadline::after(limit))?;
        if !status.success() {
            return Err(ElsewhereError::Failed { said: self.process.output() });
        }
        let report = std::fs::read(self.folder.path().join("report"))?;
        Ok(serde_json::from_slice(&report).map_err(io::Error::from)?)
    }
}
