//! The handle of a running throw-away server.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;

use crate::builder::{Builder, StartError};
use crate::cluster::Cluster;
use crate::process::Process;

/// How many free ports are tried: each may be taken between its choice and its use.
const PORT_ATTEMPTS: usize = 5;
/// How often a restart is tried while children of a killed server still end.
const RESTART_ATTEMPTS: usize = 100;
/// The shutdowns of Postgres, politest first, and how long each may take: the fast one
/// ends sessions and writes a checkpoint, the immediate one writes nothing.
const SHUTDOWNS: [(Signal, Duration); 3] = [
    (Signal::INT, Duration::from_secs(3)),
    (Signal::QUIT, Duration::from_secs(3)),
    (Signal::KILL, Duration::from_secs(3)),
];

/// A throw-away Postgres server; dropping it stops it and removes its data.
#[derive(Debug)]
#[must_use = "dropping the handle stops the server"]
pub struct LocalPostgres {
    // Declared before the cluster: nothing may write into a folder that is removed.
    server: Option<Process>,
    port: u16,
    cluster: Cluster,
}

impl LocalPostgres {
    /// Asks for a server, with every setting at its default.
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

    /// The address for clients: user `postgres`, no password, database `postgres`.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// The loopback port, the same across restarts.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The server's process number, or `None` while it is not running.
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().filter(|server| server.is_running()).map(Process::id)
    }

    /// The folder that holds the data and the logs.
    pub fn folder(&self) -> &Path {
        self.cluster.folder()
    }

    /// Shuts the server down and keeps its data; open sessions are ended.
    ///
    /// Takes well under a second; a server that does not react is killed after six.
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

    /// Starts the server again on the same port and data, stopping it first if need be.
    ///
    /// # Errors
    ///
    /// [`StartError::PortTaken`] when somebody took the port meanwhile, else
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
                // Orphans of a killed server hold its memory and port until they notice.
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

/// A port of the loopback that was free a moment ago.
fn free_port() -> Result<u16, StartError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    listener
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|source| StartError::NoLoopbackPort { source })
}
