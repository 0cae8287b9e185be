//! Pools of any kind, watched by a handle: what it knows, and that nothing else is shown.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use node0_db_pool_monitor::{PoolHandle, PoolLevels, Thresholds};
use node0_metrics_core::{Sample, Status};
use serde_json::Value;

use crate::bench::{Bench, POOL, body, check_outcomes, ms, number, sum_millis};

/// The levels that r2d2, bb8 and sqlx report.
fn usual() -> PoolLevels {
    PoolLevels { used: Some(3), idle: Some(1), max: Some(10), ..PoolLevels::default() }
}

fn handle(bench: &Bench, levels: PoolLevels) -> PoolHandle {
    bench.monitor.pool("main", move || Some(levels)).unwrap()
}

/// The names of all families.
fn families(sample: &Sample) -> BTreeSet<String> {
    let families = sample.snapshot.families();
    let ours = families.filter(|family| family.desc.name.starts_with("db_client_"));
    ours.map(|family| family.desc.name.to_string()).collect()
}

#[test]
fn each_wait_is_counted_once_by_its_end_with_its_time() {
    let mut bench = Bench::new();
    let handle = handle(&bench, usual());
    let same = handle.clone();
    handle.acquired(ms(10));
    same.acquired(ms(20));
    handle.timed_out(ms(30));
    handle.failed(ms(40));
    handle.cancelled(ms(50));
    same.released(ms(7));
    let sample = bench.tick();
    check_outcomes(&sample, [2, 1, 1, 1]);
    let millis = |name| sum_millis(&sample, name, &[POOL]).round();
    assert_eq!(millis("db_client_wait_duration_seconds"), 150.0);
    assert_eq!(millis("db_client_use_duration_seconds"), 7.0);
    assert_eq!(number(&sample, "db_client_use_duration_seconds", &[POOL]), 1.0);
    let metrics = bench.monitor.metrics(&sample, "main").unwrap();
    let counted = (metrics.acquired, metrics.timed_out, metrics.connection_errors);
    assert_eq!((counted, metrics.cancelled), ((2, 1, 1), 1));
    assert_eq!((metrics.samples, metrics.avg_wait_time), (5, Some(ms(30))));
    let rates = bench.monitor.rates(&sample, "main").unwrap();
    assert_eq!((rates.error_rate, rates.acquisition_rate), (Some(0.4), Some(2.0)));
    assert_eq!(handle.name(), "main");
}

#[test]
fn levels_are_what_the_pool_says_at_each_poll() {
    let mut bench = Bench::new();
    let used = Arc::new(AtomicU64::new(2));
    let asked = used.clone();
    let levels = move || match asked.load(Ordering::Relaxed) {
        // An answer that knows less than the first.
        0 => Some(PoolLevels { max: Some(4), ..PoolLevels::default() }),
        used => Some(PoolLevels {
            used: Some(used),
            idle: Some(1),
            max: Some(4),
            waiting: Some(5),
            connecting: Some(6),
        }),
    };
    let _handle = bench.monitor.pool("main", levels).unwrap();
    let shown = |sample: &Sample| {
        let state = |state| number(sample, "db_client_connections", &[POOL, ("state", state)]);
        let level = |name| number(sample, name, &[POOL]);
        let callers = ["db_client_pending_requests", "db_client_connecting_requests"].map(level);
        (state("used"), state("idle"), level("db_client_connections_max"), callers)
    };
    assert_eq!(shown(&bench.tick()), (2.0, 1.0, 4.0, [5.0, 6.0]));
    used.store(3, Ordering::Relaxed);
    let sample = bench.tick();
    assert_eq!(shown(&sample), (3.0, 1.0, 4.0, [5.0, 6.0]));
    assert_eq!(bench.monitor.metrics(&sample, "main").unwrap().total_connections, Some(4));

    used.store(0, Ordering::Relaxed);
    let sample = bench.tick();
    let (used, idle, max, [waiting, connecting]) = shown(&sample);
    assert!([used, idle, waiting, connecting].into_iter().all(f64::is_nan));
    assert_eq!(max, 4.0);
    let metrics = bench.monitor.metrics(&sample, "main").unwrap();
    assert_eq!((metrics.total_connections, metrics.max_connections), (None, Some(4)));
}

#[test]
fn what_a_handle_cannot_know_has_no_series() {
    let mut bench = Bench::new();
    let handle = handle(&bench, usual());
    handle.acquired(ms(1));
    let known = [
        "db_client_acquires_total",
        "db_client_connections",
        "db_client_connections_max",
        "db_client_source_panics_total",
        "db_client_use_duration_seconds",
        "db_client_wait_duration_seconds",
    ];
    assert_eq!(families(&bench.tick()), known.map(String::from).into());
}

#[test]
fn what_a_handle_cannot_know_is_no_field_of_its_report() {
    let mut bench = Bench::new();
    let _handle = handle(&bench, usual());
    let sample = bench.tick();
    let body = body(&sample, Some("main"));
    let fields: Vec<_> = body["metrics"].as_object().unwrap().keys().collect();
    let known = [
        "totalConnections",
        "activeConnections",
        "idleConnections",
        "avgWaitTime",
        "connectionErrors",
        "maxConnections",
        "acquired",
        "timedOut",
        "cancelled",
        "p95WaitTime",
        "avgUseTime",
        "p95UseTime",
        "samples",
        "windowSeconds",
    ];
    assert_eq!(fields, known);
    assert_eq!(body["metrics"]["totalConnections"], 4);
    assert_eq!(body["metrics"]["avgWaitTime"], Value::Null);
    assert!(body.get("leaks").is_none());
    let metrics = bench.monitor.metrics(&sample, "main").unwrap();
    assert_eq!((metrics.waiting_clients, metrics.tracked, metrics.hooks), (None, None, None));
}

#[test]
fn handle_is_judged_by_what_it_knows() {
    let mut bench = Bench::new();
    let thresholds = Thresholds { slow_wait: ms(50), min_waits: 3, ..Thresholds::default() };
    let full = || {
        Some(PoolLevels {
            used: Some(4),
            idle: Some(0),
            max: Some(4),
            waiting: Some(7),
            ..PoolLevels::default()
        })
    };
    let handle = bench.monitor.pool("main", full).unwrap();
    handle.set_thresholds(thresholds);
    let judge = |bench: &mut Bench| {
        let sample = bench.tick();
        let judged = bench.monitor.assess(&sample, "main").unwrap();
        let codes: Vec<_> = judged.findings.iter().map(|finding| finding.code).collect();
        (judged.score, codes)
    };
    assert_eq!(judge(&mut bench), (Some(77), vec!["pool_exhausted", "long_wait_queue"]));
    handle.acquired(ms(60));
    handle.acquired(ms(60));
    handle.timed_out(ms(90));
    // No age makes it stalled or leaked, however long nothing is given back.
    bench.pass(Duration::from_secs(60));
    let (score, codes) = judge(&mut bench);
    assert_eq!(score, Some(2));
    let expected =
        ["high_error_rate", "wait_timeouts", "pool_exhausted", "long_wait_queue", "slow_waits"];
    assert_eq!(codes, expected);
}

#[test]
fn pool_that_says_little_is_judged_by_its_waits_alone() {
    let mut bench = Bench::new();
    let handle = handle(&bench, PoolLevels { max: Some(4), ..PoolLevels::default() });
    let status = |bench: &mut Bench| {
        let sample = bench.tick();
        bench.monitor.assess(&sample, "main").unwrap().status
    };
    assert_eq!(status(&mut bench), Status::Unknown);
    handle.acquired(ms(1));
    assert_eq!(status(&mut bench), Status::Healthy);
}
