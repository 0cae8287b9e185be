//! A pool of r2d2's, watched by two guards: one for the wait, one for the use.
//!
//! The adapter is this file. It fits any blocking pool; for one whose `get` is a future, end the
//! wait after the `.await`.

use std::ops::{Deref, DerefMut};

use node0::{AttachError, Checkout, Monitoring, PoolHandle, PoolLevels};
use r2d2::{Error, ManageConnection, Pool, PooledConnection};

/// A pool whose waits and holds are measured; clones share it.
#[derive(Clone)]
pub struct WatchedPool<M: ManageConnection> {
    pool: Pool<M>,
    handle: PoolHandle,
}

/// A connection whose use is timed until it is dropped.
pub struct Connection<M: ManageConnection> {
    // Dropped first: the use ends before the next caller gets the connection.
    _checkout: Checkout,
    connection: PooledConnection<M>,
}

impl<M: ManageConnection> WatchedPool<M> {
    /// Watches a pool under a name.
    pub fn new(monitoring: &Monitoring, name: &str, pool: Pool<M>) -> Result<Self, AttachError> {
        let asked = pool.clone();
        let handle = monitoring.database().pool(name, move || Some(levels(&asked)))?;
        Ok(Self { pool, handle })
    }

    /// Takes a connection, or waits for one.
    #[track_caller]
    pub fn get(&self) -> Result<Connection<M>, Error> {
        let acquiring = self.handle.acquire();
        match self.pool.get() {
            Ok(connection) => Ok(Connection { _checkout: acquiring.acquired(), connection }),
            // r2d2 fails only when its timeout has passed.
            Err(error) => {
                acquiring.timed_out();
                Err(error)
            }
        }
    }
}

fn levels<M: ManageConnection>(pool: &Pool<M>) -> PoolLevels {
    let state = pool.state();
    let (size, idle) = (u64::from(state.connections), u64::from(state.idle_connections));
    PoolLevels {
        used: Some(size.saturating_sub(idle)),
        idle: Some(idle),
        max: Some(pool.max_size().into()),
        ..PoolLevels::default()
    }
}

impl<M: ManageConnection> Deref for Connection<M> {
    type Target = M::Connection;

    fn deref(&self) -> &M::Connection {
        &self.connection
    }
}

impl<M: ManageConnection> DerefMut for Connection<M> {
    fn deref_mut(&mut self) -> &mut M::Connection {
        &mut self.connection
    }
}
