//! A throw-away Postgres from binaries of this machine.
//!
//! Its start and its stop wait for other processes, for up to seconds, so both run on
//! blocking threads and not on the runtime's workers.

use std::path::PathBuf;
use std::time::Duration;

use node0_local_postgres::{LocalPostgres, StartError};
use tokio::task::spawn_blocking;
use tokio_postgres::Config;

/// Starts a server; the outer error means that the runtime is shutting down.
pub(super) async fn start(
    bin_dirs: Option<Vec<PathBuf>>,
) -> anyhow::Result<Result<LocalPostgres, StartError>> {
    let mut builder = LocalPostgres::builder();
    if let Some(folders) = bin_dirs {
        builder = builder.bin_dirs(folders);
    }
    Ok(spawn_blocking(move || builder.start()).await?)
}

/// Stops the server and removes its folder.
pub(super) async fn stop(server: LocalPostgres) {
    if let Err(error) = spawn_blocking(move || drop(server)).await {
        tracing::warn!(%error, "local PostgreSQL may still be running");
    }
}

/// Returns the configuration with which a client connects to the server, whose statements take at
/// most `statement_limit`.
pub(super) fn config(server: &LocalPostgres, statement_limit: Duration) -> anyhow::Result<Config> {
    let mut config: Config = server.url().parse()?;
    config.application_name(super::remote::APPLICATION_NAME);
    config.options(format!("-c statement_timeout={}", statement_limit.as_millis()));
    Ok(config)
}
