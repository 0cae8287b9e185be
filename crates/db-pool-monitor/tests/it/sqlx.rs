//! Pools of sqlx's on a real Postgres: counts against the callers' own, levels against the server's.

use std::sync::Arc;
use std::time::Duration;

use node0_db_pool_monitor::sqlx::MonitoredPool;
use node0_db_pool_monitor::{AttachError, Thresholds};
use node0_local_postgres::LocalPostgres;
use node0_metrics_core::InstanceError;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Error, Executor, Postgres, Transaction};
use testbed::tools;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::bench::{Bench, check_outcomes, number, sum_millis};
use crate::deadpool::cancellations::Random;
use crate::deadpool::postgres_server::{Watch, observer, run, start, until_sessions};
use crate::ledger::{End, Ledger};

type Monitored = MonitoredPool<Postgres>;

fn options(server: &LocalPostgres, application: &str) -> PgConnectOptions {
    let options: PgConnectOptions = server.url().parse().unwrap();
    options.application_name(application)
}

/// A pool of this size on the server, watched as `main`.
fn pool_of(size: u32, server: &LocalPostgres, application: &str, watch: &Watch) -> Monitored {
    // The first connection is made within it too, on a busy machine.
    let patience = Duration::from_secs(if size == 1 { 2 } else { 20 });
    let pool = PgPoolOptions::new().max_connections(size).acquire_timeout(patience);
    let pool = pool.connect_lazy_with(options(server, application));
    watch.monitor.attach_sqlx("main", &pool).unwrap()
}

fn ended(error: &Error) -> End {
    match error {
        Error::PoolTimedOut => End::TimedOut,
        _ => End::Failed,
    }
}

#[test]
fn ten_callers_of_a_pool_of_two_wait_and_hold_as_long_as_their_own_clocks_say() {
    let server = start(&testbed::require!(tools::postgres()));
    run(async {
        let mut watch = Watch::new();
        let pool = pool_of(2, &server, "queue", &watch);
        let ledger = Arc::new(Ledger::default());
        let mut callers = JoinSet::new();
        for _ in 0..10 {
            let (pool, ledger) = (pool.clone(), ledger.clone());
            callers.spawn(async move {
                let mut connection = ledger.get(pool.acquire(), ended).await.unwrap();
                let since = Instant::now();
                sqlx::query("SELECT pg_sleep(0.2)").execute(&mut *connection).await.unwrap();
                ledger.held(since);
            });
        }
        let used = |count| move |levels| levels == Some(count);
        let is_used = used(2);
        watch
            .until("two used", |monitor, sample| is_used(monitor.totals(sample).active_connections))
            .await;
        callers.join_all().await;
        let sample = watch.look();
        let metrics = watch.monitor.totals(&sample);
        let sum =
            |name| Duration::from_secs_f64(sum_millis(&sample, name, &[("pool", "main")]) / 1e3);
        let names = ["db_client_wait_duration_seconds", "db_client_use_duration_seconds"];
        ledger.check_times(names.map(sum));
        watch
            .until("returned", |monitor, sample| {
                monitor.totals(sample).active_connections == Some(0)
            })
            .await;
        let sample = watch.look();
        ledger.check(&watch.monitor.totals(&sample));
        assert_eq!(metrics.tracked.unwrap().peak_active_connections, 2);
    });
}

#[test]
fn timeouts_and_failures_are_told_apart() {
    let server = start(&testbed::require!(tools::postgres()));
    run(async {
        let mut watch = Watch::new();
        let ledger = Ledger::default();
        let pool = pool_of(1, &server, "refused", &watch);
        let held = ledger.get(pool.acquire(), ended).await.unwrap();
        assert!(ledger.get(pool.acquire(), ended).await.is_none());
        assert!(
            ledger
                .get(async { pool.try_acquire().ok_or(Error::PoolTimedOut) }, ended)
                .await
                .is_none()
        );
        drop(held);
        let other = options(&server, "refused").database("no_such_database");
        let other = PgPoolOptions::new().connect_lazy_with(other);
        let other = watch.monitor.attach_sqlx("other", &other).unwrap();
        for _ in 0..3 {
            assert!(matches!(other.acquire().await, Err(Error::Database(_))));
        }
        watch
            .until("returned", |monitor, sample| {
                monitor.totals(sample).active_connections == Some(0)
            })
            .await;
        let sample = watch.look();
        ledger.check(&watch.monitor.metrics(&sample, "main").unwrap());
        assert_eq!(ledger.count(End::TimedOut), 2);
        let other = watch.monitor.metrics(&sample, "other").unwrap();
        assert_eq!((other.connection_errors, other.acquired), (3, 0));
    });
}

#[test]
fn two_thousand_random_cancellations_leave_nobody_behind() {
    let server = start(&testbed::require!(tools::postgres()));
    run(async {
        let mut watch = Watch::new();
        let pool = pool_of(3, &server, "cancelled", &watch);
        let ledger = Arc::new(Ledger::default());
        let mut callers = JoinSet::new();
        for seed in 0..10 {
            let (pool, ledger) = (pool.clone(), ledger.clone());
            callers.spawn(async move {
                let mut random = Random(seed);
                for _ in 0..200 {
                    let get = ledger.get_or_give_up(pool.acquire(), ended, &mut random).await;
                    if let Some(mut connection) = get
                        && random.below(2) == 0
                    {
                        sqlx::query("SELECT 1").execute(&mut *connection).await.unwrap();
                    }
                }
            });
        }
        callers.join_all().await;
        watch
            .until("returned", |monitor, sample| {
                monitor.totals(sample).active_connections == Some(0)
            })
            .await;
        let sample = watch.look();
        let metrics = watch.monitor.totals(&sample);
        ledger.check(&metrics);
        assert!(metrics.cancelled > 100 && metrics.acquired > 100, "{metrics:#?}");
        let observer = observer(&server).await;
        until_sessions(&observer, "cancelled", (u64::from(pool.size()), 0)).await;
    });
}

#[test]
fn server_agrees_on_levels_and_a_leak_has_its_line() {
    let server = start(&testbed::require!(tools::postgres()));
    run(async {
        let mut watch = Watch::new();
        let pool = pool_of(5, &server, "levels", &watch);
        let leak_after = Duration::from_millis(1);
        pool.set_thresholds(Thresholds { leak_after, ..Thresholds::default() });
        let mut held = Vec::new();
        for _ in 0..5 {
            held.push(pool.acquire().await.unwrap());
        }
        held.truncate(3);
        let observer = observer(&server).await;
        until_sessions(&observer, "levels", (5, 0)).await;
        watch
            .until("two idle", |monitor, sample| monitor.totals(sample).idle_connections == Some(2))
            .await;
        let sample = watch.look();
        let metrics = watch.monitor.totals(&sample);
        assert_eq!((metrics.active_connections, metrics.max_connections), (Some(3), Some(5)));
        let report = sample.report("database", Some("main")).unwrap();
        let report = serde_json::to_value(report).unwrap();
        let place = report["leaks"][0]["acquiredAt"].as_str().unwrap();
        assert!(place.contains("sqlx.rs:"), "{place}");
        drop(held);
    });
}

/// A function of a service's own that takes sqlx's type.
async fn insert(transaction: &mut Transaction<'static, Postgres>) -> Result<u64, Error> {
    let insert = "INSERT INTO orders VALUES (1)";
    Ok(sqlx::query(insert).execute(&mut **transaction).await?.rows_affected())
}

#[test]
fn call_sites_stay_as_they_are_and_each_counts_once() {
    let server = start(&testbed::require!(tools::postgres()));
    run(async {
        let mut watch = Watch::new();
        let pool = pool_of(2, &server, "calls", &watch);
        let uses = |watch: &mut Watch| {
            number(&watch.look(), "db_client_use_duration_seconds", &[("pool", "main")])
        };
        let create = "CREATE TABLE orders (id BIGINT)";
        sqlx::query(create).execute(&pool).await.unwrap();
        let mut transaction = pool.begin().await.unwrap();
        assert_eq!(insert(transaction.as_mut()).await.unwrap(), 1);
        sqlx::query("INSERT INTO orders VALUES (2)").execute(&mut *transaction).await.unwrap();
        assert_eq!(uses(&mut watch), 1.0, "the transaction goes on");
        transaction.commit().await.unwrap();
        drop(pool.begin().await.unwrap());
        let ids: Vec<i64> =
            sqlx::query_scalar("SELECT id FROM orders ORDER BY id").fetch_all(&pool).await.unwrap();
        assert_eq!(ids, [1, 2]);
        let one: Option<(i64,)> = sqlx::query_as("SELECT id FROM orders WHERE id = 9")
            .fetch_optional(&pool)
            .await
            .unwrap();
        assert_eq!(one, None);
        let wrong = sqlx::query("SELECT nothing").execute(&pool).await;
        assert!(matches!(wrong, Err(Error::Database(_))), "{wrong:?}");
        (&pool).execute("SELECT 1").await.unwrap();
        let mut connection = pool.acquire().await.unwrap();
        connection.execute("SELECT 1").await.unwrap();
        drop(connection);
        assert_eq!(uses(&mut watch), 8.0);
        watch
            .until("returned", |monitor, sample| {
                monitor.totals(sample).active_connections == Some(0)
            })
            .await;
        check_outcomes(&watch.look(), [8, 0, 0, 0]);
    });
}

#[test]
fn a_pool_is_watched_once_until_it_is_closed() {
    run(async {
        let bench = Bench::new();
        let lazy =
            || PgPoolOptions::new().connect_lazy("postgres://nobody@127.0.0.1:1/none").unwrap();
        let pool = lazy();
        let main = bench.monitor.attach_sqlx("main", &pool).unwrap();
        let again = bench.monitor.attach_sqlx("again", &pool.clone()).unwrap_err();
        let AttachError::Instance(InstanceError::SameResource { first, .. }) = again else {
            panic!("{again:?}")
        };
        assert_eq!(first, "main");
        let _other = bench.monitor.attach_sqlx("other", &lazy()).unwrap();
        main.close().await;
        assert_eq!(bench.monitor.pools(), ["main", "other"], "until the next poll");
        let closed = bench.monitor.attach_sqlx("again", &pool).unwrap_err();
        assert!(matches!(closed, AttachError::Gone { .. }), "{closed:?}");
    });
}
