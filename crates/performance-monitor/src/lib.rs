//! Watches operations by name: latency, throughput, failures and cache hits.
//!
//! Code without a metric handle records a value by the name of an operation. This
//! crate records it in a [`node0_metrics_core::Registry`], where one sample feeds
//! reports, health, scrapes and streams alike. The first call with a name
//! registers its series; later calls look it up without a lock and without
//! allocating. Names that are no longer used expire.
//!
//! ```
//! use node0_metrics_core::Registry;
//! use node0_performance_monitor::PerformanceMonitor;
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
//! # Ok::<(), node0_metrics_core::RegisterError>(())
//! ```
//!
//! It does not know exposition formats, HTTP, the meaning of operations or other monitors.
//!
//! # Metrics
//!
//! | metric | labels |
//! | --- | --- |
//! | `operation_duration_seconds`, `operations_total`, `operation_failures_total` | `operation` |
//! | `cache_gets_total` | `cache`: default; `tier`; `result`: hit, miss |
//!
//! The last one is [`node0_metrics_core::CACHE_GETS`], which the cache monitor records
//! too. Record each lookup in one of the two monitors; both add to the same total.

mod by_name;
mod descs;
mod judge;
mod monitor;
mod reading;
mod report;
mod thresholds;
mod watch;

pub use descs::{DESCS, OPERATION_DURATION, OPERATION_FAILURES, OPERATIONS};
pub use monitor::{PerformanceMonitor, PerformanceMonitorBuilder};
pub use thresholds::Thresholds;
pub use watch::TOPIC;
