//! The adapter for deadpool-postgres: timed connects, and a readiness check.
//!
//! The check never takes a pooled connection. A probe that waits in the pool's queue fails when
//! the service is merely busy, and removes the instance from the load balancer when it is needed
//! most. The check keeps one connection open: it costs the database one session and no connects.
//!
//! ```no_run
//! use node0_db_pool_monitor::{PoolMonitor, postgres};
//! use deadpool_postgres::tokio_postgres::{Config, NoTls};
//! use deadpool_postgres::{ManagerConfig, Pool};
//! use node0_metrics_core::Registry;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let config: Config = "postgres://app@db.example/orders".parse()?;
//! let manager = postgres::manager(config.clone(), NoTls, ManagerConfig::default());
//!
//! let monitor = PoolMonitor::register(&Registry::new())?;
//! let pool = monitor.build("main", Pool::builder(manager).max_size(16))?;
//! monitor.require(postgres::PostgresCheck::new("database", config, NoTls));
//!
//! let rows = pool.get().await?.query("SELECT 1", &[]).await?;
//! assert_eq!(rows.len(), 1);
//! # Ok(())
//! # }
//! ```

use std::error::Error as _;
use std::fmt;
use std::io;
use std::pin::Pin;

use deadpool_postgres::tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use deadpool_postgres::tokio_postgres::{Client, Config, Error, Socket};
use deadpool_postgres::{ClientWrapper, ConfigConnectImpl, Connect, Manager, ManagerConfig};
use node0_metrics_core::{NotReady, ReadinessCheck};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::deadpool::mark_connecting;

type Connecting<'a> =
    Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + 'a>>;

/// A manager whose connects are timed, for [`PoolMonitor::build`](crate::PoolMonitor::build).
///
/// Apart from that it equals [`Manager::from_config`]. For a [`Connect`] of your own use
/// [`Manager::from_connect`] with [`TimedConnect`].
pub fn manager<T>(pg_config: Config, tls: T, config: ManagerConfig) -> Manager
where
    T: MakeTlsConnect<Socket, Stream: Send + Sync> + Clone + Send + Sync + 'static,
    T::TlsConnect: TlsConnect<Socket, Future: Send> + Send + Sync,
{
    Manager::from_connect(pg_config, TimedConnect(ConfigConnectImpl { tls }), config)
}

/// Marks the start of the connect phase in the monitored wait, and connects.
#[derive(Clone, Copy, Debug)]
pub struct TimedConnect<C>(
    /// The connect that is timed.
    pub C,
);

impl<C: Connect> Connect for TimedConnect<C> {
    fn connect(&self, pg_config: &Config) -> Connecting<'_> {
        mark_connecting();
        self.0.connect(pg_config)
    }
}

/// A readiness check that asks the database `SELECT 1` on a connection of its own.
///
/// The connection stays open between checks, and is replaced when it is broken. There is never
/// more than one: a check that is dropped, such as after its caller's timeout, closes its
/// connection, since the late answer may still arrive there.
pub struct PostgresCheck {
    name: String,
    config: Config,
    connect: Box<dyn Connect>,
    /// Its drop ends the connection's task, which could otherwise wait for an answer forever.
    session: Mutex<Option<ClientWrapper>>,
}

impl PostgresCheck {
    /// Creates a check that is shown under `name`; it connects when it is first asked.
    ///
    /// The database lists its session as `node0-readiness`, unless the configuration has an
    /// application name.
    pub fn new<T>(name: impl Into<String>, mut config: Config, tls: T) -> Self
    where
        T: MakeTlsConnect<Socket, Stream: Send + Sync> + Clone + Send + Sync + 'static,
        T::TlsConnect: TlsConnect<Socket, Future: Send> + Send + Sync,
    {
        if config.get_application_name().is_none() {
            config.application_name("node0-readiness");
        }
        Self {
            name: name.into(),
            config,
            connect: Box::new(ConfigConnectImpl { tls }),
            session: Mutex::new(None),
        }
    }

    async fn ask(&self) -> Result<(), NotReady> {
        // Locked during the question: a second caller waits instead of opening another session.
        let mut kept = self.session.lock().await;
        // Taken out, so that dropping this future drops the session too.
        if let Some(session) = kept.take()
            && ask(&session).await.is_ok()
        {
            *kept = Some(session);
            return Ok(());
        }
        // The kept session may have broken in a restart that is over, so a new one is tried.
        let connected = self.connect.connect(&self.config).await;
        let (client, task) = connected.map_err(|error| not_ready("no connection", &error))?;
        let session = ClientWrapper::new(client, task);
        let answer = ask(&session).await;
        answer.map_err(|error| not_ready("no answer", &error))?;
        *kept = Some(session);
        Ok(())
    }
}

impl ReadinessCheck for PostgresCheck {
    fn name(&self) -> &str {
        &self.name
    }

    fn check(&self) -> Pin<Box<dyn Future<Output = Result<(), NotReady>> + Send + '_>> {
        Box::pin(self.ask())
    }
}

impl fmt::Debug for PostgresCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresCheck").field("name", &self.name).finish_non_exhaustive()
    }
}

async fn ask(session: &ClientWrapper) -> Result<(), Error> {
    session.simple_query("SELECT 1").await.map(drop)
}

/// Names the kind of failure without its details, since anybody may be able to ask the probe.
fn not_ready(what: &str, error: &Error) -> NotReady {
    let kind = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    let why = match (error.code(), kind) {
        (Some(code), _) => format!("SQLSTATE {}", code.code()),
        (None, Some(io)) => kind_of(io),
        (None, None) => "the connection broke".to_owned(),
    };
    NotReady::new(format!("{what}: {why}"))
}

/// Names the kind of an I/O error; those to which the standard library gives no kind of their own by
/// their message or number.
fn kind_of(error: &io::Error) -> String {
    let message = error.to_string();
    if message.starts_with("failed to lookup address") {
        return "the name of its host has no address".to_owned();
    }
    match (error.kind().to_string(), error.raw_os_error()) {
        (kind, None) if kind == "uncategorized error" => "the connection broke".to_owned(),
        (kind, Some(number)) if kind == "uncategorized error" => format!("system error {number}"),
        (kind, _) => kind,
    }
}
