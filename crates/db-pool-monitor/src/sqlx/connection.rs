//! A connection and a transaction whose use is timed until they are dropped.
//!
//! Both dereference to the database's connection, so that `&mut *connection` is an executor.

use std::fmt;
use std::ops::{Deref, DerefMut};

use ::sqlx::pool::PoolConnection;
use ::sqlx::{Database, Error, SqlStr, Transaction};

use crate::checkout::Checkout;

/// A connection whose use is timed until it is dropped, which gives it back.
#[must_use = "dropping the connection gives it back"]
pub struct MonitoredConnection<DB: Database> {
    // Dropped first: the use ends before the next caller can get the connection.
    pub(super) checkout: Checkout,
    pub(super) connection: PoolConnection<DB>,
}

/// A transaction whose connection counts as used until it ends.
///
/// A transaction that is dropped is rolled back, as sqlx's own.
#[must_use = "dropping the transaction rolls it back"]
pub struct MonitoredTransaction<DB: Database> {
    checkout: Checkout,
    transaction: Transaction<'static, DB>,
}

impl<DB: Database> MonitoredConnection<DB> {
    /// Closes the connection; the pool may open another: see [`PoolConnection::close`].
    ///
    /// # Errors
    /// The database's, if it does not end well.
    pub async fn close(self) -> Result<(), Error> {
        let Self { checkout, connection } = self;
        let closed = connection.close().await;
        drop(checkout);
        closed
    }

    /// Takes the connection out of the pool for good: see [`PoolConnection::detach`].
    #[must_use]
    pub fn detach(self) -> DB::Connection {
        self.connection.detach()
    }

    /// Stops measuring and returns the pool's own connection.
    ///
    /// For interfaces that take that type only. The use ends here: the connection is not watched
    /// any more, and a leak of it is not found.
    #[must_use]
    pub fn into_inner(self) -> PoolConnection<DB> {
        self.connection
    }
}

impl<DB: Database> MonitoredTransaction<DB> {
    pub(super) async fn begin(
        connection: MonitoredConnection<DB>,
        statement: Option<SqlStr>,
    ) -> Result<Self, Error> {
        let MonitoredConnection { checkout, connection } = connection;
        let transaction = Transaction::begin(connection, statement).await?;
        Ok(Self { checkout, transaction })
    }

    /// Commits the transaction.
    ///
    /// # Errors
    /// The database's: see [`Transaction::commit`].
    pub async fn commit(self) -> Result<(), Error> {
        let Self { checkout, transaction } = self;
        let committed = transaction.commit().await;
        drop(checkout);
        committed
    }

    /// Rolls the transaction back.
    ///
    /// # Errors
    /// The database's: see [`Transaction::rollback`].
    pub async fn rollback(self) -> Result<(), Error> {
        let Self { checkout, transaction } = self;
        let rolled_back = transaction.rollback().await;
        drop(checkout);
        rolled_back
    }
}

impl<DB: Database> AsMut<Transaction<'static, DB>> for MonitoredTransaction<DB> {
    /// For functions that take sqlx's own type.
    fn as_mut(&mut self) -> &mut Transaction<'static, DB> {
        &mut self.transaction
    }
}

impl<DB: Database> Deref for MonitoredConnection<DB> {
    type Target = DB::Connection;

    fn deref(&self) -> &DB::Connection {
        &self.connection
    }
}

impl<DB: Database> DerefMut for MonitoredConnection<DB> {
    fn deref_mut(&mut self) -> &mut DB::Connection {
        &mut self.connection
    }
}

impl<DB: Database> Deref for MonitoredTransaction<DB> {
    type Target = DB::Connection;

    fn deref(&self) -> &DB::Connection {
        &self.transaction
    }
}

impl<DB: Database> DerefMut for MonitoredTransaction<DB> {
    fn deref_mut(&mut self) -> &mut DB::Connection {
        &mut self.transaction
    }
}

impl<DB: Database> fmt::Debug for MonitoredConnection<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MonitoredConnection").field(&self.checkout).finish()
    }
}

impl<DB: Database> fmt::Debug for MonitoredTransaction<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MonitoredTransaction").field(&self.checkout).finish()
    }
}
