//! The watched pool, with the calls of sqlx's own.

use std::fmt;
use std::panic::Location;

use ::sqlx::pool::PoolConnection;
use ::sqlx::{Database, Error, Pool, SqlSafeStr};

use super::connection::{MonitoredConnection, MonitoredTransaction};
use crate::checkout::{Acquiring, Checkout};
use crate::handle::PoolHandle;
use crate::levels::PoolLevels;
use crate::monitor::{AttachError, PoolMonitor};
use crate::thresholds::Thresholds;
use crate::watched::PoolId;

/// A pool of sqlx's whose waits and holds are measured; clones share it.
///
/// Each call is the pool's own, with the same errors and the same cancel safety. A wait is counted
/// once, when it ends, as acquired, timed out, failed or cancelled; a future that was never polled
/// is not counted. A connection from the bare pool shows in the levels only.
///
/// `&pool` is an executor: the connection of a query counts as used until the query's future or
/// stream is dropped.
pub struct MonitoredPool<DB: Database> {
    pool: Pool<DB>,
    handle: PoolHandle,
}

impl PoolMonitor {
    /// Watches a pool of sqlx's.
    ///
    /// It shows levels, waits, holds and outcomes. sqlx does not report how many callers wait, nor
    /// the parts of a wait, so these are absent. The pool is watched until it is closed or the last
    /// clone of the returned pool is dropped.
    ///
    /// # Errors
    /// [`AttachError`] for a name that is taken or unusable, for a pool that is watched under
    /// another name, and for a closed pool.
    pub fn attach_sqlx<DB: Database>(
        &self,
        name: &str,
        pool: &Pool<DB>,
    ) -> Result<MonitoredPool<DB>, AttachError> {
        let asked = pool.clone();
        let levels = move || (!asked.is_closed()).then(|| levels(&asked));
        // The options are a part that the pool's clones share.
        let handle = self.watch_levels(name, Some(PoolId::of(pool.options())), levels)?;
        Ok(MonitoredPool { pool: pool.clone(), handle })
    }
}

impl<DB: Database> MonitoredPool<DB> {
    /// Takes a connection from the pool, or waits for one.
    ///
    /// A connection that is never returned is reported with the line of this call.
    ///
    /// # Errors
    /// The pool's own: see [`Pool::acquire`].
    #[track_caller]
    pub fn acquire(
        &self,
    ) -> impl Future<Output = Result<MonitoredConnection<DB>, Error>> + use<DB> {
        let (pool, handle, caller) = (self.pool.clone(), self.handle.clone(), Location::caller());
        async move {
            let acquiring = handle.acquire_at(caller);
            let (checkout, connection) = ended(acquiring, pool.acquire().await)?;
            Ok(MonitoredConnection { checkout, connection })
        }
    }

    /// Takes an idle connection; `None` if there is none, which counts as timed out.
    #[track_caller]
    pub fn try_acquire(&self) -> Option<MonitoredConnection<DB>> {
        let (checkout, connection) = self.take_idle()?;
        Some(MonitoredConnection { checkout, connection })
    }

    /// Takes a connection and begins a transaction, whose end is the end of the use.
    ///
    /// # Errors
    /// The pool's own: see [`Pool::begin`].
    #[track_caller]
    pub fn begin(&self) -> impl Future<Output = Result<MonitoredTransaction<DB>, Error>> + use<DB> {
        let acquire = self.acquire();
        async move { MonitoredTransaction::begin(acquire.await?, None).await }
    }

    /// Takes a connection and begins a transaction by a statement of your own.
    ///
    /// # Errors
    /// The pool's own: see [`Pool::begin_with`].
    #[track_caller]
    pub fn begin_with<S: SqlSafeStr>(
        &self,
        statement: S,
    ) -> impl Future<Output = Result<MonitoredTransaction<DB>, Error>> + use<DB, S> {
        let (acquire, statement) = (self.acquire(), statement.into_sql_str());
        async move { MonitoredTransaction::begin(acquire.await?, Some(statement)).await }
    }

    /// Takes an idle connection and begins a transaction; `None` if there is no idle connection.
    ///
    /// # Errors
    /// The pool's own: see [`Pool::try_begin`].
    #[track_caller]
    pub fn try_begin(
        &self,
    ) -> impl Future<Output = Result<Option<MonitoredTransaction<DB>>, Error>> + use<DB> {
        let connection = self.try_acquire();
        async move {
            let Some(connection) = connection else { return Ok(None) };
            MonitoredTransaction::begin(connection, None).await.map(Some)
        }
    }

    /// Closes the pool: see [`Pool::close`]. It is no longer shown, and its name is free.
    pub fn close(&self) -> impl Future<Output = ()> + '_ {
        self.pool.close()
    }

    /// Returns `true` once the pool was closed.
    pub fn is_closed(&self) -> bool {
        self.pool.is_closed()
    }

    /// The open connections.
    pub fn size(&self) -> u32 {
        self.pool.size()
    }

    /// The open connections that nobody uses.
    pub fn num_idle(&self) -> usize {
        self.pool.num_idle()
    }

    /// The bare pool, whose callers are not measured, for interfaces that take that type.
    pub fn pool(&self) -> &Pool<DB> {
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

    #[track_caller]
    fn take_idle(&self) -> Option<(Checkout, PoolConnection<DB>)> {
        let acquiring = self.handle.acquire();
        match self.pool.try_acquire() {
            Some(connection) => Some((acquiring.acquired(), connection)),
            None => {
                acquiring.timed_out();
                None
            }
        }
    }
}

/// Ends a wait by what the pool returned.
fn ended<T>(acquiring: Acquiring, got: Result<T, Error>) -> Result<(Checkout, T), Error> {
    match got {
        Ok(connection) => Ok((acquiring.acquired(), connection)),
        Err(error) => {
            match error {
                Error::PoolTimedOut => acquiring.timed_out(),
                _ => acquiring.failed(),
            }
            Err(error)
        }
    }
}

fn levels<DB: Database>(pool: &Pool<DB>) -> PoolLevels {
    let (size, idle) = (u64::from(pool.size()), pool.num_idle() as u64);
    PoolLevels {
        // They are read one after the other, so more may be idle by now.
        used: Some(size.saturating_sub(idle)),
        idle: Some(idle.min(size)),
        max: Some(pool.options().get_max_connections().into()),
        ..PoolLevels::default()
    }
}

impl<DB: Database> Clone for MonitoredPool<DB> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), handle: self.handle.clone() }
    }
}

impl<DB: Database> fmt::Debug for MonitoredPool<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, size) = (self.name(), self.size());
        f.debug_struct("MonitoredPool").field("name", &name).field("size", &size).finish()
    }
}
