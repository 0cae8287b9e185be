//! The adapter for pools of [`bb8`] 0.9.
//!
//! [`PoolMonitor::attach_bb8`] wraps a pool, and callers use the `get` of the [`MonitoredPool`].
//!
//! ```
//! use bb8::{ManageConnection, Pool};
//! use node0_db_pool_monitor::PoolMonitor;
//! use node0_metrics_core::Registry;
//! use std::convert::Infallible;
//!
//! struct Connector;
//!
//! impl ManageConnection for Connector {
//!     type Connection = &'static str;
//!     type Error = Infallible;
//!
//!     async fn connect(&self) -> Result<Self::Connection, Infallible> {
//!         Ok("a connection")
//!     }
//!
//!     async fn is_valid(&self, _: &mut Self::Connection) -> Result<(), Infallible> {
//!         Ok(())
//!     }
//!
//!     fn has_broken(&self, _: &mut Self::Connection) -> bool {
//!         false
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! let registry = Registry::new();
//! let monitor = PoolMonitor::register(&registry)?;
//! let pool = Pool::builder().max_size(2).build(Connector).await?;
//! let pool = monitor.attach_bb8("main", &pool)?;
//!
//! let connection = pool.get().await?;
//! assert_eq!(*connection, "a connection");
//! let metrics = monitor.metrics(&registry.read(), "main").expect("it is attached");
//! assert_eq!((metrics.active_connections, metrics.acquired), (Some(1), 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;
use std::ops::{Deref, DerefMut};

use ::bb8::{ManageConnection, Pool, PooledConnection, RunError, State};

use crate::checkout::{Acquiring, Checkout};
use crate::handle::PoolHandle;
use crate::levels::PoolLevels;
use crate::monitor::{AttachError, PoolMonitor};
use crate::thresholds::Thresholds;

/// A pool of bb8's whose waits and holds are measured; clones share it.
///
/// Each `get` is the pool's own, with the same errors and the same cancel safety. A wait is counted
/// once, when it ends, as acquired, timed out, failed or cancelled; a future that was never polled
/// is not counted. A connection from the bare pool shows in the levels only.
pub struct MonitoredPool<M: ManageConnection> {
    pool: Pool<M>,
    handle: PoolHandle,
}

/// A connection whose use is timed until it is dropped, which gives it back.
#[must_use = "dropping the connection gives it back"]
pub struct MonitoredConnection<'a, M: ManageConnection> {
    // Dropped first: the use ends before the next caller can get the connection.
    checkout: Checkout,
    connection: PooledConnection<'a, M>,
}

impl PoolMonitor {
    /// Watches a pool of bb8's.
    ///
    /// It shows levels, waits, holds and outcomes. bb8 does not report how many callers wait, nor
    /// the parts of a wait, so these are absent. It has no identity either: attach a pool once, or
    /// its connections count twice in the totals. The pool is watched until the last clone of the
    /// returned pool is dropped.
    ///
    /// # Errors
    /// [`AttachError`] for a name that is taken or unusable.
    pub fn attach_bb8<M: ManageConnection>(
        &self,
        name: &str,
        pool: &Pool<M>,
    ) -> Result<MonitoredPool<M>, AttachError> {
        let asked = pool.clone();
        let handle = self.pool(name, move || Some(levels(&asked)))?;
        Ok(MonitoredPool { pool: pool.clone(), handle })
    }
}

impl<M: ManageConnection> MonitoredPool<M> {
    /// Takes a connection from the pool, or waits for one.
    ///
    /// A connection that is never returned is reported with the line of this call.
    ///
    /// # Errors
    /// The pool's own: see [`Pool::get`].
    #[track_caller]
    pub fn get(
        &self,
    ) -> impl Future<Output = Result<MonitoredConnection<'_, M>, RunError<M::Error>>> {
        let caller = std::panic::Location::caller();
        async move {
            let acquiring = self.handle.acquire_at(caller);
            ended(acquiring, self.pool.get().await)
        }
    }

    /// Takes a connection that may outlive the pool's borrow.
    ///
    /// # Errors
    /// The pool's own: see [`Pool::get_owned`].
    #[track_caller]
    pub fn get_owned(
        &self,
    ) -> impl Future<Output = Result<MonitoredConnection<'static, M>, RunError<M::Error>>> + use<M>
    {
        let (pool, handle) = (self.pool.clone(), self.handle.clone());
        let caller = std::panic::Location::caller();
        async move {
            let acquiring = handle.acquire_at(caller);
            ended(acquiring, pool.get_owned().await)
        }
    }

    /// The state of the pool, as bb8 reports it.
    pub fn state(&self) -> State {
        self.pool.state()
    }

    /// The bare pool, whose callers are not measured, for interfaces that take that type.
    pub fn pool(&self) -> &Pool<M> {
        &self.pool
    }

    /// The name under which the pool is watched.
    pub fn name(&self) -> &str {
        self.handle.name()
    }

    /// Replaces the thresholds that the pool is judged by, from the next judgement on; before
    /// that they are [`Thresholds::default`].
    pub fn set_thresholds(&self, thresholds: Thresholds) {
        self.handle.set_thresholds(thresholds);
    }
}

impl<'a, M: ManageConnection> MonitoredConnection<'a, M> {
    /// Stops measuring and returns the pool's own connection.
    ///
    /// For interfaces that take that type only. The use ends here: the connection is not watched
    /// any more, and a leak of it is not found.
    pub fn into_inner(this: Self) -> PooledConnection<'a, M> {
        this.connection
    }
}

/// Ends a wait by what the pool returned.
fn ended<M: ManageConnection>(
    acquiring: Acquiring,
    got: Result<PooledConnection<'_, M>, RunError<M::Error>>,
) -> Result<MonitoredConnection<'_, M>, RunError<M::Error>> {
    match got {
        Ok(connection) => Ok(MonitoredConnection { checkout: acquiring.acquired(), connection }),
        Err(error) => {
            match error {
                RunError::TimedOut => acquiring.timed_out(),
                RunError::User(_) => acquiring.failed(),
            }
            Err(error)
        }
    }
}

fn levels<M: ManageConnection>(pool: &Pool<M>) -> PoolLevels {
    let state = pool.state();
    let (size, idle) = (u64::from(state.connections), u64::from(state.idle_connections));
    PoolLevels {
        used: Some(size.saturating_sub(idle)),
        idle: Some(idle),
        max: Some(pool.config().max_size.into()),
        ..PoolLevels::default()
    }
}

impl<M: ManageConnection> Deref for MonitoredConnection<'_, M> {
    type Target = M::Connection;

    fn deref(&self) -> &M::Connection {
        &self.connection
    }
}

impl<M: ManageConnection> DerefMut for MonitoredConnection<'_, M> {
    fn deref_mut(&mut self) -> &mut M::Connection {
        &mut self.connection
    }
}

impl<M: ManageConnection> Clone for MonitoredPool<M> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), handle: self.handle.clone() }
    }
}

impl<M: ManageConnection> fmt::Debug for MonitoredPool<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.pool.state();
        f.debug_struct("MonitoredPool").field("name", &self.name()).field("state", &state).finish()
    }
}

impl<M: ManageConnection> fmt::Debug for MonitoredConnection<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MonitoredConnection").field(&self.checkout).finish()
    }
}
