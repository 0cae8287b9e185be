//! moka's cache for tasks: stampedes, cancelled callers, levels without a runtime.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use moka::future::Cache;
use node0_cache_monitor::moka::FutureCache;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

use crate::bench::Bench;

fn cache_of(bench: &Bench, max: u64) -> FutureCache<u64, u64> {
    let tier = bench.monitor.tier("demo", "L1").unwrap();
    FutureCache::builder(tier, Cache::builder().max_capacity(max)).build()
}

#[tokio::test]
async fn each_call_is_counted_as_what_it_was() {
    let bench = Bench::new();
    let cache = cache_of(&bench, 100);
    assert_eq!(cache.get(&1).await, None);
    cache.insert(1, 10).await;
    assert_eq!(cache.get(&1).await, Some(10));
    assert_eq!(cache.get_with(2, async { 20 }).await, 20);
    assert_eq!(cache.get_with(2, async { unreachable!("it is there") }).await, 20);
    assert_eq!(cache.remove(&1).await, Some(10));
    let error = cache.try_get_with(3, async { Err::<u64, _>("no database") }).await.unwrap_err();
    assert_eq!(*error, "no database");
    let metrics = bench.metrics("L1");
    assert_eq!((metrics.hits, metrics.misses), (2, 3));
    assert_eq!((metrics.sets, metrics.deletes), (Some(1), Some(1)));
    let loads = metrics.loads.unwrap();
    assert_eq!((loads.succeeded, loads.failed, loads.coalesced), (1, 1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn stampede_is_many_lookups_and_one_load() {
    const CALLERS: u64 = 200;
    let bench = Bench::new();
    let cache = cache_of(&bench, 100);
    let (loads, gate) = (Arc::new(AtomicU64::new(0)), Arc::new(Semaphore::new(0)));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (cache, loads, gate) = (cache.clone(), loads.clone(), gate.clone());
        callers.spawn(async move {
            let load = async {
                gate.acquire().await.unwrap().forget();
                loads.fetch_add(1, Ordering::Relaxed)
            };
            cache.get_with(1, load).await
        });
    }
    while bench.metrics("L1").misses < CALLERS {
        tokio::task::yield_now().await;
    }
    gate.add_permits(1);
    assert!(callers.join_all().await.into_iter().all(|value| value == 0));
    let metrics = bench.metrics("L1");
    assert_eq!(loads.load(Ordering::Relaxed), 1);
    assert_eq!((metrics.hits, metrics.misses), (0, CALLERS));
    let loads = metrics.loads.unwrap();
    assert_eq!((loads.succeeded, loads.coalesced), (1, CALLERS - 1));
}

#[tokio::test]
async fn cancelled_load_is_counted_and_a_waiting_caller_loads_instead() {
    let bench = Bench::new();
    let cache = cache_of(&bench, 100);
    let has_begun = Arc::new(Notify::new());
    let (first, begun) = (cache.clone(), has_begun.clone());
    let first = tokio::spawn(async move {
        let never = async {
            begun.notify_one();
            std::future::pending().await
        };
        first.get_with(1, never).await
    });
    has_begun.notified().await;
    let second = cache.clone();
    let second = tokio::spawn(async move { second.get_with(1, async { 10 }).await });
    while bench.metrics("L1").misses < 2 {
        tokio::task::yield_now().await;
    }
    first.abort();
    assert_eq!(second.await.unwrap(), 10);
    let metrics = bench.metrics("L1");
    let loads = metrics.loads.unwrap();
    assert_eq!((loads.cancelled, loads.succeeded, loads.coalesced), (1, 1, 0));
    assert_eq!(metrics.misses, 2);
}

#[test]
fn levels_are_polled_without_a_runtime() {
    let mut bench = Bench::new();
    let cache = cache_of(&bench, 10);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        for key in 0..30 {
            cache.insert(key, key).await;
        }
    });
    drop(runtime);
    bench.tick();
    let metrics = bench.metrics("L1");
    assert_eq!((metrics.levels.entries, metrics.levels.max_entries), (Some(10), Some(10)));
    assert_eq!(metrics.evictions, Some(20));
}
