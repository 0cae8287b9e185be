//! The adapter for pools of [`sqlx`] 0.9.
//!
//! [`PoolMonitor::attach_sqlx`](crate::PoolMonitor::attach_sqlx) wraps a pool of any database. The
//! [`MonitoredPool`] has the pool's calls, so call sites stay as they are: `pool.acquire()`,
//! `pool.begin()`, and `&pool` as the executor of a query. `&mut *connection` and `&mut *transaction`
//! are executors too, as with sqlx.
//!
//! ```no_run
//! use node0_db_pool_monitor::PoolMonitor;
//! use node0_metrics_core::Registry;
//! use sqlx::postgres::PgPoolOptions;
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let registry = Registry::new();
//! let monitor = PoolMonitor::register(&registry)?;
//! let pool = PgPoolOptions::new().connect("postgres://localhost/shop").await?;
//! let pool = monitor.attach_sqlx("main", &pool)?;
//!
//! let orders: i64 = sqlx::query_scalar("SELECT count(*) FROM orders").fetch_one(&pool).await?;
//! let mut transaction = pool.begin().await?;
//! sqlx::query("DELETE FROM orders").execute(&mut *transaction).await?;
//! transaction.commit().await?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod connection;
mod executor;
mod pool;

pub use connection::{MonitoredConnection, MonitoredTransaction};
pub use pool::MonitoredPool;
