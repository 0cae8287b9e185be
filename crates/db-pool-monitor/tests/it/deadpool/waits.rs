//! Waits: how long, how many, and how each ended.

use std::sync::atomic::Ordering;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{PoolError, TimeoutType, Timeouts};
use node0_metrics_core::{Measuring, Sample};

use super::fake::{Refused, now, poll, pool_of, waiting};
use crate::bench::{Bench, POOL, check_outcomes, ms, number, sum_millis};

#[track_caller]
fn check_timeouts(sample: &Sample, permit: u32, connect: u32) {
    let phases = ["permit", "connect"];
    let counted =
        phases.map(|phase| number(sample, "db_client_timeouts_total", &[POOL, ("phase", phase)]));
    assert_eq!(counted, [f64::from(permit), f64::from(connect)]);
}

#[test]
fn wait_lasts_until_the_connection_comes() {
    let mut bench = Bench::new();
    let (pool, _) = bench.build("main", 1);
    let held = now(pool.get()).unwrap();
    let next = waiting(&pool);
    bench.pass(ms(45));
    drop(held);
    assert!(now(next).is_ok());
    let sample = bench.tick();
    check_outcomes(&sample, [2, 0, 0, 0]);
    let sum = sum_millis(&sample, "db_client_wait_duration_seconds", &[POOL]);
    assert_eq!(sum.round(), 45.0);
    let metrics = bench.monitor.metrics(&sample, "main").unwrap();
    assert_eq!(metrics.avg_wait_time, Some(Duration::from_micros(22_500)));
    assert_eq!(metrics.samples, 2);
}

#[test]
fn ten_callers_of_a_pool_of_two_leave_eight_waiting() {
    let mut bench = Bench::new();
    let (pool, _) = bench.build("main", 2);
    let mut callers: Vec<_> = (0..10).map(|_| Box::pin(pool.get())).collect();
    let mut held: Vec<_> = callers.drain(..2).map(|caller| now(caller).unwrap()).collect();
    for caller in &mut callers {
        assert!(poll(caller.as_mut()).is_pending());
    }
    let sample = bench.tick_now();
    let metrics = bench.monitor.metrics(&sample, "main").unwrap();
    assert_eq!((metrics.active_connections, metrics.waiting_clients), (Some(2), Some(8)));
    let tracked = metrics.tracked.unwrap();
    assert_eq!((tracked.peak_active_connections, tracked.peak_waiting_clients), (2, Some(8)));

    // Each hold lasts 10 ms, so the waits are 10, 20, … 80 ms.
    for caller in callers {
        bench.pass(ms(10));
        drop(held.remove(0));
        held.push(now(caller).unwrap());
    }
    drop(held);
    let sample = bench.tick();
    check_outcomes(&sample, [10, 0, 0, 0]);
    let sum = sum_millis(&sample, "db_client_wait_duration_seconds", &[POOL]);
    assert_eq!(sum.round(), 360.0);
    assert_eq!(number(&sample, "db_client_pending_requests", &[POOL]), 0.0);
    assert_eq!(number(&sample, "db_client_pending_requests_peak", &[POOL]), 8.0);
    assert_eq!(number(&sample, "db_client_connections_used_peak", &[POOL]), 2.0);
}

#[test]
fn caller_whose_connection_is_opened_is_connecting_and_not_waiting() {
    let mut bench = Bench::new();
    let (pool, script) = bench.build("main", 8);
    script.hold_connects();
    let caller = waiting(&pool);
    bench.pass(ms(1500));
    let sample = bench.tick_now();
    assert_eq!(number(&sample, "db_client_pending_requests", &[POOL]), 0.0);
    assert_eq!(number(&sample, "db_client_pending_requests_peak", &[POOL]), 0.0);
    assert_eq!(number(&sample, "db_client_connecting_requests", &[POOL]), 1.0);
    assert_eq!(number(&sample, "db_client_oldest_wait_age_seconds", &[POOL]), 1.5);
    script.let_connect();
    assert!(now(caller).is_ok());
    let sample = bench.tick_now();
    assert_eq!(number(&sample, "db_client_connecting_requests", &[POOL]), 0.0);
    assert!(number(&sample, "db_client_oldest_wait_age_seconds", &[POOL]).is_nan());
}

/// Callers that wait, and callers whose connection is being opened.
#[track_caller]
fn check_callers(bench: &mut Bench, waiting: f64, connecting: f64) {
    let sample = bench.tick_now();
    let level = |name| number(&sample, name, &[POOL]);
    let callers = ["db_client_pending_requests", "db_client_connecting_requests"].map(level);
    assert_eq!(callers, [waiting, connecting]);
}

#[test]
fn pool_opens_connections_for_as_many_callers_as_it_allows() {
    let mut bench = Bench::new();
    let (pool, script) = bench.build("main", 2);
    script.hold_connects();
    let mut callers: Vec<_> = (0..10).map(|_| waiting(&pool)).collect();
    check_callers(&mut bench, 8.0, 2.0);
    script.let_connect();
    let _held = now(callers.remove(0)).unwrap();
    check_callers(&mut bench, 8.0, 1.0);
}

#[test]
fn shrunk_pool_has_no_waiting_callers_before_one_asks() {
    let mut bench = Bench::new();
    let (pool, _) = bench.build("main", 2);
    let _held = [now(pool.get()).unwrap(), now(pool.get()).unwrap()];
    pool.pool().resize(1);
    check_callers(&mut bench, 0.0, 0.0);
    let _callers: Vec<_> = (0..3).map(|_| waiting(&pool)).collect();
    check_callers(&mut bench, 3.0, 0.0);
}

#[test]
fn refused_connect_counts_as_failed() {
    let mut bench = Bench::new();
    let (pool, script) = bench.build("main", 1);
    script.refuses.store(true, Ordering::Relaxed);
    let error = now(pool.get()).unwrap_err();
    assert!(matches!(error, PoolError::Backend(Refused)));
    check_outcomes(&bench.tick(), [0, 0, 1, 0]);
}

#[test]
fn closed_pool_fails_its_waiting_callers() {
    let mut bench = Bench::new();
    let (pool, _) = bench.build("main", 1);
    let held = now(pool.get()).unwrap();
    let next = waiting(&pool);
    pool.pool().close();
    assert!(matches!(now(next), Err(PoolError::Closed)));
    drop(held);
    check_outcomes(&bench.tick(), [1, 0, 1, 0]);
}

#[test]
fn caller_without_patience_times_out_for_a_permit() {
    let mut bench = Bench::new();
    let (pool, _) = bench.build("main", 1);
    let _held = now(pool.get()).unwrap();
    let at_once = Timeouts { wait: Some(Duration::ZERO), ..Timeouts::default() };
    let error = now(pool.timeout_get(&at_once)).unwrap_err();
    assert!(matches!(error, PoolError::Timeout(TimeoutType::Wait)));
    let sample = bench.tick();
    check_outcomes(&sample, [1, 1, 0, 0]);
    check_timeouts(&sample, 1, 0);
}

#[tokio::test(start_paused = true)]
async fn deadlines_of_the_pool_count_by_what_was_waited_for() {
    let mut bench = Bench::new();
    let (builder, script) = pool_of(1);
    let builder =
        builder.runtime(Runtime::Tokio1).wait_timeout(Some(ms(100))).create_timeout(Some(ms(100)));
    let pool = bench.monitor.build("main", builder).unwrap();
    script.hold_connects();
    let error = pool.get().await.unwrap_err();
    assert!(matches!(error, PoolError::Timeout(TimeoutType::Create)));
    script.let_connect();
    let _held = pool.get().await.unwrap();
    let error = pool.get().await.unwrap_err();
    assert!(matches!(error, PoolError::Timeout(TimeoutType::Wait)));
    let sample = bench.tick();
    check_outcomes(&sample, [1, 2, 0, 0]);
    check_timeouts(&sample, 1, 1);
}

#[test]
fn dropped_wait_counts_as_cancelled_with_its_time() {
    let mut bench = Bench::new();
    let (pool, _) = bench.build("main", 1);
    let _held = now(pool.get()).unwrap();
    let next = waiting(&pool);
    bench.pass(ms(70));
    drop(next);
    let sample = bench.tick();
    check_outcomes(&sample, [1, 0, 0, 1]);
    let sum = sum_millis(&sample, "db_client_wait_duration_seconds", &[POOL]);
    assert_eq!(sum.round(), 70.0);
    assert!(number(&sample, "db_client_oldest_wait_age_seconds", &[POOL]).is_nan());
}

#[test]
fn future_that_was_never_polled_is_no_wait() {
    let mut bench = Bench::new();
    let (pool, _) = bench.build("main", 1);
    drop(pool.get());
    check_outcomes(&bench.tick(), [0, 0, 0, 0]);
}

#[test]
fn nothing_is_counted_while_measuring_is_off() {
    let mut bench = Bench::new();
    let (pool, _) = bench.build("main", 1);
    bench.registry.set_measuring(Measuring::Off);
    let held = now(pool.get()).unwrap();
    bench.registry.set_measuring(Measuring::On);
    drop(held);
    check_outcomes(&bench.tick(), [0, 0, 0, 0]);
    drop(now(pool.get()).unwrap());
    check_outcomes(&bench.tick(), [1, 0, 0, 0]);
}

#[test]
fn attached_pool_counts_like_a_built_one() {
    let mut bench = Bench::new();
    let (builder, script) = pool_of(1);
    let bare = builder.build().unwrap();
    let pool = bench.monitor.attach("main", &bare).unwrap();
    script.refuses.store(true, Ordering::Relaxed);
    assert!(now(pool.get()).is_err());
    script.refuses.store(false, Ordering::Relaxed);
    let held = now(pool.get()).unwrap();
    drop(waiting(&pool));
    drop(held);
    check_outcomes(&bench.tick(), [1, 0, 1, 1]);
}
