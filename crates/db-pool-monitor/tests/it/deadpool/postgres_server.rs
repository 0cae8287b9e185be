//! A real server, pools on it, and what the server itself says of its sessions.

use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::PoolBuilder;
use deadpool_postgres::tokio_postgres::{Client, Config, NoTls};
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod};
use node0_db_pool_monitor::{PoolMonitor, postgres};
use node0_local_postgres::LocalPostgres;
use node0_metrics_core::{Registry, Sample, Ticker};
use testbed::tools::PostgresTool;
use tokio::time::Instant;

/// The longest time that a test waits for a real server.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn start(tool: &PostgresTool) -> LocalPostgres {
    let folders = [tool.bin_dir().to_owned()];
    LocalPostgres::builder().bin_dirs(folders).start().unwrap()
}

/// Runs a test's asynchronous part on two workers.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(test);
}

pub(crate) fn config(server: &LocalPostgres, application: &str) -> Config {
    let mut config: Config = server.url().parse().unwrap();
    config.application_name(application);
    config
}

/// A builder of pools whose connects are timed and whose connections are checked.
pub(crate) fn pool_of(max_size: usize, config: Config) -> PoolBuilder<Manager, Object> {
    let checked = ManagerConfig { recycling_method: RecyclingMethod::Verified };
    Pool::builder(postgres::manager(config, NoTls, checked))
        .max_size(max_size)
        .runtime(Runtime::Tokio1)
}

/// A registry on real time that ticks when it is looked at.
pub(crate) struct Watch {
    pub(crate) registry: Registry,
    pub(crate) monitor: PoolMonitor,
    ticker: Ticker,
}

impl Watch {
    pub(crate) fn new() -> Self {
        let registry = Registry::new();
        Self {
            monitor: PoolMonitor::register(&registry).unwrap(),
            ticker: registry.ticker().unwrap(),
            registry,
        }
    }

    pub(crate) fn look(&mut self) -> std::sync::Arc<Sample> {
        self.ticker.tick().sample
    }

    /// Looks until a condition holds.
    pub(crate) async fn until(
        &mut self,
        what: &str,
        holds: impl Fn(&PoolMonitor, &Sample) -> bool,
    ) {
        let end = Instant::now() + PATIENCE;
        loop {
            let sample = self.look();
            if holds(&self.monitor, &sample) {
                return;
            }
            assert!(Instant::now() < end, "never {what}: {:#?}", self.monitor.totals(&sample));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// A session beside the pools, to ask the server about theirs.
pub(crate) async fn observer(server: &LocalPostgres) -> Client {
    let config = config(server, "observer");
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// The server's own count of an application's sessions: all, and those that run a statement.
async fn sessions(observer: &Client, application: &str) -> (u64, u64) {
    let row = observer
        .query_one(
            "SELECT count(*), count(*) FILTER (WHERE state = 'active') \
             FROM pg_stat_activity WHERE application_name = $1",
            &[&application],
        )
        .await
        .unwrap();
    let count = |column| u64::try_from(row.get::<_, i64>(column)).unwrap();
    (count(0), count(1))
}

/// Waits until the server counts as many sessions; backends end a moment after their socket.
pub(crate) async fn until_sessions(observer: &Client, application: &str, expected: (u64, u64)) {
    let end = Instant::now() + PATIENCE;
    loop {
        let found = sessions(observer, application).await;
        if found == expected {
            return;
        }
        assert!(Instant::now() < end, "{found:?} sessions instead of {expected:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
