//! Uses of connections: how long, by whom, and those that never end.

use node0_db_pool_monitor::Thresholds;
use node0_db_pool_monitor::deadpool::MonitoredObject;
use std::time::Duration;

use super::fake::{now, pool_of};
use crate::bench::{Bench, POOL, body, check_leak, check_uses, ms, number};

#[test]
fn use_lasts_until_the_connection_is_given_back() {
    let mut bench = Bench::new();
    let (pool, _) = bench.build("main", 1);
    let held = now(pool.get()).unwrap();
    bench.pass(ms(250));
    let sample = bench.tick_now();
    check_uses(&sample, 0.0, 0.0);
    assert_eq!(number(&sample, "db_client_oldest_use_age_seconds", &[POOL]), 0.25);
    drop(held);
    let sample = bench.tick_now();
    check_uses(&sample, 1.0, 250.0);
    assert!(number(&sample, "db_client_oldest_use_age_seconds", &[POOL]).is_nan());
    let state = |state| number(&sample, "db_client_connections", &[POOL, ("state", state)]);
    assert_eq!((state("used"), state("idle")), (0.0, 1.0));
    assert_eq!(number(&sample, "db_client_connections_max", &[POOL]), 1.0);
}

#[test]
fn taken_and_unwrapped_connections_end_their_use() {
    let mut bench = Bench::new();
    let (pool, _) = bench.build("main", 2);
    let (one, other) = (now(pool.get()).unwrap(), now(pool.get()).unwrap());
    bench.pass(ms(10));
    let _taken = MonitoredObject::take(one);
    let _bare = MonitoredObject::into_inner(other);
    let sample = bench.tick();
    check_uses(&sample, 2.0, 20.0);
    assert!(number(&sample, "db_client_oldest_use_age_seconds", &[POOL]).is_nan());
}

#[test]
fn peak_shows_what_came_and_went_between_two_ticks() {
    let mut bench = Bench::new();
    let (pool, _) = bench.build("main", 3);
    let held: Vec<_> = (0..3).map(|_| now(pool.get()).unwrap()).collect();
    drop(held);
    let sample = bench.tick();
    assert_eq!(number(&sample, "db_client_connections", &[POOL, ("state", "used")]), 0.0);
    assert_eq!(number(&sample, "db_client_connections_used_peak", &[POOL]), 3.0);
}

#[test]
fn level_that_stays_high_stays_in_the_peak() {
    let mut bench = Bench::new();
    let (pool, _) = bench.build("main", 1);
    let _held = now(pool.get()).unwrap();
    let mut sample = bench.tick();
    for _ in 0..90 {
        sample = bench.tick();
    }
    assert_eq!(number(&sample, "db_client_connections_used_peak", &[POOL]), 1.0);
}

#[test]
fn forgotten_connection_is_a_leak_with_its_age_and_line() {
    let mut bench = Bench::new();
    let pool = bench.monitor.build("main", pool_of(2).0).unwrap();
    let leak_after = Duration::from_secs(3);
    pool.set_thresholds(Thresholds { leak_after, ..Thresholds::default() });
    let line = line!() + 1;
    std::mem::forget(now(pool.get()).unwrap());
    bench.pass(ms(2900));
    assert_eq!(number(&bench.tick_now(), "db_client_leaked_connections", &[POOL]), 0.0);
    bench.pass(ms(200));
    let held = now(pool.get()).unwrap();
    let sample = bench.tick_now();
    assert_eq!(number(&sample, "db_client_leaked_connections", &[POOL]), 1.0);
    assert_eq!(number(&sample, "db_client_oldest_use_age_seconds", &[POOL]), 3.1);
    bench.tick();
    let sample = bench.tick();
    assert_eq!(number(&sample, "db_client_leaks_total", &[POOL]), 1.0);
    drop(held);

    let body = body(&sample, Some("main"));
    assert_eq!(body["metrics"]["leakedConnections"], 1);
    check_leak(&body, 5100.0, &format!("holds.rs:{line}:"));
}
