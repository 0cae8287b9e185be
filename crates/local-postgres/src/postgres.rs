//! The handle of a running throw-away server.
//!
//! A killed server's children can hold its memory for a while, so restarts are retried.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;

use crate::builder::{Builder, StartError};
use crate::cluster::{Cluster, ROLE};
use crate::process::Process;

/// The number of times that a restart is tried while children of a killed server end.
const RESTART_ATTEMPTS: usize = 100;
/// The signals that shut Postgres down, the gentlest first, and the time that each may take.
///
/// SIGINT ends sessions and writes a checkpoint; SIGQUIT ends the server without one.
const SHUTDOWNS: [(Signal, Duration); 3] = [
    (Signal::INT, Duration::from_secs(3)),
    (Signal::QUIT, Duration::from_secs(3)),
    (Signal::KILL, Duration::from_secs(3)),
];

/// A throw-away Postgres server; dropping it stops it and removes its data.
#[derive(Debug)]
#[must_use = "dropping the handle stops the server"]
pub struct LocalPostgres {
    // Declared before the cluster, so that the server is gone before its folder is removed.
    server: Option<Process>,
    cluster: Cluster,
}

impl LocalPostgres {
    /// Returns a builder with every setting at its default.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn launch(cluster: Cluster) -> Result<Self, StartError> {
        let server = Some(cluster.launch()?);
        Ok(Self { server, cluster })
    }

    /// Returns the address for clients: a role that owns the database `postgres`, and that is not a
    /// superuser.
    ///
    /// The host is the [`folder`](Self::folder), percent-encoded, as clients of Unix sockets expect.
    pub fn url(&self) -> String {
        self.url_of(ROLE)
    }

    /// Returns the address for the superuser `postgres`, who may read files and run programs as the
    /// server's user; for the set-up of a test, not for a service.
    pub fn superuser_url(&self) -> String {
        self.url_of("postgres")
    }

    fn url_of(&self, role: &str) -> String {
        let mut url = format!("postgres://{role}@");
        for byte in self.folder().as_os_str().as_bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
                url.push(char::from(*byte));
            } else {
                // Writing to a string cannot fail.
                let _ = write!(url, "%{byte:02X}");
            }
        }
        url + "/postgres"
    }

    /// Returns the Unix socket on which the server listens; it stays the same across restarts.
    pub fn socket(&self) -> PathBuf {
        self.cluster.socket()
    }

    /// Returns the server's process id, or `None` while it is not running.
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().filter(|server| server.is_running()).map(Process::id)
    }

    /// Returns the folder that holds the data, the logs and the socket.
    pub fn folder(&self) -> &Path {
        self.cluster.folder()
    }

    /// Ends all sessions and shuts the server down; the data are kept.
    ///
    /// This takes well under a second; a server that does not react is killed after six.
    pub fn stop(&mut self) {
        let Some(server) = self.server.take() else {
            return;
        };
        for (signal, patience) in SHUTDOWNS {
            server.signal(signal);
            if server.wait_timeout(patience).is_some() {
                return;
            }
        }
    }

    /// Kills the server without warning, as a crash would.
    pub fn kill(&mut self) {
        if let Some(server) = self.server.take() {
            server.signal(Signal::KILL);
            server.wait_timeout(SHUTDOWNS[2].1);
        }
    }

    /// Starts the server again on the same socket and data; stops it first if it runs.
    ///
    /// # Errors
    ///
    /// Returns [`StartError::Server`]; the handle stays usable.
    pub fn restart(&mut self) -> Result<(), StartError> {
        self.stop();
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.cluster.launch() {
                Ok(server) => {
                    self.server = Some(server);
                    return Ok(());
                }
                // The children of a killed server hold its memory until they notice it.
                Err(StartError::Server { log, .. })
                    if attempt < RESTART_ATTEMPTS && log.contains("still in use") => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for LocalPostgres {
    fn drop(&mut self) {
        self.stop();
    }
}
