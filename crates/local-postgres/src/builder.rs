//! What is asked of a throw-away server, and how its start can fail.
//!
//! Every variant of the error is met by somebody's first try on a fresh machine, so
//! each says what to do about it.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;
use std::{env, io};

use crate::binaries::{self, Binaries};
use crate::cluster::Cluster;
use crate::postgres::LocalPostgres;

/// How to find and start the server.
#[derive(Debug, Clone)]
#[must_use = "nothing starts before `start`"]
pub struct Builder {
    pub(crate) bin_dirs: Option<Vec<PathBuf>>,
    pub(crate) extra_bin_dir: Option<PathBuf>,
    pub(crate) temporary_dir: PathBuf,
    pub(crate) port: u16,
    pub(crate) max_connections: u16,
    pub(crate) start_timeout: Duration,
}

impl Default for Builder {
    fn default() -> Self {
        Builder {
            bin_dirs: None,
            extra_bin_dir: None,
            temporary_dir: env::temp_dir(),
            port: 0,
            max_connections: 50,
            start_timeout: Duration::from_secs(30),
        }
    }
}

impl Builder {
    /// Looks for the programs in these folders and nowhere else.
    ///
    /// Default: `PATH`, then where distributions put them, the newest version first.
    pub fn bin_dirs(mut self, folders: impl IntoIterator<Item = PathBuf>) -> Self {
        self.bin_dirs = Some(folders.into_iter().collect());
        self
    }

    /// Looks into this folder too, when no other has the programs. Default: none.
    pub fn extra_bin_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.extra_bin_dir = Some(folder.into());
        self
    }

    /// The folder in which the temporary one is made. Default: `TMPDIR`, or `/tmp`.
    pub fn temporary_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.temporary_dir = folder.into();
        self
    }

    /// The loopback port. Default: 0, which takes a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// How many clients the server admits. Default: 50.
    pub fn max_connections(mut self, connections: u16) -> Self {
        self.max_connections = connections;
        self
    }

    /// How long each of `initdb` and the start may take. Default: 30 s.
    pub fn start_timeout(mut self, limit: Duration) -> Self {
        self.start_timeout = limit;
        self
    }

    /// Makes a cluster and starts its server; returns once it accepts connections.
    ///
    /// Takes about a second, nearly all of it in `initdb`.
    ///
    /// # Errors
    ///
    /// See [`StartError`]. Nothing is left behind on the machine.
    pub fn start(self) -> Result<LocalPostgres, StartError> {
        let folders = self.folders();
        let Some(binaries) = Binaries::find(&folders) else {
            return Err(StartError::BinariesNotFound { searched: folders });
        };
        let cluster = Cluster::create(binaries, &self)?;
        LocalPostgres::launch(cluster, self.port)
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
        /// The folders that were looked into, in order.
        searched: Vec<PathBuf>,
    },
    /// The folder for the data could not be made.
    #[error("`{}` takes no temporary folder: point TMPDIR to a writable folder", parent.display())]
    TemporaryFolder {
        /// The folder in which it was to be made.
        parent: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Root has no other user to run the server as.
    #[error(
        "PostgreSQL refuses to run as root and /etc/passwd has none of {candidates:?}: add one of them or run as a normal user"
    )]
    NoUnprivilegedUser {
        /// The users that would do.
        candidates: &'static [&'static str],
    },
    /// The user that root borrowed cannot reach the programs or the data.
    #[error(
        "user `{user}`, as whom root has to run PostgreSQL, may not enter `{}`: {remedy}",
        folder.display()
    )]
    Unreachable {
        /// The borrowed user.
        user: String,
        /// The outermost folder that is closed to it.
        folder: PathBuf,
        /// What opens the way.
        remedy: &'static str,
    },
    /// A program is there and does not run.
    #[error("`{}` does not run: reinstall PostgreSQL or name another folder", program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// `initdb` gave up or took too long.
    #[error("initdb {}: {log}", ending(*.status))]
    InitDb {
        /// How it ended, or `None` when it was stopped at the time limit.
        status: Option<ExitStatus>,
        /// The last lines that it wrote.
        log: String,
    },
    /// The server ended instead of accepting connections, or took too long.
    #[error("postgres {} before it was ready: {log}", ending(*.status))]
    Server {
        /// How it ended, or `None` when it was stopped at the time limit.
        status: Option<ExitStatus>,
        /// The last lines that it wrote.
        log: String,
    },
    /// The system gives out no port.
    #[error("no free port on 127.0.0.1: bring the loopback interface up or ask for a port")]
    NoLoopbackPort {
        /// What the system said.
        source: io::Error,
    },
    /// Somebody else listens on the wanted port.
    #[error("port {port} is taken: stop who listens there or ask for port 0")]
    PortTaken {
        /// The wanted port.
        port: u16,
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
