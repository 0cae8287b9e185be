//! The tasks of a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use testbed::redis::RedisServer;
use tokio::sync::{Barrier, Mutex};
use tokio::task::JoinSet;

use super::composition::{Entry, Ledger, TwoTier, content};
use super::{CALLERS, KEYS, STAMPEDES, TASKS};

/// All that the tasks share.
pub(super) struct Run {
    pub(super) cache: TwoTier,
    /// One for each task.
    pub(super) ledgers: [Ledger; TASKS as usize],
    /// The evictions that a listener of the first tier saw: size, expired, explicit, replaced.
    pub(super) left: Arc<[AtomicU64; 4]>,
    pub(super) server: Mutex<RedisServer>,
    /// Operations so far, and at which one Redis is killed.
    pub(super) done: AtomicU64,
    pub(super) kill_at: u64,
    pub(super) barrier: Barrier,
}

impl Run {
    pub(super) fn sum(&self, entry: Entry) -> u64 {
        let each = self.ledgers.iter().map(|ledger| &ledger.0[entry as usize]);
        each.map(|count| count.load(Ordering::Relaxed)).sum()
    }

    pub(super) async fn phase(self: &Arc<Self>, number: u64, operations: u64) {
        let mut tasks = JoinSet::new();
        for task in 0..TASKS {
            tasks.spawn(self.clone().work(task, number, operations / TASKS));
        }
        tasks.join_all().await;
    }

    /// One task's share of a phase.
    async fn work(self: Arc<Self>, task: u64, phase: u64, operations: u64) {
        let ledger = &self.ledgers[task as usize];
        let mut random = Random(task + TASKS * phase + 1);
        let between = operations / STAMPEDES;
        for at in 0..operations {
            if at % between == 0 && at / between < STAMPEDES {
                self.stampede(task, phase * STAMPEDES + at / between).await;
            }
            if self.done.fetch_add(1, Ordering::Relaxed) == self.kill_at {
                self.server.lock().await.kill().unwrap();
            }
            let key = random.key();
            match random.next() % 100 {
                0..2 => self.cache.insert(ledger, key).await,
                2..4 => self.cache.remove(ledger, key).await,
                _ => assert_eq!(self.cache.get(ledger, key).await, content(key)),
            }
        }
    }

    /// All tasks ask for one key that nobody has, with many callers each.
    async fn stampede(self: &Arc<Self>, task: u64, stampede: u64) {
        self.barrier.wait().await;
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let run = self.clone();
            callers.spawn(async move {
                run.cache.source.arrived[stampede as usize].fetch_add(1, Ordering::Relaxed);
                run.cache.get(&run.ledgers[task as usize], KEYS + stampede).await
            });
        }
        for found in callers.join_all().await {
            assert_eq!(found, content(KEYS + stampede));
        }
    }
}

/// Splitmix, which needs no crate.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ mixed >> 27) >> 11
    }

    /// Some keys are asked for much more often than others.
    fn key(&mut self) -> u64 {
        let share = (self.next() % 10_000) as f64 / 10_000.0;
        (share.powi(4) * KEYS as f64) as u64
    }
}
