//! Watches database connection pools: waits, holds, outcomes and leaks.
//!
//! A pool's own status says how many connections there are. It does not say how
//! long callers waited and for what, how each wait ended, who holds a
//! connection for how long, and that somebody never gave one back. This crate
//! wraps a [`deadpool`] pool in a [`MonitoredPool`] with the same `get` and
//! records all of it in a [`metrics_core::Registry`], where one sample feeds
//! reports, health, scrapes and streams alike. A pool of any other kind (sqlx,
//! bb8, r2d2, one of your own) is told of by a [`PoolHandle`].
//!
//! It refuses to know: SQL, queries, exposition formats, HTTP, other monitors.
//!
//! ```
//! use db_pool_monitor::{MonitoredPool, PoolMonitor};
//! use deadpool::managed::{Manager, Metrics, Pool, RecycleResult};
//! use metrics_core::Registry;
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
//!
//! # Attach, build or tell
//!
//! A finished pool of deadpool's can be [attached](PoolMonitor::attach). One that is
//! [built](PoolMonitor::build) here carries hooks, and shows more. A [handle](PoolMonitor::pool)
//! is told of each wait and hold when it ends, and so knows nothing of those that go on.
//! What a pool cannot know is absent, never 0; of several pools' totals, too.
//!
//! | metric | labels besides `pool` | attached | built | handle |
//! | --- | --- | --- | --- | --- |
//! | `db_client_connections` | `state`: used, idle | yes | yes | as it says |
//! | `db_client_connections_max` | | yes | yes | as it says |
//! | `db_client_pending_requests`, `db_client_connecting_requests` | | yes | yes | as it says |
//! | `db_client_wait_duration_seconds` | | yes | yes | yes |
//! | `db_client_use_duration_seconds` | | yes | yes | yes |
//! | `db_client_acquires_total` | `outcome`: acquired, timed_out, failed, cancelled | yes | yes | yes |
//! | `db_client_source_panics_total` | | yes | yes | yes |
//! | `db_client_connections_used_peak`, `db_client_pending_requests_peak` | | yes | yes | |
//! | `db_client_timeouts_total` | `phase`: permit, connect | yes | yes | |
//! | `db_client_oldest_use_age_seconds`, `db_client_oldest_wait_age_seconds` | | yes | yes | |
//! | `db_client_leaked_connections`, `db_client_leaks_total` | | yes | yes | |
//! | `db_client_wait_phase_duration_seconds` | `phase`: permit, recycle, connect | | yes | |
//! | `db_client_connections_opened_total`, `db_client_connections_recycled_total` | | | yes | |
//! | `db_client_connections_discarded_total` | `reason`: recycle_failed, cancelled, taken | | yes | |
//!
//! Levels, ages and leaks are as of the last poll, once a tick. A handle has the levels that
//! its pool can say: r2d2 and bb8 in `state()`, sqlx by `size()` and `num_idle()`, none of
//! which counts who waits.
//!
//! # Features
//!
//! | feature | adds |
//! | --- | --- |
//! | `deadpool-postgres` | the module `postgres`: managers whose connects are timed, and a readiness check on a connection of its own |

#[cfg(feature = "deadpool-postgres")]
pub mod postgres;

mod assess;
mod attach;
mod attached;
mod cells;
mod checkout;
mod descs;
mod handle;
mod ledger;
mod levels;
mod metrics;
mod monitor;
mod phases;
mod pool;
mod reading;
mod report;
mod status;
mod thresholds;
mod tracked;
mod watch;

pub use attach::AttachError;
pub use descs::{
    ACQUIRES, CONNECTING_REQUESTS, CONNECTIONS, CONNECTIONS_DISCARDED, CONNECTIONS_MAX,
    CONNECTIONS_OPENED, CONNECTIONS_RECYCLED, CONNECTIONS_USED_PEAK, DESCS, LEAKED_CONNECTIONS,
    LEAKS, OLDEST_USE_AGE, OLDEST_WAIT_AGE, PENDING_REQUESTS, PENDING_REQUESTS_PEAK, SOURCE_PANICS,
    TIMEOUTS, USE_DURATION, WAIT_DURATION, WAIT_PHASE_DURATION,
};
pub use handle::PoolHandle;
pub use levels::PoolLevels;
pub use metrics::{HookMetrics, PhaseTime, PoolMetrics, PoolRates, TrackedMetrics, WaitPhases};
pub use monitor::PoolMonitor;
pub use phases::mark_connecting;
pub use pool::{MonitoredObject, MonitoredPool};
pub use thresholds::Thresholds;
pub use watch::TOPIC;
