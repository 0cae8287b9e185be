//! Watches database connection pools: waits, holds, outcomes and leaks.
//!
//! A pool's own status has the number of connections. It lacks the time that callers waited and
//! what they waited for, the end of each wait, the time that connections are held, and connections
//! that are never returned. This crate records all of it in a [`node0_metrics_core::Registry`], whose
//! samples feed reports, health, scrapes and streams.
//!
//! A pool of any kind (r2d2, one of your own) is watched by a [`PoolHandle`] with two guards, one
//! for the wait and one for the use of a connection. For deadpool, sqlx and bb8 there are adapters,
//! behind features. The crate does not know SQL, exposition formats, HTTP or other monitors.
//!
//! ```
//! use node0_db_pool_monitor::{PoolLevels, PoolMonitor};
//! use node0_metrics_core::Registry;
//!
//! let registry = Registry::new();
//! let monitor = PoolMonitor::register(&registry)?;
//! // node0 calls the closure once a second for the levels of your pool.
//! let levels = PoolLevels { used: Some(1), idle: Some(3), ..PoolLevels::default() };
//! let handle = monitor.pool("main", move || Some(levels))?;
//!
//! let acquiring = handle.acquire(); // before you ask your pool
//! let checkout = acquiring.acquired(); // it gave you a connection
//! drop(checkout); // you gave the connection back
//! handle.acquire().timed_out(); // another time it did not
//!
//! let metrics = monitor.metrics(&registry.read(), "main").expect("it is watched");
//! assert_eq!((metrics.acquired, metrics.timed_out), (1, 1));
//! assert_eq!((metrics.active_connections, metrics.idle_connections), (Some(1), Some(3)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Metrics by kind of pool
//!
//! With the feature `deadpool`, `PoolMonitor::attach` watches a finished pool (column
//! *attached*), and `PoolMonitor::build` builds one with hooks, which shows more (*built*). Any
//! other pool has a [handle](PoolMonitor::pool). Its guards follow each wait and hold from the
//! start (*guards*); its other methods record a duration after the end (*durations*). A level
//! marked *if set* is shown if your closure returns it. A metric that is not known of a pool is
//! absent, never 0. So is the total of several pools if it is not known of one of them.
//!
//! | metric | labels besides `pool` | attached | built | guards | durations |
//! | --- | --- | --- | --- | --- | --- |
//! | `db_client_connections` | `state`: used, idle | yes | yes | if set | if set |
//! | `db_client_connections_max` | | yes | yes | if set | if set |
//! | `db_client_pending_requests`, `db_client_connecting_requests` | | yes | yes | if set | if set |
//! | `db_client_wait_duration_seconds` | | yes | yes | yes | yes |
//! | `db_client_use_duration_seconds` | | yes | yes | yes | yes |
//! | `db_client_acquires_total` | `outcome`: acquired, timed_out, failed, cancelled | yes | yes | yes | yes |
//! | `db_client_source_panics_total` | | yes | yes | yes | yes |
//! | `db_client_connections_used_peak` | | yes | yes | yes | |
//! | `db_client_oldest_use_age_seconds`, `db_client_oldest_wait_age_seconds` | | yes | yes | yes | |
//! | `db_client_leaked_connections`, `db_client_leaks_total` | | yes | yes | yes | |
//! | `db_client_pending_requests_peak` | | yes | yes | | |
//! | `db_client_timeouts_total` | `phase`: permit, connect | yes | yes | | |
//! | `db_client_wait_phase_duration_seconds` | `phase`: permit, recycle, connect | | yes | | |
//! | `db_client_connections_opened_total`, `db_client_connections_recycled_total` | | | yes | | |
//! | `db_client_connections_discarded_total` | `reason`: recycle_failed, cancelled, taken | | yes | | |
//!
//! Levels, ages and leaks are as of the last poll, once a tick. Pools of sqlx and bb8 have what
//! *guards* have, and the levels used, idle and max; they do not report how many callers wait.
//!
//! # Features
//!
//! | feature | adds |
//! | --- | --- |
//! | `deadpool` | the module `deadpool`: a `MonitoredPool` for any pool of deadpool's, by `PoolMonitor::attach` and `PoolMonitor::build` |
//! | `sqlx` | the module `sqlx`: a `MonitoredPool` for any pool of sqlx's, by `PoolMonitor::attach_sqlx` |
//! | `bb8` | the module `bb8`: a `MonitoredPool` for any pool of bb8's, by `PoolMonitor::attach_bb8` |
//! | `deadpool-postgres` | the module `postgres`: managers whose connects are timed, and a readiness check on a connection of its own; brings `deadpool` |
//!
//! Without features the crate depends on no pool and no runtime.

#[cfg(feature = "bb8")]
pub mod bb8;
#[cfg(feature = "deadpool")]
pub mod deadpool;
#[cfg(feature = "deadpool-postgres")]
pub mod postgres;
#[cfg(feature = "sqlx")]
pub mod sqlx;

mod cells;
mod checkout;
mod descs;
mod handle;
mod judge;
mod ledger;
mod levels;
mod metrics;
mod monitor;
mod reading;
mod recorder;
mod report;
mod thresholds;
mod watch;
mod watched;

pub use cells::WaitPhase;
pub use checkout::{Acquiring, Checkout};
pub use descs::*;
pub use handle::PoolHandle;
pub use levels::PoolLevels;
pub use metrics::{HookMetrics, PhaseTime, PoolMetrics, PoolRates, TrackedMetrics};
pub use monitor::{AttachError, PoolMonitor};
pub use thresholds::Thresholds;
pub use watch::TOPIC;
