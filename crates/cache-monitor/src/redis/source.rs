//! The source from which a tier takes its connections.

use std::convert::Infallible;
use std::error::Error;
use std::ops::DerefMut;

use ::redis::aio::ConnectionLike;

/// Gives out connections to Redis, one for each operation of a [`RedisTier`](super::RedisTier).
///
/// It is implemented for each connection that can be cloned, such as redis's
/// `MultiplexedConnection`, `ConnectionManager` and `ClusterConnection`. For a pool, implement it
/// on a type of your own:
///
/// ```
/// use node0_cache_monitor::redis::ConnectionSource;
///
/// #[derive(Clone)]
/// struct RedisPool(deadpool_redis::Pool);
///
/// impl ConnectionSource for RedisPool {
///     type Connection = deadpool_redis::Connection;
///     type Error = deadpool_redis::PoolError;
///
///     async fn connection(&self) -> Result<Self::Connection, Self::Error> {
///         self.0.get().await
///     }
/// }
/// ```
pub trait ConnectionSource: Send + Sync {
    /// A connection for one operation; dropping it gives it back.
    type Connection: DerefMut<Target: ConnectionLike + Send + Sized> + Send;
    /// The reason why there is no connection.
    type Error: Error + Send + Sync + 'static;

    /// Takes a connection, or waits for one.
    ///
    /// The tier drops this future when the operation's deadline passes.
    fn connection(&self) -> impl Future<Output = Result<Self::Connection, Self::Error>> + Send;
}

impl<C: ConnectionLike + Clone + Send + Sync> ConnectionSource for C {
    type Connection = Box<C>;
    type Error = Infallible;

    async fn connection(&self) -> Result<Box<C>, Infallible> {
        Ok(Box::new(self.clone()))
    }
}
