//! Watches database connection pools: waits, holds, outcomes and leaks.
//!
//! A pool's own status says how many connections there are. It does not say how
//! long callers waited and for what, how each wait ended, who holds a
//! connection for how long, and that somebody never gave one back. This crate
//! records all of it in a [`metrics_core::Registry`], where one sample feeds
//! reports, health, scrapes and streams alike.
//!
//! A pool of any kind (sqlx, bb8, r2d2, one of your own) is watched by a
//! [`PoolHandle`] with two guards, one for the wait and one for the use of a
//! connection. For deadpool there is an adapter, behind a feature.
//!
//! It refuses to know: SQL, queries, exposition formats, HTTP, other monitors.
//!
//! ```
//! use db_pool_monitor::{PoolLevels, PoolMonitor};
//! use metrics_core::Registry;
//!
//! let registry = Registry::new();
//! let monitor = PoolMonitor::register(&registry)?;
//! // The closure is asked once a second for the levels of your pool.
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
//! # Which pool shows which metric
//!
//! With the feature `deadpool`, `PoolMonitor::attach` watches a finished pool, and
//! `PoolMonitor::build` builds one with hooks, which shows more. Any other pool has a
//! [handle](PoolMonitor::pool), with guards that follow each wait and hold from its start, and
//! with calls that record a duration when it has ended. What is not known of a pool is absent,
//! never 0, and so is the total of several pools of which one does not know it.
//!
//! | metric | labels besides `pool` | attached | built | guards | durations |
//! | --- | --- | --- | --- | --- | --- |
//! | `db_client_connections` | `state`: used, idle | yes | yes | as it says | as it says |
//! | `db_client_connections_max` | | yes | yes | as it says | as it says |
//! | `db_client_pending_requests`, `db_client_connecting_requests` | | yes | yes | as it says | as it says |
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
//! Levels, ages and leaks are as of the last poll, once a tick. A handle has the levels that
//! its pool can say: sqlx by `size()` and `num_idle()`, r2d2 and bb8 in `state()`.
//!
//! # Features
//!
//! | feature | adds |
//! | --- | --- |
//! | `deadpool` | the module `deadpool`: a `MonitoredPool` for any pool of deadpool's, by `PoolMonitor::attach` and `PoolMonitor::build` |
//! | `deadpool-postgres` | the module `postgres`: managers whose connects are timed, and a readiness check on a connection of its own; brings `deadpool` |
//!
//! Without features the crate knows no pool by name, and brings no runtime.

#[cfg(feature = "deadpool")]
pub mod deadpool;
#[cfg(feature = "deadpool-postgres")]
pub mod postgres;

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
