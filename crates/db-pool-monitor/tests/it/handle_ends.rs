//! Handles that are refused, that end, and whose pools misbehave.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use node0_db_pool_monitor::{AttachError, PoolLevels};
use node0_metrics_core::InstanceError;

use crate::bench::{Bench, POOL, has, ms, number, one};

#[test]
fn refused_handle_leaves_the_levels_of_the_living_pool_alone() {
    let bench = Bench::new();
    let _handle = bench.monitor.pool("main", one).unwrap();
    let more = || {
        Some(PoolLevels {
            used: Some(9),
            idle: Some(9),
            max: Some(9),
            waiting: Some(9),
            ..PoolLevels::default()
        })
    };
    assert!(bench.monitor.pool("main", more).is_err());
    let sample = bench.registry.read();
    assert_eq!(number(&sample, "db_client_connections_max", &[POOL]), 1.0);
    assert!(!has(&sample, "db_client_pending_requests"));
}

#[test]
fn name_that_cannot_be_a_label_is_refused_before_the_pool_is_asked() {
    let bench = Bench::new();
    let error = bench.monitor.pool("", || panic!("it was asked")).unwrap_err();
    let AttachError::Instance(InstanceError::Name { name, .. }) = error else {
        panic!("{error:?}");
    };
    assert!(name.is_empty());
}

#[test]
fn pool_that_is_gone_from_the_start_is_refused() {
    let bench = Bench::new();
    let error = bench.monitor.pool("main", || None).unwrap_err();
    assert!(matches!(error, AttachError::Gone { ref name } if name == "main"));
    let message = "pool `main` says that it is gone: attach a pool that is open";
    assert_eq!(error.to_string(), message);
    assert!(bench.monitor.pools().is_empty());
}

#[test]
fn last_clone_takes_its_series_along_and_frees_its_name_at_once() {
    let mut bench = Bench::new();
    let pool = Arc::new(());
    let owned = pool.clone();
    let levels = move || {
        let _pool = &owned;
        one()
    };
    let handle = bench.monitor.pool("main", levels).unwrap();
    let same = handle.clone();
    same.acquired(ms(1));
    drop(handle);
    assert!(has(&bench.tick(), "db_client_connections_max"));
    assert!(bench.monitor.pool("main", one).is_err());

    drop(same);
    assert_eq!(Arc::strong_count(&pool), 1, "the closure lives as long as the handle");
    let next = bench.monitor.pool("main", one).unwrap();
    drop(next);
    bench.tick();
    let sample = bench.tick();
    let left = sample.snapshot.families().filter(|family| family.desc.name.starts_with("db_"));
    assert_eq!(left.count(), 0);
    assert!(bench.monitor.pools().is_empty());
}

#[test]
fn pool_that_says_that_it_is_gone_keeps_no_levels_and_no_name() {
    let mut bench = Bench::new();
    let open = Arc::new(AtomicBool::new(true));
    let asked = open.clone();
    let levels = move || one().filter(|_| asked.load(Ordering::Relaxed));
    let handle = bench.monitor.pool("main", levels).unwrap();
    handle.acquired(ms(1));
    assert!(has(&bench.tick(), "db_client_connections_max"));
    open.store(false, Ordering::Relaxed);
    bench.tick();
    assert!(bench.monitor.pools().is_empty());
    let sample = bench.tick();
    assert!(!has(&sample, "db_client_connections_max"));
    assert!(has(&sample, "db_client_wait_duration_seconds"), "its handle lives");
    assert!(bench.monitor.pool("main", one).is_ok());
}

#[test]
fn pool_may_ask_the_monitor_while_it_is_asked_itself() {
    let mut bench = Bench::new();
    let (monitor, seen) = (bench.monitor.clone(), Arc::new(AtomicU64::new(0)));
    let count = seen.clone();
    let levels = move || {
        count.store(monitor.pools().len() as u64, Ordering::Relaxed);
        one()
    };
    let _handle = bench.monitor.pool("main", levels).unwrap();
    bench.tick();
    assert_eq!(seen.load(Ordering::Relaxed), 1);
}
