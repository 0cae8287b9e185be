//! A monitored pool as the source of a Redis tier's connections.
//!
//! The cache monitor and the pool monitor do not depend on each other, so the facade
//! connects them here.

use deadpool_redis::{Connection, Manager, PoolError};
use node0_cache_monitor::redis::ConnectionSource;
use node0_db_pool_monitor::deadpool::{MonitoredObject, MonitoredPool};

/// A watched pool of connections to Redis, for a [`RedisTier`](node0_cache_monitor::redis::RedisTier).
///
/// ```no_run
/// use node0::cache::redis::RedisTier;
/// use node0::{Monitoring, RedisPool};
/// use std::time::Duration;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let monitoring = Monitoring::builder().build()?;
/// let redis = deadpool_redis::Config::from_url("redis://127.0.0.1").builder()?;
/// let pool = RedisPool(monitoring.database().build("redis", redis)?);
/// let tier = RedisTier::new(monitoring.cache().tier("orders", "L2")?, pool);
///
/// tier.set("order:1", b"two shirts", Duration::from_secs(60)).await?;
/// assert_eq!(tier.get("order:1").await?.as_deref(), Some(&b"two shirts"[..]));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RedisPool(
    /// The pool, for commands of your own.
    pub MonitoredPool<Manager, Connection>,
);

impl ConnectionSource for RedisPool {
    type Connection = MonitoredObject<Connection>;
    type Error = PoolError;

    async fn connection(&self) -> Result<Self::Connection, PoolError> {
        self.0.get().await
    }
}
