//! A Redis server that a test owns, and can kill and restart.
//!
//! It listens on a socket in a temporary folder and on no port, stores nothing on disk,
//! and ends with its guard. A restart starts a new, empty process on the same socket.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::Deadline;
use crate::process::{Process, ProcessError, Signal};
use crate::tools::RedisTool;

/// The longest time that the server may take to listen, or to end.
const PATIENCE_SECONDS: u64 = 20;

/// A running Redis server, or one that was killed.
#[derive(Debug)]
pub struct RedisServer {
    // Declared before the folder, which the server uses until it has ended.
    process: Process,
    tool: RedisTool,
    folder: TempDir,
}

impl RedisServer {
    /// Starts an empty server and waits until it listens.
    ///
    /// # Errors
    ///
    /// Returns [`ProcessError`] when it cannot be started, or does not listen in time.
    pub fn start(tool: &RedisTool) -> Result<Self, ProcessError> {
        let folder = tempfile::Builder::new().prefix("node0-redis-").tempdir();
        let folder = folder.map_err(|source| ProcessError::Spawn {
            program: tool.server().to_string_lossy().into_owned(),
            source,
        })?;
        let process = spawn(tool, &folder)?;
        Ok(Self { process, tool: tool.clone(), folder })
    }

    /// Returns the address in the form that Redis clients accept.
    #[must_use]
    pub fn url(&self) -> String {
        format!("unix://{}", socket(&self.folder).display())
    }

    /// Returns the server's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Kills the server with SIGKILL; all its data are lost.
    ///
    /// # Errors
    ///
    /// Returns [`ProcessError`] when it cannot be signalled, or does not end.
    pub fn kill(&mut self) -> Result<(), ProcessError> {
        self.process.signal(Signal::KILL)?;
        self.process.wait(Deadline::seconds(PATIENCE_SECONDS)).map(drop)
    }

    /// Suspends the server, so that it accepts connections and answers nothing.
    ///
    /// # Errors
    ///
    /// Returns [`ProcessError`] when it cannot be signalled.
    pub fn pause(&self) -> Result<(), ProcessError> {
        self.process.signal(Signal::STOP)
    }

    /// Resumes a suspended server.
    ///
    /// # Errors
    ///
    /// Returns [`ProcessError`] when it cannot be signalled.
    pub fn resume(&self) -> Result<(), ProcessError> {
        self.process.signal(Signal::CONT)
    }

    /// Starts an empty server at the same address, after [`Self::kill`].
    ///
    /// # Errors
    ///
    /// Fails as for [`Self::start`].
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
