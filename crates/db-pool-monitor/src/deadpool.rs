//! The adapter for pools of [`deadpool`].
//!
//! A finished pool can be [attached](crate::PoolMonitor::attach). A pool that is
//! [built](crate::PoolMonitor::build) here has hooks and shows more: the phases of a wait, and
//! the connections that the pool opened, recycled and discarded. Both return a
//! [`MonitoredPool`], whose `get` callers use instead of the pool's own.
//!
//! ```
//! use node0_db_pool_monitor::PoolMonitor;
//! use node0_db_pool_monitor::deadpool::MonitoredPool;
//! use deadpool::managed::{Manager, Metrics, Pool, RecycleResult};
//! use node0_metrics_core::Registry;
//!
//! struct Connector;
//!
//! impl Manager for Connector {
//!     type Type = &'static str;
//!     type Error = std::convert::Infallible;
//!
//!     async fn create(&self) -> Result<Self::Type, Self::Error> {
//!         Ok("a connection")
//!     }
//!
//!     async fn recycle(&self, _: &mut Self::Type, _: &Metrics) -> RecycleResult<Self::Error> {
//!         Ok(())
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let registry = Registry::new();
//! let monitor = PoolMonitor::register(&registry)?;
//! let pool: MonitoredPool<Connector> =
//!     monitor.build("main", Pool::builder(Connector).max_size(2))?;
//!
//! let connection = pool.get().await?;
//! assert_eq!(**connection, "a connection");
//! let metrics = monitor.metrics(&registry.read(), "main").expect("it is attached");
//! assert_eq!((metrics.active_connections, metrics.acquired), (Some(1), 1));
//!
//! drop(connection);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod attach;
mod phases;
mod pool;
mod status;

pub use attach::BuildPoolError;
pub use phases::mark_connecting;
pub use pool::{MonitoredObject, MonitoredPool};
