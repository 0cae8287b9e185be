//! Runs the demo: starts its parts, serves requests, and shuts it down.
//!
//! The order matters at both ends. The address is bound first, so that a port in use is
//! reported before a database starts; the database is closed last, after the drain.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use node0::alerts::{AlertingBuilder, Alerts};
use node0::notifier::{Notifier, NotifierBuilder, Target};
use node0::postgres::PostgresCheck;
use node0::{
    Exporter, LivePage, MonitoredPool, Monitoring, MonitoringBuilder, NativeHistograms,
    ReadinessStatus, Shutdown, Traces, postgres, serve,
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_postgres::NoTls;

use crate::access::Access;
use crate::app::{App, ChaosRoutes};
use crate::cache::{OrderCache, SecondTier};
use crate::chaos::Chaos;
use crate::database::{Database, DatabaseSettings};
use crate::descriptors;
use crate::flags::{Flags, Switch};
use crate::index::IndexPage;
use crate::load::Load;
use crate::log::{Log, Seldom};
use crate::orders::{Orders, POOL_WAIT};
use crate::payments::{PaymentService, Payments};
use crate::signals::{Hangup, StopSignals};

/// The connections of users beside the streams, for which the demo raises its limits if it may.
const OTHER_CONNECTIONS: usize = 256;
/// The most connections to the database.
const POOL_SIZE: usize = 10;
/// The longest time that opening or checking a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Runs the demo until a signal stops it.
///
/// # Errors
/// Returns one line for people when the demo cannot start.
pub async fn run(
    flags: Flags,
    targets: Vec<Target>,
    access: Access,
    log: &Log,
) -> anyhow::Result<()> {
    // Before anything that must be cleaned up.
    let hangup = if flags.rules.is_some() { Hangup::IsOther } else { Hangup::Stops };
    let mut signals = StopSignals::listen(hangup).context("signals cannot be waited for")?;
    let listener = node0::bind(flags.listen).await.context("--listen")?;
    let is_restricted = access.is_restricted();
    let monitoring = exposed(Monitoring::builder(), &flags)
        .http(|http| access.apply_to(http))
        .version(env!("CARGO_PKG_VERSION"))
        .naming(flags.naming)
        .history(flags.history())
        .live_page(LivePage::at("/").title("node0 demo"))
        .streaming_max_clients(flags.stream_max_clients as usize)
        .streaming_max_clients_per_ip(flags.stream_max_clients_per_ip as usize)
        .alerting(|alerts| alerting(alerts, &flags))
        .notify(targets.into_iter().fold(Notifier::builder(), NotifierBuilder::target))
        .build();
    let monitoring = monitoring.context("monitoring cannot be set up")?;
    log.count_lost(monitoring.registry())?;
    let address = listener.local_addr().context("the address cannot be read")?;
    if !is_restricted && !address.ip().to_canonical().is_loopback() {
        tracing::warn!(
            %address,
            "everybody who reaches this address may read the metrics, the stream and the page: set \
             --auth-token-file or --allow-network, or listen on loopback (docs/exposure.md)"
        );
    }
    let parts = tokio::select! {
        parts = Parts::assemble(&monitoring, &flags) => parts?,
        () = signals.next() => return Ok(()),
    };
    let Parts { router, database, redis, bank, .. } = parts;
    monitoring.gate().serves(address);
    let shutdown = monitoring.shutdown().drain_delay(flags.drain);
    descriptors::allow(flags.stream_max_clients as usize + OTHER_CONNECTIONS);
    let server = serve(listener, router).record(&monitoring.layer()).shutdown(&shutdown);
    let server = server.connect_info();
    let server = tokio::spawn(server.metrics(monitoring.registry())?.run());
    tokio::spawn(stop_on_signals(signals, shutdown.clone()));
    if let Some(rules) = flags.rules {
        tokio::spawn(reload_on_hangup(monitoring.alerts().clone(), rules));
    }

    let parts = format!("database={} redis={redis}", database.source());
    let load = announce_and_load(monitoring.clone(), parts, address, flags.load);
    let load = tokio::spawn(load);
    server.await.context("the server panicked")?;
    load.abort();
    drop(bank);
    monitoring.stop();
    database.close().await;
    Ok(())
}

/// Switches on what scrapers may get beyond the names and numbers.
fn exposed(mut monitoring: MonitoringBuilder, flags: &Flags) -> MonitoringBuilder {
    if flags.native_histograms == Switch::On {
        let native = Exporter::builder().native_histograms(NativeHistograms::new());
        monitoring = monitoring.exposition(native);
    }
    if flags.traceparent == Switch::On {
        monitoring = monitoring.traces(Traces::traceparent());
    }
    monitoring
}

/// Shortens the waits of the rules, and reads the rules file.
fn alerting(alerts: AlertingBuilder, flags: &Flags) -> AlertingBuilder {
    let alerts = alerts.longest_wait(flags.alert_for);
    match &flags.rules {
        Some(rules) => alerts.rules_file(rules),
        None => alerts,
    }
}

/// Reads the rules file again at each SIGHUP; after a mistake the rules before stay.
async fn reload_on_hangup(alerts: Alerts, rules: PathBuf) {
    let mut hangups = match signal(SignalKind::hangup()) {
        Ok(hangups) => hangups,
        Err(error) => return tracing::warn!(%error, "SIGHUP cannot be waited for"),
    };
    while hangups.recv().await.is_some() {
        let (alerts, rules) = (alerts.clone(), rules.clone());
        let reloaded = tokio::task::spawn_blocking(move || alerts.reload_file(&rules)).await;
        match reloaded {
            Ok(Ok(())) => tracing::info!("the alert rules are read anew"),
            Ok(Err(error)) => {
                let error = anyhow::Error::from(error);
                tracing::warn!("the alert rules stay as they are: {error:#}");
            }
            Err(error) => tracing::warn!(%error, "the alert rules stay as they are"),
        }
    }
}

/// The parts of the demo, connected but not yet served.
#[derive(Debug)]
pub struct Parts {
    /// The demo's endpoints with node0's, not yet watched.
    pub router: Router,
    /// The database of the orders.
    pub database: Database,
    /// The pool of connections to the database.
    pub pool: MonitoredPool<Manager>,
    /// The second cache tier as the ready line prints it.
    pub redis: &'static str,
    /// The service that takes the payments; dropping it ends it.
    pub bank: PaymentService,
}

impl Parts {
    /// Opens the database and the cache, and connects everything that answers requests.
    ///
    /// # Errors
    /// Returns one line for people when a part cannot start.
    pub async fn assemble(monitoring: &Monitoring, flags: &Flags) -> anyhow::Result<Self> {
        let settings = DatabaseSettings {
            choice: flags.database.clone(),
            env_url: flags.database_url.clone(),
            postgres_bin_dirs: flags.postgres_bin.clone().map(|folder| vec![folder]),
            statement_limit: None,
        };
        let database = Database::open(settings).await?;
        let pool = watched_pool(monitoring, &database)?;

        let chaos = Chaos::new(POOL_SIZE);
        let clock = monitoring.registry().clock().clone();
        let (caches, pools) = (monitoring.cache(), monitoring.database());
        let url = flags.redis_url.as_deref();
        let second = SecondTier::open(&flags.redis, url, caches, pools, &clock).await?;
        let redis = second.source();
        let cache = OrderCache::new(caches, second, chaos.clone())?;
        let bank = PaymentService::start(chaos.clone()).await?;
        let payments = Payments::new(monitoring.breakers(), bank.address())?;
        let performance = monitoring.performance();
        let registry = monitoring.registry();
        let orders =
            Orders::new(pool.clone(), cache, payments, chaos.clone(), registry, performance)?;
        let shown = if flags.has_chaos() { ChaosRoutes::Shown } else { ChaosRoutes::Hidden };
        let endpoints = monitoring.routes_with(|routes| routes.surface(IndexPage::new(shown)))?;
        let failures = Seldom::new(&clock);
        let app = App { orders, chaos, pool: pool.clone(), failures };
        let router = app.router(shown, monitoring.gate()).merge(endpoints);
        Ok(Self { router, database, pool, redis, bank })
    }
}

/// Builds the monitored database pool, and registers a readiness check for the database.
fn watched_pool(
    monitoring: &Monitoring,
    database: &Database,
) -> anyhow::Result<MonitoredPool<Manager>> {
    let recycling_method = RecyclingMethod::Fast;
    let manager = postgres::manager(database.config(), NoTls, ManagerConfig { recycling_method });
    let builder = Pool::builder(manager)
        .max_size(POOL_SIZE)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(POOL_WAIT))
        .create_timeout(Some(CONNECT_TIMEOUT))
        .recycle_timeout(Some(CONNECT_TIMEOUT));
    let monitor = monitoring.database();
    monitor.require(PostgresCheck::new("database", database.config(), NoTls));
    Ok(monitor.build("main", builder)?)
}

/// Begins the drain on the first signal, and aborts it on the second.
async fn stop_on_signals(mut signals: StopSignals, shutdown: Shutdown) {
    signals.next().await;
    // First of all: nothing that is said may stand in its way.
    shutdown.begin();
    tracing::info!("stopping: requests are served through the drain");
    signals.next().await;
    shutdown.abort();
}

/// Prints the demo's address as soon as it is ready, then sends it requests.
async fn announce_and_load(
    monitoring: Monitoring,
    parts: String,
    address: std::net::SocketAddr,
    per_second: u32,
) {
    let readiness = monitoring.readiness();
    let mut look = tokio::time::interval(Duration::from_millis(20));
    while readiness.status() != ReadinessStatus::Ready {
        look.tick().await;
    }
    let pid = std::process::id();
    let line = format!("node0-demo ready url=http://{address} {parts} pid={pid}");
    // Stdout may be closed; the demo runs all the same.
    let _ = writeln!(std::io::stdout(), "{line}");
    Load::new(address).run(per_second).await;
}
