//! The second tier: Redis if there is one, else a file that the demo creates.
//!
//! Both are watched in the same way, so the cache report and the metrics are the same
//! on a machine without Redis.

use std::fmt;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use node0::cache::redis::RedisTier;
use node0::cache::{CacheMonitor, EvictionCause, Levels, Operation, Size, Tier};
use node0::{Clock, PoolMonitor, RedisPool, Thresholds};
use redb::Database;

use super::CACHE;
use super::embedded::{EmbeddedStore, Left};
use super::encoding::{Encoded, decode, encode};
use crate::orders::Order;

const LIFETIME: Duration = Duration::from_secs(300);
/// The size limit of the file.
const MAX_BYTES: u64 = 8 << 20;
/// The longest time that one use of Redis may take.
const TIMEOUT: Duration = Duration::from_millis(100);
/// The most connections to Redis.
const POOL_SIZE: usize = 8;
/// The prefix of every key, because other programs may use the same Redis.
const PREFIX: &str = "node0-demo:order:";

/// The second tier that the user asked for on the command line.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum RedisChoice {
    /// The Redis at `REDIS_URL` if that is set, else the file.
    #[default]
    Auto,
    /// A file of the demo's own.
    Embedded,
    /// The Redis at this address.
    Url(String),
}

impl FromStr for RedisChoice {
    type Err = ParseRedisChoiceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "embedded" => Ok(Self::Embedded),
            url if url.starts_with("redis://") || url.starts_with("unix://") => {
                Ok(Self::Url(url.to_owned()))
            }
            _ => Err(ParseRedisChoiceError),
        }
    }
}

/// Leaves out the address, because it may hold a password.
impl fmt::Debug for RedisChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "Auto",
            Self::Embedded => "Embedded",
            Self::Url(_) => "Url(..)",
        })
    }
}

/// A word that is not the name of a second tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected auto, embedded, redis://host:port or unix:///path")]
pub struct ParseRedisChoiceError;

/// The opened second tier.
#[derive(Debug)]
pub enum SecondTier {
    /// A Redis, in another process.
    Redis(RedisTier<RedisPool>),
    /// A file of this process, which is removed with the tier.
    Embedded(EmbeddedTier),
}

/// The tier in a file, watched as a cache tier.
#[derive(Debug)]
pub struct EmbeddedTier {
    store: Arc<EmbeddedStore>,
    tier: Tier,
    clock: Clock,
    /// Removes the file when the tier is dropped.
    _folder: tempfile::TempDir,
}

impl SecondTier {
    /// Opens the chosen tier.
    ///
    /// # Errors
    /// Returns one line that names the remedy and never contains a password.
    pub async fn open(
        choice: &RedisChoice,
        env_url: Option<&str>,
        caches: &CacheMonitor,
        pools: &PoolMonitor,
        clock: &Clock,
    ) -> anyhow::Result<Self> {
        let url = match choice {
            RedisChoice::Url(url) => Some((url.as_str(), "--redis")),
            RedisChoice::Auto => {
                env_url.filter(|url| !url.is_empty()).map(|url| (url, "REDIS_URL"))
            }
            RedisChoice::Embedded => None,
        };
        let tier = caches.tier(CACHE, "L2")?;
        match url {
            Some((url, from)) => Self::redis(url, tier, pools).await.context(from),
            None => Ok(Self::Embedded(EmbeddedTier::create(tier, clock.clone())?)),
        }
    }

    async fn redis(url: &str, tier: Tier, pools: &PoolMonitor) -> anyhow::Result<Self> {
        // The cause is dropped, because it may quote the address with its password.
        let builder = deadpool_redis::Config::from_url(url).builder().map_err(|_| {
            anyhow::anyhow!("is not the address of a Redis: write redis://host:port")
        })?;
        let builder = builder
            .max_size(POOL_SIZE)
            .runtime(deadpool_redis::Runtime::Tokio1)
            .create_timeout(Some(TIMEOUT))
            .recycle_timeout(Some(TIMEOUT));
        let pool = pools.build("redis", builder)?;
        // Not required: the demo can sell orders without this tier.
        pool.set_thresholds(Thresholds { required: false, ..Thresholds::default() });
        let connected = tokio::time::timeout(Duration::from_secs(2), pool.get()).await;
        let is_there = connected.is_ok_and(|connection| connection.is_ok());
        anyhow::ensure!(is_there, "no Redis answers there: start one, or pass --redis embedded");
        Ok(Self::Redis(RedisTier::new(tier, RedisPool(pool)).timeout(TIMEOUT)))
    }

    /// Returns the kind of tier as the ready line prints it.
    pub fn source(&self) -> &'static str {
        match self {
            Self::Redis(_) => "redis",
            Self::Embedded(_) => "embedded",
        }
    }

    /// Returns the order if the tier has it and answers in time; the tier counts failures.
    pub(super) async fn get(&self, id: &str) -> Option<Order> {
        let bytes = match self {
            Self::Redis(redis) => redis.get(&key(id)).await.ok()?,
            Self::Embedded(embedded) => embedded.get(key(id)).await,
        };
        decode(&bytes?)
    }

    pub(super) async fn set(&self, id: &str, order: &Order) {
        let Some(encoded) = encode(order) else { return };
        match self {
            Self::Redis(redis) => {
                let Encoded { bytes, raw } = encoded;
                let _ = redis.set_compressed(&key(id), &bytes, raw as u64, LIFETIME).await;
            }
            Self::Embedded(embedded) => embedded.set(key(id), encoded).await,
        }
    }

    pub(super) async fn forget(&self, id: &str) {
        match self {
            Self::Redis(redis) => {
                let _ = redis.delete(&key(id)).await;
            }
            Self::Embedded(embedded) => embedded.delete(key(id)).await,
        }
    }
}

fn key(id: &str) -> String {
    format!("{PREFIX}{id}")
}

impl EmbeddedTier {
    fn create(tier: Tier, clock: Clock) -> anyhow::Result<Self> {
        let private = Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new().prefix("node0-cache-").permissions(private).tempdir();
        let folder = folder.context("there is no temporary folder for the cache")?;
        let file = folder.path().join("orders.redb");
        let make = move || {
            // A file that failed may still be open, but its name is free then.
            let _ = fs::remove_file(&file);
            Ok(Database::create(&file)?)
        };
        let store = EmbeddedStore::create(make, MAX_BYTES);
        let store = Arc::new(store.context("the cache's file cannot be made")?);
        let weak = Arc::downgrade(&store);
        tier.poll(move || Some(weak.upgrade()?.levels()));
        Ok(Self { store, tier, clock, _folder: folder })
    }

    async fn get(&self, key: String) -> Option<Vec<u8>> {
        let (lookup, now) = (self.tier.start(Operation::Get), self.now());
        match self.run(move |store| store.get(&key, now)).await {
            Some(found) => lookup.looked_up(found),
            None => {
                lookup.failed();
                None
            }
        }
    }

    async fn set(&self, key: String, encoded: Encoded) {
        let (timed, now) = (self.tier.start(Operation::Set), self.now());
        let Encoded { bytes, raw } = encoded;
        let size = Size::Compressed { raw: raw as u64, stored: bytes.len() as u64 };
        match self.run(move |store| store.set(&key, &bytes, now, LIFETIME)).await {
            Some(left) => {
                timed.set(size);
                self.note(&left);
            }
            None => timed.failed(),
        }
    }

    async fn delete(&self, key: String) {
        let (timed, now) = (self.tier.start(Operation::Delete), self.now());
        match self.run(move |store| store.delete(&key, now)).await {
            Some(removed) => {
                timed.deleted();
                if let Some(bytes) = removed {
                    self.tier.eviction(EvictionCause::Explicit, Some(bytes));
                }
            }
            None => timed.failed(),
        }
    }

    fn note(&self, left: &[Left]) {
        for Left { cause, bytes } in left {
            self.tier.eviction(*cause, Some(*bytes));
        }
    }

    /// Runs `work` on a blocking thread, because it waits for the disk; `None` if it fails.
    async fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce(&EmbeddedStore) -> Result<R, redb::Error> + Send + 'static,
    ) -> Option<R> {
        let store = self.store.clone();
        let done = tokio::task::spawn_blocking(move || work(&store)).await;
        match done {
            Ok(Ok(result)) => Some(result),
            Ok(Err(error)) => {
                tracing::debug!(%error, "the cache's file failed");
                None
            }
            Err(_) => None,
        }
    }

    fn now(&self) -> u64 {
        self.clock.wall().as_millis()
    }
}

impl EmbeddedStore {
    fn levels(&self) -> Levels {
        let held = self.held();
        Levels {
            entries: Some(held.entries),
            bytes: Some(held.bytes),
            max_bytes: Some(self.max_bytes()),
            max_entries: None,
        }
    }
}
