//! The tier: its operations, each with a deadline, and their errors.

use std::fmt;
use std::time::Duration;

use ::redis::{Cmd, FromRedisValue, RedisError, cmd};

use super::source::ConnectionSource;
use crate::tier::Tier;
use crate::timed::Timed;
use crate::words::{Events, Operation, Size};

/// The time that an operation may take by default.
const TIMEOUT: Duration = Duration::from_millis(250);

/// Entries of bytes in Redis, each with its time to live.
///
/// ```no_run
/// use node0_cache_monitor::CacheMonitor;
/// use node0_cache_monitor::redis::RedisTier;
/// use node0_metrics_core::Registry;
/// use redis::aio::ConnectionManager;
/// use std::time::Duration;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let caches = CacheMonitor::register(&Registry::new())?;
/// let redis = redis::Client::open("redis://127.0.0.1")?;
/// let tier: RedisTier<ConnectionManager> =
///     RedisTier::new(caches.tier("orders", "L2")?, redis.get_connection_manager().await?)
///         .timeout(Duration::from_millis(100));
///
/// tier.set("order:1", b"two shirts", Duration::from_secs(60)).await?;
/// assert_eq!(tier.get("order:1").await?.as_deref(), Some(&b"two shirts"[..]));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisTier<S> {
    tier: Tier,
    source: S,
    timeout: Duration,
}

/// The failure of an operation; `E` is the error of the connection source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedisTierError<E> {
    /// There was no connection.
    #[error("there is no connection to redis")]
    Connection(#[source] E),
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

impl<S: ConnectionSource> RedisTier<S> {
    /// A tier whose connections come from a source; each operation may take 250 ms.
    pub fn new(tier: Tier, source: S) -> Self {
        tier.declare(&[Events::Writes, Events::Errors]);
        Self { tier, source, timeout: TIMEOUT }
    }

    /// Limits the time of an operation, the wait for a connection included; 250 ms by default.
    ///
    /// The client has timeouts of its own, 500 ms for an answer and 1 s for a connection unless its
    /// connections are made with others: a longer one here does not lengthen those.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Looks up the value of a key.
    ///
    /// # Errors
    /// [`RedisTierError`], counted as an error and as neither hit nor miss.
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, RedisTierError<S::Error>> {
        let mut command = cmd("GET");
        self.run(Operation::Get, command.arg(key), |lookup, found: &Option<_>| {
            lookup.looked_up(found.as_ref());
        })
        .await
    }

    /// Stores bytes as they are, with a time to live.
    ///
    /// Redis counts in milliseconds; a shorter time is taken as one.
    ///
    /// # Errors
    /// [`RedisTierError`], counted as an error.
    pub async fn set(
        &self,
        key: &str,
        value: &[u8],
        ttl: Duration,
    ) -> Result<(), RedisTierError<S::Error>> {
        self.store(key, value, Size::Plain(value.len() as u64), ttl).await
    }

    /// Stores compressed bytes with a time to live; `raw_bytes` is their number before compression.
    ///
    /// # Errors
    /// As for [`Self::set`].
    pub async fn set_compressed(
        &self,
        key: &str,
        value: &[u8],
        raw_bytes: u64,
        ttl: Duration,
    ) -> Result<(), RedisTierError<S::Error>> {
        let size = Size::Compressed { raw: raw_bytes, stored: value.len() as u64 };
        self.store(key, value, size, ttl).await
    }

    /// Removes a key, and returns whether it was there.
    ///
    /// # Errors
    /// [`RedisTierError`], counted as an error.
    pub async fn delete(&self, key: &str) -> Result<bool, RedisTierError<S::Error>> {
        self.run(Operation::Delete, cmd("DEL").arg(key), |timed, _| timed.deleted()).await
    }

    /// The tier that its metrics are recorded for.
    pub fn tier(&self) -> &Tier {
        &self.tier
    }

    /// The source of connections, for commands of your own; they are not counted here.
    pub fn source(&self) -> &S {
        &self.source
    }

    async fn store(
        &self,
        key: &str,
        value: &[u8],
        size: Size,
        ttl: Duration,
    ) -> Result<(), RedisTierError<S::Error>> {
        // Redis refuses zero, and a time that overflows when it is added to its clock.
        let millis = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).clamp(1, 1 << 62);
        let mut command = cmd("SET");
        let command = command.arg(key).arg(value).arg("PX").arg(millis);
        self.run(Operation::Set, command, |timed, ()| timed.set(size)).await
    }

    /// Runs a command within the deadline; `end` records an answer, and this any error.
    async fn run<T: FromRedisValue>(
        &self,
        operation: Operation,
        command: &Cmd,
        end: impl FnOnce(Timed<'_>, &T),
    ) -> Result<T, RedisTierError<S::Error>> {
        let timed = self.tier.start(operation);
        let work = async {
            let connection = self.source.connection().await;
            let mut connection = connection.map_err(RedisTierError::Connection)?;
            command.query_async(&mut *connection).await.map_err(RedisTierError::Command)
        };
        let ended = tokio::time::timeout(self.timeout, work).await;
        let ended = ended.unwrap_or(Err(RedisTierError::Timeout { after: self.timeout }));
        match &ended {
            Ok(answer) => end(timed, answer),
            Err(_) => timed.failed(),
        }
        ended
    }
}

impl<S> fmt::Debug for RedisTier<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisTier")
            .field("tier", &self.tier)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
