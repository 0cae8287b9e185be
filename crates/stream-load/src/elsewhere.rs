//! A load in a process of its own.
//!
//! The process is another one of the same program, which is asked by variables to play the load. So
//! a test needs no program beside itself.

use std::io::{self, BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::json;
use tempfile::TempDir;

use crate::plan::Plan;
use crate::report::Report;

/// Gives the plan to the process, and tells it where to put the report.
const PLAN: &str = "NODE0_STREAM_LOAD_PLAN";
const REPORT: &str = "NODE0_STREAM_LOAD_REPORT";
/// The line that the process prints when all clients are connected.
const READY: &str = "all clients are connected";

/// A load in a process of its own, which ends with this guard.
#[derive(Debug)]
pub struct Elsewhere {
    process: Child,
    /// Kept open, since a program that prints to a closed pipe fails.
    output: Lines<BufReader<ChildStdout>>,
    folder: TempDir,
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
    // The test harness captures what is printed in other ways.
    let say = || drop(writeln!(io::stdout(), "{READY}"));
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
    /// Fails when not all are connected within a minute; the process says more on stderr.
    pub fn start(plan: &Plan, test: &str) -> io::Result<Self> {
        Self::start_with(plan, &["--exact", test, "--nocapture"])
    }

    /// Starts this program anew with these arguments, with which it calls [`play`].
    ///
    /// # Errors
    ///
    /// As [`Self::start`].
    pub fn start_with(plan: &Plan, arguments: &[&str]) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
        command.env(PLAN, json!(plan).to_string()).env(REPORT, folder.path().join("report"));
        let mut process = command.spawn()?;
        let output = process.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut this = Self { process, output: BufReader::new(output).lines(), folder };
        while let Some(line) = this.output.next() {
            if line?.ends_with(READY) {
                return Ok(this);
            }
        }
        Err(io::Error::other("the process of the clients ended before they were connected"))
    }

    /// Waits for the end of the plan and returns the report.
    ///
    /// # Errors
    ///
    /// Fails when the process does.
    pub fn report(mut self) -> io::Result<Report> {
        while self.output.next().transpose()?.is_some() {}
        let status = self.process.wait()?;
        if !status.success() {
            return Err(io::Error::other(format!("the process of the clients ended: {status}")));
        }
        let report = std::fs::read(self.folder.path().join("report"))?;
        Ok(serde_json::from_slice(&report)?)
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        // Both fail only if it has ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
