//! A Redis server that a test owns, and may kill.
//!
//! It listens on a socket in a temporary folder and on no port, keeps nothing on disk,
//! and ends with its guard. A restart is a new process on the same socket, empty.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::Deadline;
use crate::process::{Process, ProcessError, Signal};
use crate::tools::RedisTool;

/// How long the server may take to listen, or to end.
const PATIENCE_SECONDS: u64 = 20;

/// A running Redis server, or one that was killed.
#[derive(Debug)]
pub struct RedisServer {
    // Before the folder, which the server uses until it has ended.
    process: Process,
    tool: RedisTool,
    folder: TempDir,
}

impl RedisServer {
    /// Starts an empty server and waits until it listens.
    ///
    /// # Errors
    ///
    /// [`ProcessError`] when it cannot be started, or does not come to listen.
    pub fn start(tool: &RedisTool) -> Result<Self, ProcessError> {
        let folder = tempfile::Builder::new().prefix("node0-redis-").tempdir();
        let folder = folder.map_err(|source| ProcessError::Spawn {
            program: tool.server().to_string_lossy().into_owned(),
            source,
        })?;
        let process = spawn(tool, &folder)?;
        Ok(Self { process, tool: tool.clone(), folder })
    }

    /// Returns the address, as Redis clients take it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("unix://{}", socket(&self.folder).display())
    }

    /// Returns the server's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Ends the server by SIGKILL, and with it all it held.
    ///
    /// # Errors
    ///
    /// [`ProcessError`] when it cannot be signalled, or does not end.
    pub fn kill(&mut self) -> Result<(), ProcessError> {
        self.process.signal(Signal::KILL)?;
        self.process.wait(Deadline::seconds(PATIENCE_SECONDS)).map(drop)
    }

    /// Stops the server, which then takes connections and answers nothing.
    ///
    /// # Errors
    ///
    /// [`ProcessError`] when it cannot be signalled.
    pub fn pause(&self) -> Result<(), ProcessError> {
        self.process.signal(Signal::STOP)
    }

    /// Lets a stopped server go on.
    ///
    /// # Errors
    ///
    /// [`ProcessError`] when it cannot be signalled.
    pub fn resume(&self) -> Result<(), ProcessError> {
        self.process.signal(Signal::CONT)
    }

    /// Starts an empty server at the same address, after [`Self::kill`].
    ///
    /// # Errors
    ///
    /// As for [`Self::start`].
    pub fn restart(&mut self) -> Result<(), ProcessError> {
        self.process = spawn(&self.tool, &self.folder)?;
        Ok(())
    }
}

fn socket(folder: &TempDir) -> PathBuf {
    folder.path().join("redis.sock")
}

fn spawn(tool: &RedisTool, folder: &TempDir) -> Result<Process, ProcessError> {
    let mut command = Command::new(tool.server());
    command.args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"]);
    command.arg(socket(folder)).arg("--dir").arg(folder.path());
    let mut process = Process::spawn(command)?;
    process.wait_for_line("eady to accept connections", Deadline::seconds(PATIENCE_SECONDS))?;
    Ok(process)
}
