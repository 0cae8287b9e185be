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
//!   `COPY`, no `LISTEN`, no TLS and no cancelling.
//! - Clients need no password, because they come through a Unix socket in a folder that only its
//!   owner and root may enter. Their SQL reaches no other file: there is no `ATTACH`, `VACUUM` or
//!   `PRAGMA`.
//! - One transaction writes at a time; another waits up to [`BUSY_TIMEOUT`].
//! - A statement that takes too long ends with the SQLSTATE 57014.
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

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use pgwire::tokio::process_socket_unix;
use tempfile::TempDir;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio_postgres::Config;

use session::{Place, Session};
use wire::Wire;

/// The longest time that a writer waits for another transaction to end.
const BUSY_TIMEOUT: Duration = Duration::from_secs(4);
/// The socket's name in the folder, as clients of Postgres expect it.
const SOCKET: &str = ".s.PGSQL.5432";
/// The most clients that are served at once; further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 100;
/// The pause after a failed accept, because the next would likely fail at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A running embedded server; dropping it ends its sessions and removes its folder.
#[derive(Debug)]
#[must_use = "dropping the handle stops the server"]
pub struct EmbeddedPostgres {
    /// The folder of the socket.
    folder: PathBuf,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl EmbeddedPostgres {
    /// Starts serving an empty database, whose statements take at most `statement_limit`.
    ///
    /// # Errors
    ///
    /// Fails when no temporary folder can be created, or its path is too long for a socket.
    pub async fn start(statement_limit: Duration) -> anyhow::Result<EmbeddedPostgres> {
        // Who may enter the folder reaches the database.
        let private = Permissions::from_mode(0o700);
        let mut folder = tempfile::Builder::new();
        let folder = folder.prefix("node0-embedded-").permissions(private).tempdir();
        let folder = folder.context(
            "the embedded database gets no temporary folder: point TMPDIR to a writable folder",
        )?;
        let listener = UnixListener::bind(folder.path().join(SOCKET)).context(
            "the embedded database gets no socket in its folder: point TMPDIR to a folder with a short path",
        )?;
        let place = Place { file: file_in(&folder), statement_limit };
        // The first connection creates the file before clients race for it. While it is open, SQLite
        // does not checkpoint and delete the write-ahead log each time the last client leaves.
        let keeper = Session::open(place.clone()).await;
        let keeper = keeper.context("the embedded database cannot create its file")?;
        let (stop, stopped) = oneshot::channel();
        let path = folder.path().to_owned();
        let serving = tokio::spawn(async move {
            serve(listener, place, stopped).await;
            drop((keeper, folder));
        });
        Ok(EmbeddedPostgres { folder: path, stop, serving })
    }

    /// Returns the configuration with which a client connects to the server.
    pub fn config(&self) -> Config {
        let mut config = Config::new();
        config.host_path(&self.folder).user("postgres").dbname("postgres");
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
async fn serve(listener: UnixListener, place: Place, mut stopped: oneshot::Receiver<()>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut sessions = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            _ = &mut stopped => break,
            Some(_) = sessions.join_next(), if !sessions.is_empty() => continue,
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((stream, permit)) => {
                let place = place.clone();
                sessions.spawn(async move {
                    converse(stream, place).await;
                    drop(permit);
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
    listener: &UnixListener,
    places: &Arc<Semaphore>,
) -> io::Result<(UnixStream, OwnedSemaphorePermit)> {
    let permit = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, permit))
}

/// Serves one client until it leaves.
async fn converse(stream: UnixStream, place: Place) {
    let session = match Session::open(place).await {
        Ok(session) => session,
        Err(error) => {
            tracing::warn!(%error, "the embedded database could not open its file");
            return;
        }
    };
    // A client that disconnects in the middle of a session is normal, so this is no warning.
    if let Err(error) = process_socket_unix(stream, Wire::new(session)).await {
        tracing::debug!(%error, "a session of the embedded database was cut off");
    }
}
