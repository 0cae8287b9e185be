//! Each call of moka's caches, on the wrappers: what it returns, and that it counts once.

use std::convert::Infallible;

use moka::ops::compute::{CompResult, Op};
use moka::{future, sync};
use node0_cache_monitor::moka::{FutureCache, SyncCache};

use crate::bench::Bench;

/// Hits, misses, sets, deletes, errors; then loads that succeeded, failed and were shared.
type Counts = [u64; 8];

/// The counts of a tier, which only grow.
fn counts(bench: &Bench) -> Counts {
    let metrics = bench.metrics("L1");
    let loads = metrics.loads.as_ref();
    let load = |of: fn(&node0_cache_monitor::LoadMetrics) -> u64| loads.map_or(0, of);
    [
        metrics.hits,
        metrics.misses,
        metrics.sets.unwrap_or(0),
        metrics.deletes.unwrap_or(0),
        metrics.errors.unwrap_or(0),
        load(|loads| loads.succeeded),
        load(|loads| loads.failed),
        load(|loads| loads.coalesced),
    ]
}

const NOTHING: Counts = [0; 8];
const HIT: Counts = [1, 0, 0, 0, 0, 0, 0, 0];
const MISS: Counts = [0, 1, 0, 0, 0, 0, 0, 0];
const SET: Counts = [0, 0, 1, 0, 0, 0, 0, 0];
const DELETE: Counts = [0, 0, 0, 1, 0, 0, 0, 0];
const ERROR: Counts = [0, 0, 0, 0, 1, 0, 0, 0];
const LOADED: Counts = [0, 1, 0, 0, 0, 1, 0, 0];
const LOAD_FAILED: Counts = [0, 1, 0, 0, 0, 0, 1, 0];

/// Runs a call, and compares its result and what it counted.
macro_rules! check {
    ($bench:ident, $call:expr, $expected:expr, $counted:expr) => {{
        let before = counts(&$bench);
        assert_eq!($call, $expected);
        let after = counts(&$bench);
        let counted: Counts = std::array::from_fn(|at| after[at] - before[at]);
        assert_eq!(counted, $counted, "{}", stringify!($call));
    }};
}

/// The kind of a computation's result.
fn kind<K, V>(result: &CompResult<K, V>) -> &'static str {
    match result {
        CompResult::Inserted(_) => "inserted",
        CompResult::ReplacedWith(_) => "replaced",
        CompResult::Removed(_) => "removed",
        CompResult::Unchanged(_) => "unchanged",
        CompResult::StillNone(_) => "none",
    }
}

#[test]
fn calls_of_threads_count_once() {
    let bench = Bench::new();
    let builder = sync::Cache::builder().max_capacity(100).support_invalidation_closures();
    let tier = bench.monitor.tier("demo", "L1").unwrap();
    let cache: SyncCache<String, u64> = SyncCache::builder(tier, builder).build();
    let key = |key: &str| key.to_owned();

    check!(bench, cache.get_with_by_ref("a", || 1), 1, LOADED);
    check!(bench, cache.get_with_by_ref("a", || 2), 1, HIT);
    check!(bench, cache.optionally_get_with(key("b"), || None), None, LOAD_FAILED);
    check!(bench, cache.optionally_get_with(key("b"), || Some(2)), Some(2), LOADED);
    check!(bench, cache.optionally_get_with_by_ref("b", || None), Some(2), HIT);
    check!(bench, cache.optionally_get_with_by_ref("x", || None), None, LOAD_FAILED);
    let failed = || Err::<u64, _>("no database");
    check!(bench, cache.try_get_with_by_ref("c", failed).map_err(|e| *e), failed(), LOAD_FAILED);
    check!(bench, cache.try_get_with_by_ref("c", || Ok::<_, Infallible>(3)), Ok(3), LOADED);
    check!(bench, (cache.contains_key("c"), cache.contains_key("x")), (true, false), NOTHING);
    check!(bench, cache.iter().count(), 3, NOTHING);

    check!(bench, cache.entry(key("d")).or_insert(4).is_fresh(), true, LOADED);
    check!(bench, cache.entry(key("d")).or_insert(5).into_value(), 4, HIT);
    check!(bench, cache.entry_by_ref("e").or_default().into_value(), 0, LOADED);
    check!(bench, cache.entry_by_ref("e").or_insert_with(|| 5).into_value(), 0, HIT);
    let replaced = || cache.entry(key("e")).or_insert_with_if(|| 5, |value| *value == 0);
    check!(bench, replaced().into_value(), 5, LOADED);
    check!(bench, replaced().into_value(), 5, HIT);
    let none = || cache.entry(key("f")).or_optionally_insert_with(|| None).is_none();
    check!(bench, none(), true, LOAD_FAILED);
    check!(bench, cache.entry(key("f")).or_try_insert_with(failed).is_err(), true, LOAD_FAILED);

    let upsert = || cache.entry(key("f")).and_upsert_with(|entry| entry.map_or(1, |_| 2));
    check!(bench, upsert().into_value(), 1, SET);
    check!(bench, upsert().into_value(), 2, SET);
    let compute = |op: Op<u64>| kind(&cache.entry_by_ref("f").and_compute_with(|_| op));
    check!(bench, compute(Op::Nop), "unchanged", HIT);
    check!(bench, compute(Op::Put(3)), "replaced", SET);
    check!(bench, compute(Op::Remove), "removed", DELETE);
    check!(bench, compute(Op::Nop), "none", MISS);
    check!(bench, compute(Op::Put(4)), "inserted", SET);
    let fails = || cache.entry_by_ref("f").and_try_compute_with(|_| Err::<Op<u64>, _>("no"));
    check!(bench, fails().is_err(), true, ERROR);

    check!(bench, cache.invalidate("a"), (), DELETE);
    check!(bench, cache.get("a"), None, MISS);
    check!(bench, cache.invalidate_entries_if(|_, value| *value > 3).is_ok(), true, DELETE);
    check!(bench, cache.get("d"), None, MISS);
    check!(bench, cache.invalidate_all(), (), DELETE);
    check!(bench, cache.get("b"), None, MISS);
    cache.run_pending_tasks();
    check!(bench, (cache.entry_count(), cache.weighted_size()), (0, 0), NOTHING);
    assert_eq!((cache.name(), cache.policy().max_capacity()), (None, Some(100)));
}

#[tokio::test]
async fn calls_of_tasks_count_once() {
    let bench = Bench::new();
    let builder = future::Cache::builder().max_capacity(100).support_invalidation_closures();
    let tier = bench.monitor.tier("demo", "L1").unwrap();
    let cache: FutureCache<String, u64> = FutureCache::builder(tier, builder).build();
    let key = |key: &str| key.to_owned();

    check!(bench, cache.get_with_by_ref("a", async { 1 }).await, 1, LOADED);
    check!(bench, cache.get_with_by_ref("a", async { 2 }).await, 1, HIT);
    check!(bench, cache.optionally_get_with(key("b"), async { None }).await, None, LOAD_FAILED);
    check!(bench, cache.optionally_get_with_by_ref("b", async { Some(2) }).await, Some(2), LOADED);
    let failed = async { Err::<u64, _>("no database") };
    check!(bench, cache.try_get_with_by_ref("c", failed).await.is_err(), true, LOAD_FAILED);
    check!(bench, (cache.contains_key("b"), cache.contains_key("x")), (true, false), NOTHING);
    check!(bench, cache.iter().count(), 2, NOTHING);

    check!(bench, cache.entry(key("d")).or_insert(4).await.is_fresh(), true, LOADED);
    check!(bench, cache.entry(key("d")).or_insert(5).await.into_value(), 4, HIT);
    check!(bench, cache.entry_by_ref("e").or_default().await.into_value(), 0, LOADED);
    let five = cache.entry_by_ref("e").or_insert_with_if(async { 5 }, |value| *value == 0);
    check!(bench, five.await.into_value(), 5, LOADED);
    let none = cache.entry(key("f")).or_optionally_insert_with(async { None });
    check!(bench, none.await.is_none(), true, LOAD_FAILED);

    let upsert = cache.entry(key("f")).and_upsert_with(async |entry| entry.map_or(1, |_| 2));
    check!(bench, upsert.await.into_value(), 1, SET);
    let compute =
        async |op: Op<u64>| kind(&cache.entry_by_ref("f").and_compute_with(|_| async { op }).await);
    check!(bench, compute(Op::Nop).await, "unchanged", HIT);
    check!(bench, compute(Op::Put(3)).await, "replaced", SET);
    check!(bench, compute(Op::Remove).await, "removed", DELETE);
    check!(bench, compute(Op::Nop).await, "none", MISS);
    let fails = cache.entry(key("f")).and_try_compute_with(|_| async { Err::<Op<u64>, _>("no") });
    check!(bench, fails.await.is_err(), true, ERROR);

    check!(bench, cache.invalidate("a").await, (), DELETE);
    check!(bench, cache.get("a").await, None, MISS);
    check!(bench, cache.invalidate_entries_if(|_, value| *value > 3).is_ok(), true, DELETE);
    check!(bench, cache.get("d").await, None, MISS);
    check!(bench, cache.invalidate_all(), (), DELETE);
    check!(bench, cache.get("b").await, None, MISS);
    cache.run_pending_tasks().await;
    assert_eq!((cache.entry_count(), cache.weighted_size()), (0, 0));
}
