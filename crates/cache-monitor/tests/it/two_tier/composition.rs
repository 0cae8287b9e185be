//! The composition that a service would write, and the accounts of its callers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use node0_cache_monitor::moka::FutureCache;
use node0_cache_monitor::redis::RedisTier;
use node0_cache_monitor::{LoadOutcome, Operation};

use super::{CALLERS, KEYS, PHASES, STAMPEDES, TASKS};
use crate::redis_pool::RedisPool;

const L2_TTL: Duration = Duration::from_secs(600);

/// An operation of a task, and its outcome.
#[derive(Clone, Copy)]
pub(super) enum Entry {
    Lookup,
    /// A value that came out of a load of the first tier.
    Fill,
    Insert,
    Remove,
    L2Hit,
    L2Miss,
    L2Set,
    L2Delete,
    L2GetError,
    L2SetError,
    L2DeleteError,
    /// The source was asked.
    Load,
}

/// One task's account.
#[derive(Default)]
pub(super) struct Ledger(pub(super) [AtomicU64; 12]);

impl Ledger {
    fn note(&self, entry: Entry) {
        self.0[entry as usize].fetch_add(1, Ordering::Relaxed);
    }
}

/// The composition that a service would write: errors of the second tier end here.
pub(super) struct TwoTier {
    pub(super) l1: FutureCache<u64, Arc<[u8]>>,
    pub(super) l2: RedisTier<RedisPool>,
    pub(super) source: Source,
}

impl TwoTier {
    pub(super) async fn get(&self, ledger: &Ledger, key: u64) -> Arc<[u8]> {
        ledger.note(Entry::Lookup);
        let fill = async {
            ledger.note(Entry::Fill);
            match self.l2.get(&name(key)).await {
                Ok(Some(bytes)) => {
                    ledger.note(Entry::L2Hit);
                    self.l1.tier().promotion();
                    return bytes.into();
                }
                Ok(None) => ledger.note(Entry::L2Miss),
                Err(_) => ledger.note(Entry::L2GetError),
            }
            let load = self.l2.tier().start(Operation::Load);
            let bytes = self.source.load(ledger, key).await;
            load.loaded(LoadOutcome::Success);
            self.store(ledger, key, &bytes).await;
            bytes
        };
        self.l1.get_with(key, fill).await
    }

    pub(super) async fn insert(&self, ledger: &Ledger, key: u64) {
        ledger.note(Entry::Insert);
        let bytes = content(key);
        self.l1.insert(key, bytes.clone()).await;
        self.store(ledger, key, &bytes).await;
    }

    pub(super) async fn remove(&self, ledger: &Ledger, key: u64) {
        ledger.note(Entry::Remove);
        self.l1.remove(&key).await;
        match self.l2.delete(&name(key)).await {
            Ok(_) => ledger.note(Entry::L2Delete),
            Err(_) => ledger.note(Entry::L2DeleteError),
        }
    }

    async fn store(&self, ledger: &Ledger, key: u64, bytes: &[u8]) {
        match self.l2.set(&name(key), bytes, L2_TTL).await {
            Ok(()) => ledger.note(Entry::L2Set),
            Err(_) => ledger.note(Entry::L2SetError),
        }
    }
}

fn name(key: u64) -> String {
    format!("order:{key}")
}

pub(super) fn content(key: u64) -> Arc<[u8]> {
    key.to_le_bytes().repeat(4).into()
}

/// The database of the example, which keeps a stampede waiting until all its callers are there.
pub(super) struct Source {
    /// By stampede.
    pub(super) arrived: [AtomicU64; (PHASES * STAMPEDES) as usize],
}

impl Source {
    async fn load(&self, ledger: &Ledger, key: u64) -> Arc<[u8]> {
        ledger.note(Entry::Load);
        if let Some(stampede) = key.checked_sub(KEYS) {
            let arrived = &self.arrived[stampede as usize];
            while arrived.load(Ordering::Relaxed) < TASKS * CALLERS {
                tokio::task::yield_now().await;
            }
        }
        content(key)
    }
}
