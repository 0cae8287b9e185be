//! Watches operations by name: latency, throughput and cache hits.
//!
//! An application that has no handle at hand has a name and a value. It records
//! them here, into a [`metrics_core::Registry`], where one sample feeds reports,
//! health, scrapes and streams alike. A first call with a name registers its
//! series; later calls look it up without a lock and without allocating. Names
//! that nobody uses any more expire.
//!
//! ```
//! use metrics_core::Registry;
//! use performance_monitor::PerformanceMonitor;
//! use std::time::Duration;
//!
//! let registry = Registry::new();
//! let performance = PerformanceMonitor::register(&registry)?;
//!
//! // By name.
//! performance.record_latency("api:request", Duration::from_millis(150));
//! performance.record_throughput("api:requests", 1);
//! performance.record_cache_hit("L1");
//!
//! // By a handle, for hot paths: the same series.
//! let requests = performance.latency("api:request")?;
//! requests.record(Duration::from_millis(150));
//!
//! let latency = performance.latency_percentiles("api:request").expect("it was recorded");
//! assert_eq!(latency.samples, 2);
//! let p95 = latency.p95.expect("there are samples");
//! assert!(p95.abs_diff(Duration::from_millis(150)) < Duration::from_micros(1500));
//! assert_eq!(performance.latency_percentiles("no such operation"), None);
//! # Ok::<(), metrics_core::RegisterError>(())
//! ```
//!
//! # What it refuses to know
//!
//! Exposition formats, HTTP, what an operation does, and other monitors.
//!
//! # Metrics
//!
//! | metric | labels |
//! | --- | --- |
//! | `operation_duration_seconds`, `operations_total` | `operation` |
//! | `cache_gets_total` | `cache`: default; `tier`; `result`: hit, miss |
//!
//! The last one is [`metrics_core::CACHE_GETS`], which a monitor of caches
//! records too: a lookup is recorded here or there, and its total is one.

mod by_name;
mod descs;
mod judge;
mod monitor;
mod reading;
mod report;
mod thresholds;
mod watch;

pub use descs::{DESCS, OPERATION_DURATION, OPERATIONS};
pub use monitor::{PerformanceMonitor, PerformanceMonitorBuilder};
pub use thresholds::Thresholds;
pub use watch::TOPIC;
