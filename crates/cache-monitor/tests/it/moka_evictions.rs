//! Each cause of an eviction, provoked on real caches, and listeners that panic.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use moka::notification::RemovalCause;
use node0_cache_monitor::EvictionCause;
use node0_cache_monitor::moka::{FutureCache, SyncCache};
use testbed::Deadline;

use crate::bench::{Bench, ms};

#[track_caller]
fn check(bench: &Bench, expected: [u64; 4]) {
    let causes = bench.metrics("L1").evictions_by_cause.unwrap();
    let found = EvictionCause::ALL.map(|cause| causes[cause]);
    assert_eq!(found, expected, "size, expired, explicit, replaced");
}

#[test]
fn each_cause_is_counted_by_itself() {
    let (mut bench, tier) = Bench::with_tier();
    let cache =
        SyncCache::builder(tier, moka::sync::Cache::<u64, u64>::builder().max_capacity(10)).build();
    check(&bench, [0, 0, 0, 0]);
    (0..10).for_each(|key| cache.insert(key, 0));
    (0..3).for_each(|key| cache.insert(key, 1));
    check(&bench, [0, 0, 0, 3]);
    (0..2).for_each(|key| assert_eq!(cache.remove(&key), Some(1)));
    check(&bench, [0, 0, 2, 3]);
    (100..120).for_each(|key| cache.insert(key, 0));
    bench.tick();
    check(&bench, [18, 0, 2, 3]);
}

#[test]
fn expired_entries_are_counted_when_they_leave() {
    let (mut bench, tier) = Bench::with_tier();
    let builder = moka::sync::Cache::<u64, u64>::builder().time_to_live(ms(1));
    let cache = SyncCache::builder(tier, builder).build();
    (0..5).for_each(|key| cache.insert(key, 0));
    // moka has a clock of its own, which no test can set.
    let left = Deadline::seconds(10).until(|| {
        bench.tick();
        bench.metrics("L1").levels.entries == Some(0)
    });
    assert!(left);
    check(&bench, [0, 5, 0, 0]);
    assert_eq!(bench.metrics("L1").evictions, Some(5));
}

#[tokio::test]
async fn cache_for_tasks_counts_each_cause_too() {
    let (mut bench, tier) = Bench::with_tier();
    let builder = moka::future::Cache::<u64, u64>::builder().max_capacity(10);
    let cache = FutureCache::builder(tier, builder).build();
    for key in 0..10 {
        cache.insert(key, 0).await;
    }
    cache.insert(0, 1).await;
    cache.remove(&0).await;
    for key in 100..111 {
        cache.insert(key, 0).await;
    }
    bench.tick();
    check(&bench, [10, 0, 1, 1]);
}

#[test]
fn listener_that_panics_is_called_again_and_nothing_is_missed() {
    let (mut bench, tier) = Bench::with_tier();
    let calls = Arc::new(AtomicU64::new(0));
    let counted = calls.clone();
    let cache = SyncCache::builder(tier, moka::sync::Cache::<u64, u64>::builder().max_capacity(10))
        .listener(move |_, _, cause| {
            counted.fetch_add(1, Ordering::Relaxed);
            assert_ne!(cause, RemovalCause::Explicit, "a listener that panics, on purpose");
        })
        .build();
    cache.insert(1, 1);
    for _ in 0..3 {
        cache.remove(&1);
        cache.insert(1, 1);
    }
    cache.insert(1, 2);
    bench.tick();
    check(&bench, [0, 0, 3, 1]);
    assert_eq!(calls.load(Ordering::Relaxed), 4);
}
