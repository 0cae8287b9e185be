//! Two tiers on real parts, moka before Redis, against the ledgers of those who use them.
//!
//! Eight tasks look up, store, remove and stampede. Each keeps account of what it
//! did and got; in the end the tiers' numbers are the sum of the accounts. Redis
//! is killed by the task that draws the operation at two fifths of the way, while
//! the others go on, and comes back at half. `cargo xtask prove cache` runs a
//! million operations.

mod composition;
mod run;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::future::Cache;
use moka::notification::RemovalCause;
use node0_cache_monitor::moka::FutureCache;
use node0_cache_monitor::redis::RedisTier;
use node0_cache_monitor::{CacheMonitor, EvictionCause, Operation, Thresholds, TierMetrics};
use node0_metrics_core::{Registry, Sample, Ticker};
use serde_json::json;
use testbed::Deadline;
use testbed::prove::{Length, report};
use testbed::redis::RedisServer;
use testbed::tools;
use tokio::sync::{Barrier, Mutex};

use self::composition::{Entry, Source, TwoTier};
use self::run::Run;
use crate::bench::number;
use crate::redis_pool::RedisPool;

const TASKS: u64 = 8;
/// Callers of one key in a stampede, for each task.
const CALLERS: u64 = 16;
/// Redis lives, dies, is back.
const PHASES: u64 = 3;
/// So many times in each phase all tasks meet for a stampede.
const STAMPEDES: u64 = 20;
const KEYS: u64 = 6000;
const ENTRIES: u64 = 1500;
const L1_TTL: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tiers_numbers_are_the_sums_of_their_users_ledgers_while_redis_dies_and_returns() {
    let tool = testbed::require!(tools::redis());
    let operations: u64 = Length::of_this_run().pick(40_000, 1_000_000);
    let server = RedisServer::start(&tool).unwrap();
    let (run, mut judge) = build(server, operations * 2 / 5);

    run.phase(0, operations * 3 / 8).await;
    judge.check(&run);
    assert_eq!(judge.errors(), [0.0; 3]);
    judge.forget();

    run.phase(1, operations / 8).await;
    judge.check(&run);
    let sample = judge.tick();
    let dead = judge.errors();
    assert!(dead.iter().all(|errors| *errors > 0.0), "{dead:?}");
    assert!(judge.findings(&sample, "L2").contains(&"high_error_rate"));
    assert!(!judge.findings(&sample, "L1").contains(&"high_error_rate"));
    judge.forget();

    run.server.lock().await.restart().unwrap();
    let hits_before = run.sum(Entry::L2Hit);
    run.phase(2, operations / 2).await;
    judge.check(&run);
    let sample = judge.tick();
    assert_eq!(judge.errors(), dead, "errors after the restart");
    assert!(run.sum(Entry::L2Hit) > hits_before);
    assert_eq!(judge.findings(&sample, "L2"), [""; 0]);

    let coalesced = judge.metrics("L1").loads.unwrap().coalesced;
    assert!(coalesced >= PHASES * STAMPEDES * 100, "{coalesced} shared a load");
    judge.check_evictions(&run);
    // The cache's time is its own: what is left expires when it does.
    assert!(Deadline::seconds(20).until(|| {
        judge.tick();
        judge.metrics("L1").levels.entries == Some(0)
    }));
    judge.check_evictions(&run);
    let causes = judge.metrics("L1").evictions_by_cause.unwrap();
    assert!(causes.values().all(|entries| *entries > 0), "{causes:?}");
    report(&json!({ "two_tier": {
        "operations": operations,
        "lookups": run.sum(Entry::Lookup),
        "loads": run.sum(Entry::Load),
        "coalesced": coalesced,
        "errors": dead,
        "evictions": causes,
    }}))
    .expect("the figures can be written");
}

/// The registry that is read, and what must hold of it.
struct Judge {
    registry: Registry,
    monitor: CacheMonitor,
    ticker: Ticker,
}

impl Judge {
    fn tick(&mut self) -> Arc<Sample> {
        self.ticker.tick().sample
    }

    fn metrics(&self, layer: &str) -> TierMetrics {
        self.monitor.tier_metrics(&self.registry.read(), layer).unwrap()
    }

    /// Checks that the tiers' numbers are the sums of the ledgers.
    #[track_caller]
    fn check(&self, run: &Run) {
        let (l1, l2) = (self.metrics("L1"), self.metrics("L2"));
        let l1_loads = l1.loads.unwrap();
        assert_eq!(l1.hits + l1.misses, run.sum(Entry::Lookup));
        assert_eq!(l1_loads.succeeded, run.sum(Entry::Fill));
        assert_eq!(l1.misses, l1_loads.succeeded + l1_loads.coalesced);
        assert_eq!((l1_loads.failed, l1_loads.cancelled), (0, 0));
        assert_eq!(l1.sets, Some(run.sum(Entry::Insert)));
        assert_eq!(l1.deletes, Some(run.sum(Entry::Remove)));
        assert_eq!((l1.errors, l1.cancellations), (None, None));

        assert_eq!((l2.hits, l2.misses), (run.sum(Entry::L2Hit), run.sum(Entry::L2Miss)));
        let lookups = run.sum(Entry::Fill);
        assert_eq!(l2.hits + l2.misses + run.sum(Entry::L2GetError), lookups);
        assert_eq!(l1.promotions.unwrap_or(0), run.sum(Entry::L2Hit));
        assert_eq!(l2.sets, Some(run.sum(Entry::L2Set)));
        assert_eq!(l2.deletes, Some(run.sum(Entry::L2Delete)));
        let loads = l2.loads.unwrap();
        assert_eq!((loads.succeeded, loads.coalesced), (run.sum(Entry::Load), 0));
        let errors = [Entry::L2GetError, Entry::L2SetError, Entry::L2DeleteError];
        assert_eq!(self.errors(), errors.map(|error| run.sum(error) as f64));
        let answered = (l2.hits + l2.misses) as f64;
        assert_eq!(l2.hit_rate_total, Some(l2.hits as f64 / answered));
    }

    fn errors(&self) -> [f64; 3] {
        let sample = self.registry.read();
        [Operation::Get, Operation::Set, Operation::Delete].map(|operation| {
            let labels = [("cache", "demo"), ("tier", "L2"), ("operation", operation.label())];
            number(&sample, "cache_errors_total", &labels).unwrap()
        })
    }

    /// Ticks until what was recorded up to now is no longer recent.
    fn forget(&mut self) {
        (0..11).for_each(|_| drop(self.tick()));
    }

    fn findings(&self, sample: &Sample, layer: &str) -> Vec<&'static str> {
        let assessment = self.monitor.assess(sample, layer).unwrap();
        assessment.findings.iter().map(|finding| finding.code).collect()
    }

    /// Checks that the counted evictions are those that the listener saw, and that they account
    /// for all entries missing from the first tier.
    #[track_caller]
    fn check_evictions(&mut self, run: &Run) {
        self.tick();
        let l1 = self.metrics("L1");
        let causes = l1.evictions_by_cause.unwrap();
        let found = EvictionCause::ALL.map(|cause| causes[cause]);
        let seen = run.left.each_ref().map(|left| left.load(Ordering::Relaxed));
        assert_eq!(found, seen, "by cause");
        let came = run.sum(Entry::Insert) + run.sum(Entry::Fill);
        assert_eq!(found.iter().sum::<u64>() + l1.levels.entries.unwrap(), came);
    }
}

fn build(server: RedisServer, kill_at: u64) -> (Arc<Run>, Judge) {
    let registry = Registry::new();
    let monitor = CacheMonitor::register(&registry).unwrap();
    // What the first tier misses may well miss here, too.
    let modest =
        Thresholds { hit_rate: 0.1, slow_get: Duration::from_secs(10), ..Thresholds::default() };
    let l2 = monitor.tier_with("demo", "L2", modest).unwrap();
    // So long that only a dead server is an error, on any machine.
    let l2 = RedisTier::new(l2, RedisPool::patient(&server, 8)).timeout(Duration::from_secs(20));
    let tier = monitor.tier("demo", "L1").unwrap();
    let builder = Cache::builder().max_capacity(ENTRIES).time_to_live(L1_TTL);
    let left = Arc::<[AtomicU64; 4]>::default();
    let seen = left.clone();
    let listener = move |_: Arc<u64>, _: Arc<[u8]>, cause| {
        let at = match cause {
            RemovalCause::Size => 0,
            RemovalCause::Expired => 1,
            RemovalCause::Explicit => 2,
            RemovalCause::Replaced => 3,
        };
        seen[at].fetch_add(1, Ordering::Relaxed);
    };
    let run = Run {
        cache: TwoTier {
            l1: FutureCache::builder(tier, builder).listener(listener).build(),
            l2,
            source: Source { arrived: [const { AtomicU64::new(0) }; _] },
        },
        ledgers: Default::default(),
        left,
        server: Mutex::new(server),
        done: AtomicU64::new(0),
        kill_at,
        barrier: Barrier::new(TASKS as usize),
    };
    let ticker = registry.ticker().unwrap();
    (Arc::new(run), Judge { registry, monitor, ticker })
}
