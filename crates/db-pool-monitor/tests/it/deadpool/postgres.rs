//! Pools on a real Postgres: each count against the callers' own, each level against the server's.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use deadpool::managed::{PoolError, TimeoutType};
use deadpool_postgres::{Manager, Object};
use node0_db_pool_monitor::deadpool::{MonitoredObject, MonitoredPool};
use node0_db_pool_monitor::{PoolMetrics, PoolMonitor, Thresholds, WaitPhase};
use node0_metrics_core::{Sample, Status};
use testbed::tools;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::cancellations::Random;
use super::postgres_server::{Watch, config, observer, pool_of, run, start, until_sessions};

type Monitored = MonitoredPool<Manager, Object>;

/// The callers' own counts.
#[derive(Debug, Default)]
struct Own {
    attempts: AtomicU64,
    acquired: AtomicU64,
    timed_out: AtomicU64,
    failed: AtomicU64,
    cancelled: AtomicU64,
}

impl Own {
    fn add(&self, counter: fn(&Self) -> &AtomicU64) {
        counter(self).fetch_add(1, Ordering::Relaxed);
    }

    fn of(&self, counter: fn(&Self) -> &AtomicU64) -> u64 {
        counter(self).load(Ordering::Relaxed)
    }

    /// Asks the pool and counts what came of it.
    async fn get(&self, pool: &Monitored) -> Option<MonitoredObject<Object>> {
        self.add(|own| &own.attempts);
        let got = pool.get().await;
        self.add(match &got {
            Ok(_) => |own| &own.acquired,
            Err(PoolError::Timeout(_)) => |own| &own.timed_out,
            Err(_) => |own| &own.failed,
        });
        got.ok()
    }

    /// Holds the monitor's counts against these, exactly.
    #[track_caller]
    fn check(&self, metrics: &PoolMetrics) {
        let counted =
            [metrics.acquired, metrics.timed_out, metrics.connection_errors, metrics.cancelled];
        let own = [
            self.of(|own| &own.acquired),
            self.of(|own| &own.timed_out),
            self.of(|own| &own.failed),
            self.of(|own| &own.cancelled),
        ];
        assert_eq!(counted, own);
        assert_eq!(counted.iter().sum::<u64>(), self.of(|own| &own.attempts));
        let levels =
            (metrics.active_connections, metrics.waiting_clients, metrics.connecting_clients);
        assert_eq!(levels, (Some(0), Some(0), Some(0)));
        assert_eq!(metrics.tracked.as_ref().unwrap().oldest_wait, None);
    }
}

#[test]
fn ten_callers_of_a_pool_of_two_wait_as_long_as_their_own_clocks_say() {
    let server = start(&testbed::require!(tools::postgres()));
    run(async {
        let mut watch = Watch::new();
        let pool = pool_of(2, config(&server, "queue"));
        let pool = watch.monitor.build("main", pool).unwrap();
        let mut callers = JoinSet::new();
        for _ in 0..10 {
            let pool = pool.clone();
            callers.spawn(async move {
                let start = Instant::now();
                let connection = pool.get().await.unwrap();
                let waited = start.elapsed();
                connection.simple_query("SELECT pg_sleep(0.2)").await.unwrap();
                waited
            });
        }
        let queue = |metrics: &PoolMetrics| {
            (metrics.active_connections, metrics.waiting_clients) == (Some(2), Some(8))
        };
        watch.until("eight waiting", |monitor, sample| queue(&monitor.totals(sample))).await;
        let own: Duration = callers.join_all().await.iter().sum();
        let sample = watch.look();
        let metrics = watch.monitor.totals(&sample);
        let recorded = metrics.avg_wait_time.unwrap().as_secs_f64() * metrics.samples as f64;
        let ratio = recorded / own.as_secs_f64();
        assert!((0.95..1.05).contains(&ratio), "recorded {recorded} s of {own:?}");
        assert!(own > Duration::from_millis(1900), "{own:?}");
        let tracked = metrics.tracked.unwrap();
        assert_eq!((tracked.peak_active_connections, tracked.peak_waiting_clients), (2, Some(8)));
        assert_eq!(metrics.hooks.unwrap().opened_connections, 2);
    });
}

#[test]
fn timeouts_and_refusals_are_told_apart() {
    let mut server = start(&testbed::require!(tools::postgres()));
    run(async {
        let mut watch = Watch::new();
        let (own, patience) = (Own::default(), Duration::from_millis(50));
        let builder = pool_of(1, config(&server, "refused")).wait_timeout(Some(patience));
        let pool = watch.monitor.build("main", builder).unwrap();
        let held = own.get(&pool).await.unwrap();
        assert!(own.get(&pool).await.is_none());
        drop(held);
        tokio::task::block_in_place(|| server.stop());
        for _ in 0..3 {
            assert!(own.get(&pool).await.is_none());
        }
        let sample = watch.look();
        own.check(&watch.monitor.totals(&sample));
        assert_eq!((own.of(|own| &own.timed_out), own.of(|own| &own.failed)), (1, 3));
        let assessment = watch.monitor.assess(&sample, "main").unwrap();
        let codes: Vec<_> = assessment.findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, ["high_error_rate", "connect_failures", "wait_timeouts"]);
    });
}

#[test]
fn silent_server_makes_connects_time_out() {
    run(async {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = silent.local_addr().unwrap().port();
        let config = format!("postgres://postgres@127.0.0.1:{port}/postgres");
        let patience = Duration::from_millis(50);
        let builder = pool_of(1, config.parse().unwrap()).create_timeout(Some(patience));
        let mut watch = Watch::new();
        let pool = watch.monitor.build("main", builder).unwrap();
        let error = pool.get().await.unwrap_err();
        assert!(matches!(error, PoolError::Timeout(TimeoutType::Create)));
        let sample = watch.look();
        let metrics = watch.monitor.totals(&sample);
        let connect = metrics.hooks.unwrap().wait_phases[WaitPhase::Connect];
        assert!(connect.avg.unwrap() > Duration::from_millis(45), "{connect:?}");
        assert_eq!((metrics.timed_out, metrics.total_connections), (1, Some(0)));
    });
}

#[test]
fn pool_outlives_a_killed_server_and_every_attempt_is_counted() {
    let mut server = start(&testbed::require!(tools::postgres()));
    run(async {
        let mut watch = Watch::new();
        let limit = Some(Duration::from_secs(1));
        let builder = pool_of(4, config(&server, "killed"))
            .wait_timeout(limit)
            .create_timeout(limit)
            .recycle_timeout(limit);
        let pool = watch.monitor.build("main", builder).unwrap();
        let (own, stop) = (Arc::<Own>::default(), Arc::<AtomicBool>::default());
        let load = load(&pool, &own, &stop);
        watch.until("under load", |monitor, sample| monitor.totals(sample).acquired > 200).await;
        tokio::task::block_in_place(|| server.kill());
        watch
            .until("failing", |monitor, sample| monitor.totals(sample).connection_errors > 20)
            .await;
        let sample = watch.look();
        let assessment = watch.monitor.assess(&sample, "main").unwrap();
        assert_eq!(assessment.status, Status::Unhealthy, "{assessment:#?}");

        tokio::task::block_in_place(|| server.restart()).unwrap();
        let back = Instant::now();
        let mut in_a_row = 0;
        while in_a_row < 50 {
            in_a_row = if own.get(&pool).await.is_some() { in_a_row + 1 } else { 0 };
            assert!(back.elapsed() < Duration::from_secs(10), "{in_a_row} in a row");
        }
        stop.store(true, Ordering::Relaxed);
        load.join_all().await;
        let sample = watch.look();
        let metrics = watch.monitor.totals(&sample);
        own.check(&metrics);
        let hooks = metrics.hooks.clone().unwrap();
        let there = hooks.opened_connections - hooks.discarded_connections;
        assert_eq!(metrics.total_connections, Some(there));
        let observer = observer(&server).await;
        until_sessions(&observer, "killed", (there, 0)).await;
    });
}

/// Eight callers that ask again and again until they are stopped.
fn load(pool: &Monitored, own: &Arc<Own>, stop: &Arc<AtomicBool>) -> JoinSet<()> {
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let (pool, own, stop) = (pool.clone(), own.clone(), stop.clone());
        callers.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                if let Some(connection) = own.get(&pool).await {
                    // Breaks when the server does: what the pool is for.
                    let _ = connection.simple_query("SELECT 1").await;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
    }
    callers
}

#[test]
fn five_thousand_random_cancellations_leave_nobody_behind() {
    let server = start(&testbed::require!(tools::postgres()));
    run(async {
        let mut watch = Watch::new();
        let pool = pool_of(3, config(&server, "cancelled"));
        let pool = watch.monitor.build("main", pool).unwrap();
        let own = Arc::new(Own::default());
        let mut callers = JoinSet::new();
        for seed in 0..10 {
            let (pool, own) = (pool.clone(), own.clone());
            callers.spawn(async move {
                let mut random = Random(seed);
                for _ in 0..500 {
                    fickle(&pool, &own, &mut random).await;
                }
            });
        }
        callers.join_all().await;
        let sample = watch.look();
        let metrics = watch.monitor.totals(&sample);
        own.check(&metrics);
        assert_eq!(own.of(|own| &own.attempts), 5000);
        assert!(metrics.cancelled > 500 && metrics.acquired > 500, "{metrics:#?}");
        let hooks = metrics.hooks.unwrap();
        let there = hooks.opened_connections - hooks.discarded_connections;
        assert_eq!(metrics.total_connections, Some(there));
        let observer = observer(&server).await;
        until_sessions(&observer, "cancelled", (there, 0)).await;
    });
}

/// One attempt of a caller that looks a few times and then gives up.
async fn fickle(pool: &Monitored, own: &Own, random: &mut Random) {
    own.add(|own| &own.attempts);
    let mut looks = if random.below(4) == 0 { usize::MAX } else { 1 + random.below(30) };
    let mut get = pin!(pool.get());
    let got = poll_fn(|cx| match get.as_mut().poll(cx) {
        Poll::Ready(got) => Poll::Ready(Some(got)),
        Poll::Pending if looks == 1 => Poll::Ready(None),
        Poll::Pending => {
            looks -= 1;
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
    match got {
        None => own.add(|own| &own.cancelled),
        Some(Err(_)) => own.add(|own| &own.failed),
        Some(Ok(connection)) => {
            own.add(|own| &own.acquired);
            if random.below(2) == 0 {
                connection.simple_query("SELECT 1").await.unwrap();
            }
        }
    }
}

#[test]
fn server_agrees_on_active_and_idle_connections() {
    let server = start(&testbed::require!(tools::postgres()));
    run(async {
        let mut watch = Watch::new();
        let pool = pool_of(5, config(&server, "levels"));
        let pool = watch.monitor.build("main", pool).unwrap();
        let mut held = Vec::new();
        for _ in 0..5 {
            held.push(pool.get().await.unwrap());
        }
        held.truncate(3);
        let mut busy = JoinSet::new();
        for connection in held {
            busy.spawn(async move { connection.simple_query("SELECT pg_sleep(60)").await.is_ok() });
        }
        let observer = observer(&server).await;
        until_sessions(&observer, "levels", (5, 3)).await;
        let sample = watch.look();
        let metrics = watch.monitor.totals(&sample);
        assert_eq!((metrics.active_connections, metrics.idle_connections), (Some(3), Some(2)));
        assert_eq!((metrics.total_connections, metrics.waiting_clients), (Some(5), Some(0)));

        let cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity \
                      WHERE application_name = 'levels' AND state = 'active'";
        observer.simple_query(cancel).await.unwrap();
        assert_eq!(busy.join_all().await, [false; 3]);
        let sample = watch.look();
        let metrics = watch.monitor.totals(&sample);
        assert_eq!((metrics.idle_connections, metrics.active_connections), (Some(5), Some(0)));
        until_sessions(&observer, "levels", (5, 0)).await;
    });
}

#[test]
fn leaked_connection_is_found_with_its_age() {
    let server = start(&testbed::require!(tools::postgres()));
    run(async {
        let mut watch = Watch::new();
        let pool = pool_of(2, config(&server, "leak"));
        let limit = Duration::from_millis(100);
        let pool = watch.monitor.build("main", pool).unwrap();
        pool.set_thresholds(Thresholds { leak_after: limit, ..Thresholds::default() });
        let before = Instant::now();
        std::mem::forget(pool.get().await.unwrap());
        let tracked =
            |monitor: &PoolMonitor, sample: &Sample| monitor.totals(sample).tracked.unwrap();
        let leaked = |monitor: &_, sample: &_| tracked(monitor, sample).leaked_connections == 1;
        watch.until("leaked", leaked).await;
        let sample = watch.look();
        let age = tracked(&watch.monitor, &sample).oldest_use.unwrap();
        assert!(age > limit && age < before.elapsed(), "{age:?}");
        let report =
            serde_json::to_value(sample.report("database", Some("main")).unwrap()).unwrap();
        let place = report["leaks"][0]["acquiredAt"].as_str().unwrap();
        assert!(place.contains("postgres.rs:"), "{place}");
    });
}
