//! A tier in Redis.
//!
//! Redis is another process, so each operation can fail, and can take forever. A
//! [`RedisTier`] gives each one a deadline, which covers the wait for a
//! connection too, and returns every failure as an error that is counted as one:
//! never as a miss. What a caller does without the tier is the caller's business.
//!
//! A deadline bounds what a dead Redis costs each caller. That it costs callers
//! nothing while it is known to be dead takes a circuit breaker around the tier.
//!
//! How many entries Redis holds of whom, and which it evicts, it does not tell:
//! those numbers are absent.

use std::fmt;
use std::time::Duration;

use ::redis::{Cmd, FromRedisValue, RedisError, cmd};
use db_pool_monitor::MonitoredPool;
use deadpool_redis::{Connection, Manager, PoolError};

use crate::tier::Tier;
use crate::words::{Events, Operation, Size};

/// How long an operation may take, unless it is set.
const TIMEOUT: Duration = Duration::from_millis(250);

/// Entries of bytes in Redis, each with its time to live; clones share the pool.
///
/// ```no_run
/// use cache_monitor::CacheMonitor;
/// use cache_monitor::redis::RedisTier;
/// use db_pool_monitor::PoolMonitor;
/// use metrics_core::Registry;
/// use std::time::Duration;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let registry = Registry::new();
/// let (pools, caches) = (PoolMonitor::register(&registry)?, CacheMonitor::register(&registry)?);
/// let redis = deadpool_redis::Config::from_url("redis://127.0.0.1").builder()?;
/// let tier = RedisTier::new(caches.tier("orders", "L2")?, pools.build("redis", redis)?)
///     .timeout(Duration::from_millis(100));
///
/// tier.set("order:1", b"two shirts", Duration::from_secs(60)).await?;
/// assert_eq!(tier.get("order:1").await?.as_deref(), Some(&b"two shirts"[..]));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisTier {
    tier: Tier,
    pool: MonitoredPool<Manager, Connection>,
    timeout: Duration,
}

/// An operation that Redis did not do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedisTierError {
    /// There was no connection.
    #[error("there is no connection to redis")]
    Pool(#[source] PoolError),
    /// The command failed, or the connection broke under it.
    #[error("redis did not answer the command")]
    Command(#[source] RedisError),
    /// The deadline passed.
    #[error("redis did not answer within {} ms", after.as_millis())]
    Timeout {
        /// The deadline.
        after: Duration,
    },
}

impl RedisTier {
    /// A tier on a pool; each operation may take 250 ms.
    pub fn new(tier: Tier, pool: MonitoredPool<Manager, Connection>) -> Self {
        tier.declare(&[Events::Writes, Events::Errors]);
        Self { tier, pool, timeout: TIMEOUT }
    }

    /// Sets how long an operation may take, the wait for a connection included.
    ///
    /// The client has timeouts of its own, 500 ms for an answer and 1 s for a
    /// connection unless the pool's manager was made with others: a longer one
    /// here does not lengthen those.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The value of a key.
    ///
    /// # Errors
    /// [`RedisTierError`], counted as an error and as neither hit nor miss.
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, RedisTierError> {
        let lookup = self.tier.start(Operation::Get);
        match self.run(cmd("GET").arg(key)).await {
            Ok(found) => Ok(lookup.looked_up(found)),
            Err(error) => {
                lookup.failed();
                Err(error)
            }
        }
    }

    /// Stores bytes as they are, for so long.
    ///
    /// Redis counts in milliseconds; a shorter time is one.
    ///
    /// # Errors
    /// [`RedisTierError`], counted as an error.
    pub async fn set(&self, key: &str, value: &[u8], ttl: Duration) -> Result<(), RedisTierError> {
        self.store(key, value, Size::Plain(value.len() as u64), ttl).await
    }

    /// Stores bytes that were compressed from so many, for so long.
    ///
    /// # Errors
    /// As for [`Self::set`].
    pub async fn set_compressed(
        &self,
        key: &str,
        value: &[u8],
        raw_bytes: u64,
        ttl: Duration,
    ) -> Result<(), RedisTierError> {
        let size = Size::Compressed { raw: raw_bytes, stored: value.len() as u64 };
        self.store(key, value, size, ttl).await
    }

    /// Removes a key, and says whether it was there.
    ///
    /// # Errors
    /// [`RedisTierError`], counted as an error.
    pub async fn delete(&self, key: &str) -> Result<bool, RedisTierError> {
        let timed = self.tier.start(Operation::Delete);
        let removed = self.run(cmd("DEL").arg(key)).await;
        if removed.is_ok() {
            timed.deleted()
        } else {
            timed.failed()
        }
        removed
    }

    /// The tier that it is watched as.
    pub fn tier(&self) -> &Tier {
        &self.tier
    }

    /// The pool of connections, for commands of your own; they are not counted here.
    pub fn pool(&self) -> &MonitoredPool<Manager, Connection> {
        &self.pool
    }

    async fn store(
        &self,
        key: &str,
        value: &[u8],
        size: Size,
        ttl: Duration,
    ) -> Result<(), RedisTierError> {
        // Redis refuses zero, and what added to its clock overflows.
        let millis = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).clamp(1, 1 << 62);
        let timed = self.tier.start(Operation::Set);
        let stored = self.run(cmd("SET").arg(key).arg(value).arg("PX").arg(millis)).await;
        if stored.is_ok() {
            timed.set(size)
        } else {
            timed.failed()
        }
        stored
    }

    async fn run<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, RedisTierError> {
        let work = async {
            let mut connection = self.pool.get().await.map_err(RedisTierError::Pool)?;
            command.query_async(&mut **connection).await.map_err(RedisTierError::Command)
        };
        let ended = tokio::time::timeout(self.timeout, work).await;
        ended.unwrap_or(Err(RedisTierError::Timeout { after: self.timeout }))
    }
}

impl fmt::Debug for RedisTier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisTier")
            .field("tier", &self.tier)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
