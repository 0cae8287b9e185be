//! Pools of deadpool's beside pools that are watched by a handle.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use node0_db_pool_monitor::{AttachError, PoolLevels};
use node0_metrics_core::InstanceError;

use super::fake::{now, pool_of};
use crate::bench::{Bench, POOL, body, ms, number, one};

#[test]
fn name_means_one_living_pool_of_any_kind() {
    let bench = Bench::new();
    let _handle = bench.monitor.pool("main", one).unwrap();
    let error = bench.monitor.pool("main", one).unwrap_err();
    let duplicate = |error: InstanceError| match error {
        InstanceError::Duplicate { name, .. } => name,
        other => panic!("{other:?}"),
    };
    let by_handle = |error: AttachError| match error {
        AttachError::Instance(error) => duplicate(error),
        other => panic!("{other:?}"),
    };
    assert_eq!(by_handle(error), "main");
    let bare = pool_of(1).0.build().unwrap();
    assert_eq!(duplicate(bench.monitor.attach("main", &bare).unwrap_err()), "main");
    let _adapted = bench.monitor.attach("other", &bare).unwrap();
    assert_eq!(by_handle(bench.monitor.pool("other", one).unwrap_err()), "other");
}

#[test]
fn totals_with_a_handle_leave_out_what_it_cannot_know() {
    let mut bench = Bench::new();
    let (pool, _) = bench.build("adapted", 2);
    let _held = now(pool.get()).unwrap();
    let usual = || {
        Some(PoolLevels { used: Some(3), idle: Some(1), max: Some(10), ..PoolLevels::default() })
    };
    let handle = bench.monitor.pool("main", usual).unwrap();
    handle.acquired(ms(1));
    let sample = bench.tick();
    let body = body(&sample, None);
    let totals = body["metrics"].as_object().unwrap();
    assert_eq!((&totals["totalConnections"], &totals["acquired"]), (&5.into(), &2.into()));
    let adapted = &body["pools"]["adapted"]["metrics"];
    for key in [
        "waitingClients",
        "connectingClients",
        "peakActiveConnections",
        "oldestUse",
        "leakedConnections",
        "leaks",
        "openedConnections",
    ] {
        assert!(!totals.contains_key(key), "{key}");
        assert!(adapted.get(key).is_some(), "{key}");
    }

    drop(handle);
    let sample = bench.tick();
    let totals = bench.monitor.totals(&sample);
    assert_eq!((totals.total_connections, totals.waiting_clients), (Some(1), Some(0)));
    assert!(totals.tracked.is_some() && totals.hooks.is_some());
}

#[test]
fn pool_that_panics_hides_its_own_levels_only_and_until_it_answers_again() {
    let mut bench = Bench::new();
    let broken = Arc::new(AtomicBool::new(false));
    let (asked, polls) = (broken.clone(), Arc::new(AtomicU64::new(0)));
    let levels = move || {
        if asked.load(Ordering::Relaxed) {
            // Without the panic hook: a backtrace takes longer than a poll may.
            resume_unwind(Box::new("a lock is poisoned"));
        }
        one()
    };
    let handle = bench.monitor.pool("main", levels).unwrap();
    let counted = polls.clone();
    // After the one that panics, in the order of names.
    let count = move || {
        Some(PoolLevels {
            used: Some(counted.fetch_add(1, Ordering::Relaxed)),
            ..PoolLevels::default()
        })
    };
    let _other = bench.monitor.pool("next", count).unwrap();
    let (adapted, _) = bench.build("zoo", 1);

    broken.store(true, Ordering::Relaxed);
    handle.acquired(ms(1));
    bench.tick();
    let sample = bench.tick();
    assert!(number(&sample, "db_client_connections_max", &[POOL]).is_nan());
    assert_eq!(number(&sample, "db_client_source_panics_total", &[POOL]), 2.0);
    assert_eq!(number(&sample, "db_client_source_panics_total", &[("pool", "next")]), 0.0);
    assert_eq!(polls.load(Ordering::Relaxed), 3, "once when it was attached, then at each poll");
    let metrics = bench.monitor.metrics(&sample, "main").unwrap();
    assert_eq!((metrics.total_connections, metrics.acquired), (None, 1));
    assert_eq!(bench.monitor.totals(&sample).total_connections, None);

    broken.store(false, Ordering::Relaxed);
    let sample = bench.tick();
    assert_eq!(number(&sample, "db_client_connections_max", &[POOL]), 1.0);
    drop(adapted);
}
