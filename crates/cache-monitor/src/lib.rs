//! Watches caches by tier: hits, misses, loads, evictions, sizes and latencies.
//!
//! Simple counting of hits and misses misleads in three ways: a cache that is down looks like one
//! that misses, a hundred callers that wait for one load look like a hundred loads, and a hit rate
//! since start hides that the cache was just emptied. This crate counts each lookup once, as a hit,
//! a miss, an error or cancelled. It counts each load once, however many callers wait for it, and
//! computes rates over recent ticks. It records in a [`node0_metrics_core::Registry`], where one sample
//! feeds reports, health, scrapes and streams alike.
//!
//! It does not know keys, values, the composition of tiers, exposition formats, HTTP or other
//! monitors.
//!
//! ```
//! use node0_cache_monitor::{CacheMonitor, Operation, Size};
//! use node0_metrics_core::Registry;
//! use std::time::Duration;
//!
//! let registry = Registry::new();
//! let monitor = CacheMonitor::register(&registry)?;
//!
//! // A handle, for hot paths.
//! let l1 = monitor.tier("orders", "L1")?;
//! l1.miss(Duration::from_micros(3));
//! l1.set(Duration::from_micros(8), Size::Plain(512));
//! l1.hit(Duration::from_micros(2));
//!
//! // By name, for everything else: the same series as a handle in the cache `default`.
//! monitor.record_hit("L2", "user:123", Duration::from_millis(2));
//!
//! let sample = registry.read();
//! let metrics = monitor.tier_metrics(&sample, "L1").expect("it was recorded");
//! assert_eq!((metrics.hits, metrics.misses, metrics.sets), (1, 1, Some(1)));
//! let gets = monitor.latency_distribution(&sample, "L2", Operation::Get);
//! assert_eq!(gets.expect("it was recorded").samples, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Metrics
//!
//! All have the labels `cache` and `tier`. A series that was neither recorded nor
//! [declared](Tier::declare) is absent, never 0.
//!
//! | metric | further label |
//! | --- | --- |
//! | `cache_gets_total` | `result`: hit, miss |
//! | `cache_operation_duration_seconds` | `operation`: get, set, delete, load |
//! | `cache_writes_total` | `operation`: set, delete |
//! | `cache_errors_total`, `cache_cancellations_total` | `operation`: get, set, delete |
//! | `cache_evictions_total`, `cache_evicted_bytes_total` | `cause`: size, expired, explicit, replaced |
//! | `cache_loads_total` | `outcome`: success, failure, cancelled |
//! | `cache_coalesced_loads_total`, `cache_stale_served_total`, `cache_promotions_total` | |
//! | `cache_raw_bytes_total`, `cache_stored_bytes_total` | |
//! | `cache_source_panics_total` | |
//! | `cache_entries`, `cache_max_entries`, `cache_bytes`, `cache_max_bytes` | |
//!
//! The hit rate is computed when it is read. Lookups that others record into the family [`GETS`],
//! such as a monitor of operations by name, are shown and judged here too.
//!
//! # Features
//!
//! | feature | adds |
//! | --- | --- |
//! | `moka` | the module `moka`: wrappers of moka's sync and future caches that count lookups, loads and evictions |
//! | `redis` | the module `redis`: a tier in Redis, over connections of any kind |

#[cfg(feature = "moka")]
pub mod moka;
#[cfg(feature = "redis")]
pub mod redis;

mod by_name;
mod cells;
mod descs;
mod judge;
mod levels;
mod metrics;
mod monitor;
mod reading;
mod report;
mod thresholds;
mod tier;
mod timed;
mod watch;
mod words;

pub use descs::*;
pub use levels::Levels;
pub use metrics::{LoadMetrics, TierMetrics};
pub use monitor::CacheMonitor;
pub use thresholds::Thresholds;
pub use tier::Tier;
pub use timed::Timed;
pub use watch::TOPIC;
pub use words::{Events, EvictionCause, LoadOutcome, Operation, Size};
