//! A pool of connections, bound to the tier as a user would bind it.

use deadpool_redis::{Connection, Manager, Pool, PoolError};
use node0_cache_monitor::redis::ConnectionSource;
use testbed::redis::RedisServer;

#[derive(Clone)]
pub(crate) struct RedisPool(Pool);

impl RedisPool {
    /// Connections whose client waits as long as the tier does.
    pub(crate) fn patient(server: &RedisServer, max_size: usize) -> Self {
        let patient = redis::AsyncConnectionConfig::new();
        let patient = patient.set_response_timeout(None).set_connection_timeout(None);
        let manager = Manager::new_with_config(server.url(), patient).unwrap();
        Self(Pool::builder(manager).max_size(max_size).build().unwrap())
    }

    /// The pool itself, for what the tier does not do.
    pub(crate) fn pool(&self) -> &Pool {
        &self.0
    }
}

impl ConnectionSource for RedisPool {
    type Connection = Connection;
    type Error = PoolError;

    async fn connection(&self) -> Result<Connection, PoolError> {
        self.0.get().await
    }
}
