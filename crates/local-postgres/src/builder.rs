//! The settings of a throw-away server, and the errors of its start.
//!
//! Users meet these errors on the first try on a fresh machine, so each message names
//! the remedy.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;
use std::{env, io};

use crate::binaries::{self, Binaries};
use crate::cluster::Cluster;
use crate::postgres::LocalPostgres;

/// Settings for finding and starting the server.
#[derive(Debug, Clone)]
#[must_use = "nothing starts before `start`"]
pub struct Builder {
    pub(crate) bin_dirs: Option<Vec<PathBuf>>,
    pub(crate) extra_bin_dir: Option<PathBuf>,
    pub(crate) temporary_dir: PathBuf,
    pub(crate) max_connections: u16,
    pub(crate) start_timeout: Duration,
}

impl Default for Builder {
    fn default() -> Self {
        Builder {
            bin_dirs: None,
            extra_bin_dir: None,
            temporary_dir: env::temp_dir(),
            max_connections: 50,
            start_timeout: Duration::from_secs(30),
        }
    }
}

impl Builder {
    /// Searches for the programs in these folders and nowhere else.
    ///
    /// Default: `PATH`, then the folders of distributions, the newest version first.
    pub fn bin_dirs(mut self, folders: impl IntoIterator<Item = PathBuf>) -> Self {
        self.bin_dirs = Some(folders.into_iter().collect());
        self
    }

    /// Searches this folder last, if no other has the programs. Default: none.
    pub fn extra_bin_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.extra_bin_dir = Some(folder.into());
        self
    }

    /// Creates the temporary folder in this one. Default: `TMPDIR`, or `/tmp`.
    pub fn temporary_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.temporary_dir = folder.into();
        self
    }

    /// Admits at most this many clients at once. Default: 50.
    pub fn max_connections(mut self, connections: u16) -> Self {
        self.max_connections = connections;
        self
    }

    /// Gives up if `initdb` or the server's start takes longer than this. Default: 30 s.
    pub fn start_timeout(mut self, limit: Duration) -> Self {
        self.start_timeout = limit;
        self
    }

    /// Creates a cluster and starts its server; returns once it accepts connections.
    ///
    /// Takes about a second, nearly all of it in `initdb`.
    ///
    /// # Errors
    ///
    /// Returns [`StartError`] when the server does not start; it leaves no files or processes.
    pub fn start(self) -> Result<LocalPostgres, StartError> {
        let folders = self.folders();
        let Some(binaries) = Binaries::find(&folders) else {
            return Err(StartError::BinariesNotFound { searched: folders });
        };
        let cluster = Cluster::create(binaries, &self)?;
        LocalPostgres::launch(cluster)
    }

    fn folders(&self) -> Vec<PathBuf> {
        let mut folders = self.bin_dirs.clone().unwrap_or_else(binaries::usual_folders);
        folders.extend(self.extra_bin_dir.clone());
        folders
    }
}

/// A server that did not come up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// No folder holds both programs.
    #[error(
        "no `initdb` and `postgres` in {}: install PostgreSQL's server or name the folder of its programs",
        list(searched)
    )]
    BinariesNotFound {
        /// The folders that were searched, in order.
        searched: Vec<PathBuf>,
    },
    /// The folder for the data could not be created.
    #[error("`{}` takes no temporary folder: point TMPDIR to a writable folder", parent.display())]
    TemporaryFolder {
        /// The folder in which it was to be created.
        parent: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Root found no other user to run the server as.
    #[error(
        "PostgreSQL refuses to run as root and /etc/passwd has none of {candidates:?}: add one of them or run as a normal user"
    )]
    NoUnprivilegedUser {
        /// The users that were looked for.
        candidates: &'static [&'static str],
    },
    /// The user as whom root runs the server cannot reach the programs or the data.
    #[error(
        "user `{user}`, as whom root has to run PostgreSQL, may not enter `{}`: {remedy}",
        folder.display()
    )]
    Unreachable {
        /// The name of that user.
        user: String,
        /// The outermost folder that the user may not enter.
        folder: PathBuf,
        /// The action that makes the folder reachable.
        remedy: &'static str,
    },
    /// A program exists and does not run.
    #[error("`{}` does not run: reinstall PostgreSQL or name another folder", program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// `initdb` failed or took too long.
    #[error("initdb {}: {log}", ending(*.status))]
    InitDb {
        /// The exit status, or `None` when it was stopped at the time limit.
        status: Option<ExitStatus>,
        /// The last lines that it wrote.
        log: String,
    },
    /// The server ended instead of accepting connections, or took too long.
    #[error("postgres {} before it was ready: {log}", ending(*.status))]
    Server {
        /// The exit status, or `None` when it was stopped at the time limit.
        status: Option<ExitStatus>,
        /// The last lines that it wrote.
        log: String,
    },
    /// The path of the server's socket would be longer than the operating system allows.
    #[error(
        "the socket `{}` has a path of over {limit} bytes: point TMPDIR to a folder with a shorter path",
        socket.display()
    )]
    SocketPathTooLong {
        /// The path of the socket.
        socket: PathBuf,
        /// The most bytes that its path may have.
        limit: usize,
    },
}

fn list(folders: &[PathBuf]) -> String {
    match folders {
        [] => "no folder at all".to_owned(),
        some => some.iter().map(|folder| quoted(folder)).collect::<Vec<_>>().join(", "),
    }
}

fn quoted(folder: &Path) -> String {
    format!("`{}`", folder.display())
}

fn ending(status: Option<ExitStatus>) -> String {
    status.map_or_else(|| "took too long".to_owned(), |status| format!("ended with {status}"))
}
