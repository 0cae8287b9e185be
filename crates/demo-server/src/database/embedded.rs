//! A database in this process: the Postgres protocol over SQLite.
//!
//! On a machine without Postgres, the demo still needs a database that a pool can connect
//! to, and that can be slow, refuse and recover. This server behaves like Postgres in all
//! that the demo uses: sockets, sessions, transactions, prepared statements, SQLSTATEs.
//! In everything else it is SQLite, with these limits by design:
//!
//! - A parameter is `text` unless a cast gives it another type: `$1::bigint`. A result
//!   column has the type that its table declares or that a cast gives it.
//! - The SQL is SQLite's. There are no roles, no catalogues such as `pg_stat_activity`, no
//!   `COPY`, no `LISTEN`, no TLS and no cancelling; every password is accepted.
//! - One transaction writes at a time; another waits up to [`BUSY_TIMEOUT`].
//! - After an error inside a transaction only `ROLLBACK` and `COMMIT` are accepted, even
//!   if there is a savepoint.
//!
//! `pg_sleep` waits without holding a thread or a lock, so slow queries run in parallel.
//! The chaos switches therefore need no support here: the demo sends
//! `SELECT pg_sleep(..)` to whichever database it has.

mod columns;
mod failure;
mod prepared;
mod rewrite;
mod session;
mod sql;
mod token;
mod types;
mod wire;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio_postgres::Config;

use session::Session;
use wire::Wire;

/// The longest time that a writer waits for another transaction to end.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// The most clients that are served at once; further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 100;
/// The pause after a failed accept, because the next would likely fail at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A running embedded server; dropping it ends its sessions and removes its file.
#[derive(Debug)]
#[must_use = "dropping the handle stops the server"]
pub struct EmbeddedPostgres {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl EmbeddedPostgres {
    /// Starts serving an empty database on a free loopback port.
    ///
    /// # Errors
    ///
    /// Fails when no temporary folder can be created, or no port is free.
    pub async fn start() -> anyhow::Result<EmbeddedPostgres> {
        let folder = tempfile::Builder::new().prefix("node0-embedded-").tempdir();
        let folder = folder.context(
            "the embedded database gets no temporary folder: point TMPDIR to a writable folder",
        )?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.context("the embedded database gets no port on 127.0.0.1")?;
        let address = listener.local_addr()?;
        // The first connection creates the file before clients race for it. While it is open, SQLite
        // does not checkpoint and delete the write-ahead log each time the last client leaves.
        let keeper = Session::open(file_in(&folder)).await;
        let keeper = keeper.context("the embedded database cannot create its file")?;
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(async move {
            serve(listener, file_in(&folder), stopped).await;
            drop((keeper, folder));
        });
        Ok(EmbeddedPostgres { address, stop, serving })
    }

    /// Returns the configuration with which a client connects to the server.
    pub fn config(&self) -> Config {
        let mut config = Config::new();
        config.host(self.address.ip().to_string()).port(self.address.port());
        config.user("postgres").dbname("postgres");
        config.application_name(super::remote::APPLICATION_NAME);
        config
    }

    /// Ends all sessions, stops listening and removes the file.
    pub async fn close(self) {
        drop(self.stop);
        // The task is never aborted, so an error here is a panic, which the panic hook reported.
        let _ = self.serving.await;
    }
}

fn file_in(folder: &TempDir) -> PathBuf {
    folder.path().join("demo.sqlite")
}

/// Accepts clients until the server is stopped, then ends their sessions.
async fn serve(listener: TcpListener, file: PathBuf, mut stopped: oneshot::Receiver<()>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut sessions = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            _ = &mut stopped => break,
            Some(_) = sessions.join_next(), if !sessions.is_empty() => continue,
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((stream, place)) => {
                let file = file.clone();
                sessions.spawn(async move {
                    converse(stream, file).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the embedded database could not accept a client");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    sessions.shutdown().await;
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, place))
}

/// Serves one client until it leaves.
async fn converse(stream: TcpStream, file: PathBuf) {
    let session = match Session::open(file).await {
        Ok(session) => session,
        Err(error) => {
            tracing::warn!(%error, "the embedded database could not open its file");
            return;
        }
    };
    // A client that disconnects in the middle of a session is normal, so this is no warning.
    if let Err(error) = pgwire::tokio::process_socket(stream, None, Wire::new(session)).await {
        tracing::debug!(%error, "a session of the embedded database was cut off");
    }
}
