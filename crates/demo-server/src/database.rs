//! The database of the demo's orders.
//!
//! The demo must run on a fresh machine after one command, and should use a real
//! database where there is one. So there are three sources: a server that the user
//! names, a throw-away Postgres from binaries on this machine, and an embedded server
//! that speaks the Postgres protocol over SQLite. The rest of the demo gets a
//! `tokio_postgres::Config` and cannot tell them apart.
//!
//! If the user names a source and it cannot be opened, the demo fails. Only the default,
//! [`DatabaseChoice::Auto`], tries the next source, and logs that it does.

mod embedded;
mod local;
mod remote;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use node0_local_postgres::{LocalPostgres, StartError};
use tokio_postgres::Config;

pub use embedded::EmbeddedPostgres;

/// Creates the demo's only table; `items` is JSON text, money and time are whole numbers.
///
/// The name begins with `demo_`, because `DATABASE_URL` may name a database in use.
const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS demo_orders (
    id text PRIMARY KEY,
    customer text NOT NULL,
    items text NOT NULL,
    total_cents bigint NOT NULL,
    created_ms bigint NOT NULL
)";

/// The longest time that a statement takes on a server that the demo started.
pub const STATEMENT_LIMIT: Duration = Duration::from_secs(5);

/// The database that the user asked for on the command line.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum DatabaseChoice {
    /// The server at `DATABASE_URL` if that is set, else one from binaries of this machine,
    /// else the embedded server.
    #[default]
    Auto,
    /// A throw-away Postgres from binaries of this machine.
    Local,
    /// The embedded server in this process.
    Embedded,
    /// The server at this address.
    Url(String),
}

impl FromStr for DatabaseChoice {
    type Err = ParseDatabaseChoiceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "local" => Ok(Self::Local),
            "embedded" => Ok(Self::Embedded),
            url if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                Ok(Self::Url(url.to_owned()))
            }
            _ => Err(ParseDatabaseChoiceError),
        }
    }
}

/// Leaves out the address, because it may hold a password.
impl fmt::Debug for DatabaseChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "Auto",
            Self::Local => "Local",
            Self::Embedded => "Embedded",
            Self::Url(_) => "Url(..)",
        })
    }
}

/// A word that is not the name of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected auto, local, embedded or postgres://user:password@host:5432/name")]
pub struct ParseDatabaseChoiceError;

/// Settings of [`Database::open`]; every combination is legal.
#[derive(Clone, Default)]
pub struct DatabaseSettings {
    /// The database that the user asked for.
    pub choice: DatabaseChoice,
    /// The value of `DATABASE_URL`; empty counts as not set.
    pub env_url: Option<String>,
    /// The only folders to search for Postgres; `None` searches the usual ones.
    pub postgres_bin_dirs: Option<Vec<PathBuf>>,
    /// The longest time that a statement takes on a server that the demo started; `None` is
    /// [`STATEMENT_LIMIT`].
    pub statement_limit: Option<Duration>,
}

impl fmt::Debug for DatabaseSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseSettings")
            .field("choice", &self.choice)
            .field("has_env_url", &self.env_url.is_some())
            .field("postgres_bin_dirs", &self.postgres_bin_dirs)
            .field("statement_limit", &self.statement_limit)
            .finish()
    }
}

/// The source of an open database, as the ready line prints it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A server that the user named: `postgres`.
    Postgres,
    /// A throw-away Postgres on this machine: `local`.
    Local,
    /// The server in this process: `embedded`.
    Embedded,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postgres => "postgres",
            Self::Local => "local",
            Self::Embedded => "embedded",
        })
    }
}

/// An open database with the demo's schema, and its server if the demo started it.
#[derive(Debug)]
pub struct Database {
    config: Config,
    server: Server,
}

#[derive(Debug)]
enum Server {
    Remote,
    Local(LocalPostgres),
    Embedded(EmbeddedPostgres),
}

impl Database {
    /// Opens the chosen database and creates the table `demo_orders` if it is missing.
    ///
    /// # Errors
    ///
    /// Returns one line that names the remedy and never contains a password.
    pub async fn open(settings: DatabaseSettings) -> anyhow::Result<Database> {
        let DatabaseSettings { choice, env_url, postgres_bin_dirs, statement_limit } = settings;
        let limit = statement_limit.unwrap_or(STATEMENT_LIMIT);
        let database = match choice {
            DatabaseChoice::Url(url) => Self::remote(&url, "--database").await?,
            DatabaseChoice::Local => {
                let started = local::start(postgres_bin_dirs).await?;
                Self::local(started.context("--database local")?, limit)?
            }
            DatabaseChoice::Embedded => Self::embedded(limit).await?,
            DatabaseChoice::Auto => match env_url.filter(|url| !url.is_empty()) {
                Some(url) => Self::remote(&url, "DATABASE_URL").await?,
                None => Self::on_this_machine(postgres_bin_dirs, limit).await?,
            },
        };
        database.create_schema().await?;
        Ok(database)
    }

    /// Returns the configuration with which a pool or a client connects to the database.
    pub fn config(&self) -> Config {
        self.config.clone()
    }

    /// Returns the source of the database.
    pub fn source(&self) -> Source {
        match self.server {
            Server::Remote => Source::Postgres,
            Server::Local(_) => Source::Local,
            Server::Embedded(_) => Source::Embedded,
        }
    }

    /// Stops the server and removes its files, if [`open`](Self::open) started it.
    ///
    /// Dropping does the same, but blocks the thread while a local server shuts down.
    pub async fn close(self) {
        match self.server {
            Server::Remote => {}
            Server::Local(server) => local::stop(server).await,
            Server::Embedded(server) => server.close().await,
        }
    }

    async fn remote(url: &str, origin: &str) -> anyhow::Result<Database> {
        let config = remote::checked_config(url, origin).await?;
        Ok(Database { config, server: Server::Remote })
    }

    fn local(server: LocalPostgres, limit: Duration) -> anyhow::Result<Database> {
        Ok(Database { config: local::config(&server, limit)?, server: Server::Local(server) })
    }

    async fn embedded(limit: Duration) -> anyhow::Result<Database> {
        let server = EmbeddedPostgres::start(limit).await?;
        Ok(Database { config: server.config(), server: Server::Embedded(server) })
    }

    async fn on_this_machine(
        bin_dirs: Option<Vec<PathBuf>>,
        limit: Duration,
    ) -> anyhow::Result<Database> {
        match local::start(bin_dirs).await? {
            Ok(server) => return Self::local(server, limit),
            // The embedded server needs a temporary folder as well, so it would fail too.
            Err(
                error @ (StartError::TemporaryFolder { .. } | StartError::SocketPathTooLong { .. }),
            ) => return Err(error.into()),
            Err(StartError::BinariesNotFound { .. }) => {
                tracing::info!("no PostgreSQL on this machine: taking the embedded database");
            }
            Err(error) => {
                tracing::warn!(%error, "local PostgreSQL did not start: taking the embedded database");
            }
        }
        Self::embedded(limit).await
    }

    async fn create_schema(&self) -> anyhow::Result<()> {
        let client = remote::connect(&self.config).await?;
        client
            .batch_execute(SCHEMA)
            .await
            .context("table demo_orders cannot be created: let the user create tables")?;
        Ok(())
    }
}
