//! A server that the user named.
//!
//! Its address is the demo's input that is wrong most often. So the demo connects once
//! before it uses the address, and has a message of its own for each kind of mistake. It
//! never prints the address itself, because that may hold a password.

use std::error::Error;
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};

/// The name of the demo's connections in the server's views, such as `pg_stat_activity`.
pub(super) const APPLICATION_NAME: &str = "node0-demo";
/// The longest wait for a connection, unless the address sets its own.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Parses the address and connects once, to prove that the database accepts the demo.
///
/// `origin` is the flag or the variable that the error asks the user to correct.
pub(super) async fn checked_config(url: &str, origin: &str) -> anyhow::Result<Config> {
    if let Some((_, rest)) = url.split_once("://")
        && rest.split('/').next().is_some_and(|authority| authority.matches('@').count() > 1)
    {
        // The part behind the first one would be taken, and shown, as the host.
        return Err(anyhow!(
            "{origin} has two `@` before the database: write one in a password as %40"
        ));
    }
    let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
        anyhow!(
            "{origin} is no address of a database ({}): write postgres://user:password@host:5432/name",
            innermost(&error)
        )
    })?;
    let patience = config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT);
    config.connect_timeout(patience);
    if config.get_application_name().is_none() {
        config.application_name(APPLICATION_NAME);
    }
    if !matches!(config.get_ssl_mode(), SslMode::Disable | SslMode::Prefer) {
        return Err(anyhow!("{origin} asks for TLS, which the demo does not speak: drop sslmode"));
    }
    // The client's own time limit covers the TCP handshake only.
    match tokio::time::timeout(patience, try_once(&config)).await {
        Ok(Ok(())) => Ok(config),
        Ok(Err(error)) => Err(explain(&error, &config, origin)),
        Err(_) => {
            let reason = format!("no answer within {patience:?}");
            Err(unanswered(&place(&config), &reason, origin))
        }
    }
}

/// Opens one connection; a task of its own drives it until the client is dropped.
pub(super) async fn connect(config: &Config) -> anyhow::Result<Client> {
    let connected = config.connect(NoTls).await;
    let (client, connection) = connected.context("the database does not take a connection")?;
    tokio::spawn(connection);
    Ok(client)
}

async fn try_once(config: &Config) -> Result<(), tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    client.simple_query("SELECT 1").await?;
    Ok(())
}

fn explain(error: &tokio_postgres::Error, config: &Config, origin: &str) -> anyhow::Error {
    let place = place(config);
    let reason = innermost(error);
    match error.code() {
        Some(&SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION) => {
            anyhow!("{place} refuses the user ({reason}): correct user and password in {origin}")
        }
        Some(&SqlState::INVALID_CATALOG_NAME) => {
            anyhow!("{place} lacks the database ({reason}): create it or correct {origin}")
        }
        Some(_) => anyhow!("{place} refuses to serve: {reason}"),
        None if error.to_string().contains("password missing") => {
            anyhow!("{place} wants a password: add one to {origin}")
        }
        None => unanswered(&place, &reason, origin),
    }
}

fn unanswered(place: &str, reason: &str, origin: &str) -> anyhow::Error {
    anyhow!(
        "no PostgreSQL answers at {place} ({reason}): start it, correct {origin}, or use --database embedded"
    )
}

/// Returns the servers that the address names, without user and password.
fn place(config: &Config) -> String {
    let ports = config.get_ports();
    let places: Vec<String> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(index, host)| {
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
            match host {
                Host::Tcp(name) => format!("{name}:{port}"),
                Host::Unix(folder) => folder.display().to_string(),
            }
        })
        .collect();
    if places.is_empty() { "an address without a host".to_owned() } else { places.join(", ") }
}

fn innermost(error: &tokio_postgres::Error) -> String {
    let mut error: &dyn Error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
