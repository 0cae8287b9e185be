//! Pools of bb8's on a real Postgres: counts against the callers' own, levels against the server's.

use std::sync::Arc;
use std::time::Duration;

use bb8::{Pool, RunError};
use bb8_postgres::PostgresConnectionManager;
use deadpool_postgres::tokio_postgres::{Config, Error, NoTls};
use node0_db_pool_monitor::bb8::MonitoredPool;
use testbed::tools;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::bench::sum_millis;
use crate::deadpool::cancellations::Random;
use crate::deadpool::postgres_server::{Watch, config, observer, run, start, until_sessions};
use crate::ledger::{End, Ledger};

type Manager = PostgresConnectionManager<NoTls>;

/// A pool of this size, watched as `main`.
fn pool_of(size: u32, config: Config, watch: &Watch) -> MonitoredPool<Manager> {
    // The first connection is made within it too, on a busy machine.
    let patience = Duration::from_secs(if size == 1 { 2 } else { 20 });
    let pool = Pool::builder().max_size(size).connection_timeout(patience).retry_connection(false);
    let pool = pool.build_unchecked(Manager::new(config, NoTls));
    watch.monitor.attach_bb8("main", &pool).unwrap()
}

fn ended(error: &RunError<Error>) -> End {
    match error {
        RunError::TimedOut => End::TimedOut,
        RunError::User(_) => End::Failed,
    }
}

#[test]
fn ten_callers_of_a_pool_of_two_wait_and_hold_as_long_as_their_own_clocks_say() {
    let server = start(&testbed::require!(tools::postgres()));
    run(async {
        let mut watch = Watch::new();
        let pool = pool_of(2, config(&server, "queue"), &watch);
        let ledger = Arc::new(Ledger::default());
        let mut callers = JoinSet::new();
        for _ in 0..10 {
            let (pool, ledger) = (pool.clone(), ledger.clone());
            callers.spawn(async move {
                let connection = ledger.get(pool.get_owned(), ended).await.unwrap();
                let since = Instant::now();
                connection.simple_query("SELECT pg_sleep(0.2)").await.unwrap();
                ledger.held(since);
            });
        }
        callers.join_all().await;
        let sample = watch.look();
        let sum =
            |name| Duration::from_secs_f64(sum_millis(&sample, name, &[("pool", "main")]) / 1e3);
        let names = ["db_client_wait_duration_seconds", "db_client_use_duration_seconds"];
        ledger.check_times(names.map(sum));
        let metrics = watch.monitor.totals(&sample);
        ledger.check(&metrics);
        assert_eq!(metrics.tracked.unwrap().peak_active_connections, 2);
    });
}

#[test]
fn timeouts_and_failures_are_told_apart() {
    let mut server = start(&testbed::require!(tools::postgres()));
    run(async {
        let mut watch = Watch::new();
        let ledger = Ledger::default();
        let pool = pool_of(1, config(&server, "refused"), &watch);
        let held = ledger.get(pool.get(), ended).await.unwrap();
        assert!(ledger.get(pool.get(), ended).await.is_none());
        drop(held);
        tokio::task::block_in_place(|| server.stop());
        for _ in 0..3 {
            assert!(ledger.get(pool.get(), ended).await.is_none());
        }
        let sample = watch.look();
        ledger.check(&watch.monitor.totals(&sample));
        assert!(ledger.count(End::TimedOut) >= 1);
    });
}

#[test]
fn two_thousand_random_cancellations_leave_nobody_behind() {
    let server = start(&testbed::require!(tools::postgres()));
    run(async {
        let mut watch = Watch::new();
        let pool = pool_of(3, config(&server, "cancelled"), &watch);
        let ledger = Arc::new(Ledger::default());
        let mut callers = JoinSet::new();
        for seed in 0..10 {
            let (pool, ledger) = (pool.clone(), ledger.clone());
            callers.spawn(async move {
                let mut random = Random(seed);
                for _ in 0..200 {
                    let get = ledger.get_or_give_up(pool.get(), ended, &mut random).await;
                    if let Some(connection) = get
                        && random.below(2) == 0
                    {
                        connection.simple_query("SELECT 1").await.unwrap();
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
        let sessions = u64::from(pool.state().connections);
        until_sessions(&observer, "cancelled", (sessions, 0)).await;
    });
}

#[test]
fn server_agrees_on_levels_and_a_leak_has_its_line() {
    let server = start(&testbed::require!(tools::postgres()));
    run(async {
        let mut watch = Watch::new();
        let pool = pool_of(5, config(&server, "levels"), &watch);
        let leak_after = Duration::from_millis(1);
        pool.set_thresholds(node0_db_pool_monitor::Thresholds { leak_after, ..Default::default() });
        let mut held = Vec::new();
        for _ in 0..5 {
            held.push(pool.get().await.unwrap());
        }
        held.truncate(3);
        let observer = observer(&server).await;
        until_sessions(&observer, "levels", (5, 0)).await;
        tokio::time::sleep(Duration::from_millis(2)).await;
        let sample = watch.look();
        let metrics = watch.monitor.totals(&sample);
        assert_eq!((metrics.active_connections, metrics.idle_connections), (Some(3), Some(2)));
        assert_eq!(metrics.max_connections, Some(5));
        let report = sample.report("database", Some("main")).unwrap();
        let report = serde_json::to_value(report).unwrap();
        let place = report["leaks"][0]["acquiredAt"].as_str().unwrap();
        assert!(place.contains("bb8.rs:"), "{place}");
    });
}
