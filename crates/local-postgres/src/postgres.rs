//! The handle of a running throw-away server.
//!
//! A free port can be taken by another process before the server binds it, and a killed
//! server's children can hold its memory for a while, so starts and restarts are retried.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;

use crate::builder::{Builder, StartError};
use crate::cluster::Cluster;
use crate::process::Process;

/// The number of free ports that are tried, because another process may take one meanwhile.
const PORT_ATTEMPTS: usize = 5;
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
    port: u16,
    cluster: Cluster,
}

impl LocalPostgres {
    /// Returns a builder with every setting at its default.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn launch(cluster: Cluster, wanted_port: u16) -> Result<Self, StartError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let port = if wanted_port == 0 { free_port()? } else { wanted_port };
            match cluster.launch(port) {
                Err(StartError::PortTaken { .. })
                    if wanted_port == 0 && attempt < PORT_ATTEMPTS => {}
                launched => {
                    return launched.map(|process| Self { server: Some(process), port, cluster });
                }
            }
        }
    }

    /// Returns the address for clients: user `postgres`, no password, database `postgres`.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Returns the loopback port, which stays the same across restarts.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the server's process id, or `None` while it is not running.
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().filter(|server| server.is_running()).map(Process::id)
    }

    /// Returns the folder that holds the data and the logs.
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

    /// Starts the server again on the same port and data; stops it first if it runs.
    ///
    /// # Errors
    ///
    /// Returns [`StartError::PortTaken`] when another process has taken the port, else
    /// [`StartError::Server`]. The handle stays usable.
    pub fn restart(&mut self) -> Result<(), StartError> {
        self.stop();
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.cluster.launch(self.port) {
                Ok(server) => {
                    self.server = Some(server);
                    return Ok(());
                }
                // The children of a killed server hold its memory and port until they notice it.
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

/// Returns a loopback port that was free a moment ago.
fn free_port() -> Result<u16, StartError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    listener
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|source| StartError::NoLoopbackPort { source })
}
