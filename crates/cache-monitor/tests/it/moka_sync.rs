//! moka's cache for threads: lookups, loads, levels and the end of a cache.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use moka::sync::Cache;
use node0_cache_monitor::EvictionCause;
use node0_cache_monitor::moka::SyncCache;

use crate::bench::{Bench, number};

const L1: [(&str, &str); 2] = [("cache", "demo"), ("tier", "L1")];

fn cache_of(bench: &Bench, max: u64) -> SyncCache<u64, String> {
    let tier = bench.monitor.tier("demo", "L1").unwrap();
    SyncCache::builder(tier, Cache::builder().max_capacity(max)).build()
}

#[test]
fn each_lookup_is_a_hit_or_a_miss() {
    let bench = Bench::new();
    let cache = cache_of(&bench, 100);
    assert_eq!(cache.get(&1), None);
    cache.insert(1, "one".to_owned());
    assert_eq!(cache.get(&1).as_deref(), Some("one"));
    assert_eq!(cache.clone().get(&2), None);
    assert_eq!(cache.remove(&1).as_deref(), Some("one"));
    assert_eq!(cache.remove(&1), None);
    let metrics = bench.metrics("L1");
    assert_eq!((metrics.hits, metrics.misses), (1, 2));
    assert_eq!((metrics.sets, metrics.deletes), (Some(1), Some(2)));
    assert_eq!((metrics.raw_bytes, metrics.evicted_bytes), (None, None));
}

#[test]
fn lookup_that_loads_is_one_lookup() {
    let bench = Bench::new();
    let cache = cache_of(&bench, 100);
    assert_eq!(cache.get_with(1, || "one".to_owned()), "one");
    assert_eq!(cache.get_with(1, || unreachable!("it is there")), "one");
    let metrics = bench.metrics("L1");
    assert_eq!((metrics.hits, metrics.misses), (1, 1));
    let loads = metrics.loads.unwrap();
    assert_eq!((loads.succeeded, loads.coalesced), (1, 0));
    assert_eq!(metrics.sets, Some(0));
}

#[test]
fn callers_that_miss_together_are_counted_each_and_their_load_once() {
    const CALLERS: u64 = 100;
    let bench = Bench::new();
    let cache = cache_of(&bench, 100);
    let loads = AtomicU64::new(0);
    let gets = bench.monitor.tier("demo", "other").unwrap();
    thread::scope(|scope| {
        let (arrived, arrivals) = mpsc::channel();
        for _ in 0..CALLERS {
            let (cache, loads, arrived, monitor, registry) =
                (&cache, &loads, arrived.clone(), &bench.monitor, &bench.registry);
            scope.spawn(move || {
                let value = cache.get_with(1, || {
                    loads.fetch_add(1, Ordering::Relaxed);
                    // Until all have missed: who has missed waits for this load.
                    let missed = || monitor.tier_metrics(&registry.read(), "L1").unwrap().misses;
                    while missed() < CALLERS {
                        thread::yield_now();
                    }
                    "one".to_owned()
                });
                arrived.send(value).unwrap();
            });
        }
        drop(arrived);
        assert!(arrivals.iter().all(|value| value == "one"));
    });
    drop(gets);
    let metrics = bench.metrics("L1");
    assert_eq!(loads.into_inner(), 1);
    assert_eq!((metrics.hits, metrics.misses), (0, CALLERS));
    let loads = metrics.loads.unwrap();
    assert_eq!((loads.succeeded, loads.coalesced), (1, CALLERS - 1));
}

#[test]
fn failed_load_is_counted_as_that_and_is_its_callers_error() {
    let bench = Bench::new();
    let cache = cache_of(&bench, 100);
    let error = cache.try_get_with(1, || Err("no database")).unwrap_err();
    assert_eq!(*error, "no database");
    assert_eq!(cache.try_get_with(1, || Ok::<_, &str>("one".to_owned())).unwrap(), "one");
    let metrics = bench.metrics("L1");
    let loads = metrics.loads.unwrap();
    assert_eq!((loads.failed, loads.succeeded, loads.coalesced), (1, 1, 0));
    assert_eq!((metrics.misses, metrics.errors), (2, None));
}

#[test]
fn load_that_panics_is_counted_as_cancelled() {
    let bench = Bench::new();
    let cache = cache_of(&bench, 100);
    thread::scope(|scope| {
        let panics = scope.spawn(|| cache.get_with(1, || panic!("a load that panics, on purpose")));
        assert!(panics.join().is_err());
    });
    assert_eq!(bench.metrics("L1").loads.unwrap().cancelled, 1);
    assert_eq!(cache.get_with(1, || "one".to_owned()), "one");
}

#[test]
fn levels_are_moka_s_own_after_pending_tasks() {
    let mut bench = Bench::new();
    let cache = cache_of(&bench, 10);
    (0..30).for_each(|key| cache.insert(key, "value".to_owned()));
    let sample = bench.tick();
    assert_eq!(number(&sample, "cache_entries", &L1), Some(10.0));
    assert_eq!(number(&sample, "cache_max_entries", &L1), Some(10.0));
    assert_eq!(number(&sample, "cache_bytes", &L1), None);
    assert_eq!(bench.metrics("L1").evictions, Some(20));
}

#[test]
fn weighed_entries_are_bytes() {
    let (mut bench, tier) = Bench::with_tier();
    let cache = SyncCache::builder(tier, Cache::builder().max_capacity(1000))
        .bytes(|key: &String, value: &String| (key.len() + value.len()) as u32)
        .build();
    cache.insert("a".to_owned(), "x".repeat(99));
    cache.get_with("b".to_owned(), || "x".repeat(199));
    cache.remove("a");
    bench.tick();
    let metrics = bench.metrics("L1");
    assert_eq!(
        (metrics.levels.bytes, metrics.levels.max_bytes, metrics.levels.max_entries),
        (Some(200), Some(1000), None)
    );
    assert_eq!((metrics.raw_bytes, metrics.stored_bytes), (Some(300), Some(300)));
    assert_eq!((metrics.compression_ratio, metrics.evicted_bytes), (Some(1.0), Some(100)));
}

#[test]
fn hasher_and_key_borrowing_are_the_hosts_choice() {
    let (bench, tier) = Bench::with_tier();
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    let cache = SyncCache::builder(tier, Cache::builder()).build_with_hasher(hasher);
    cache.insert("key".to_owned(), HashMap::from([(1, 2)]));
    assert_eq!(cache.get("key").unwrap()[&1], 2);
    assert_eq!(cache.cache().policy().max_capacity(), None);
    assert_eq!(bench.metrics("L1").hits, 1);
}

#[test]
fn dropped_cache_takes_its_series_along_and_frees_its_name() {
    let mut bench = Bench::new();
    let cache = cache_of(&bench, 10);
    let clone = cache.clone();
    drop(cache);
    bench.tick();
    assert_eq!(bench.metrics("L1").levels.entries, Some(0));
    drop(clone);
    bench.tick();
    let sample = bench.tick();
    assert!(bench.monitor.tier_metrics(&sample, "L1").is_none());
    let again = cache_of(&bench, 20);
    bench.tick();
    assert_eq!(bench.metrics("L1").levels.max_entries, Some(20));
    drop(again);
}

#[test]
fn bare_cache_that_outlives_its_wrapper_is_counted_by_what_leaves_it() {
    let mut bench = Bench::new();
    let cache = cache_of(&bench, 10);
    bench.tick();
    let bare = cache.cache().clone();
    drop(cache);
    bench.tick();
    bare.insert(1, "one".to_owned());
    bare.insert(1, "uno".to_owned());
    let metrics = bench.metrics("L1");
    assert_eq!(
        (metrics.levels.entries, metrics.evictions_by_cause.unwrap()[EvictionCause::Replaced]),
        (None, 1)
    );
}
