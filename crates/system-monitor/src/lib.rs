//! Watches the process and its runtime: memory, CPU, files, threads, workers and lag.
//!
//! A process does not know how near it is to being killed for its memory, nor
//! a runtime that one of its tasks blocks a worker. This crate reads the first
//! from the kernel and from the limits of the process's cgroups, and asks tokio
//! for the second, without `tokio_unstable`. It records both in a
//! [`metrics_core::Registry`], where one sample feeds reports, health, scrapes
//! and streams alike. Files are read once a tick by whoever polls the monitors,
//! never by a scrape or a probe.
//!
//! It refuses to know: pools, caches, exposition formats, HTTP, other monitors.
//!
//! ```
//! use metrics_core::Registry;
//! use system_monitor::SystemMonitor;
//! use tokio::runtime::Handle;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! let registry = Registry::new();
//! let monitor = SystemMonitor::register(&registry)?;
//! let _watched = monitor.attach("main", &Handle::current())?;
//!
//! let sample = registry.read();
//! let main = monitor.runtime(&sample, "main").expect("it is attached");
//! assert_eq!(main.workers, Some(1));
//! # if cfg!(target_os = "linux") {
//! let process = monitor.process(&sample);
//! assert!(process.resident_memory_bytes < process.memory_limit_bytes);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Two topics
//!
//! The process is the topic `system`, whose check is called `memory`. Runtimes
//! are the topic `runtime`, with a check of the same name: being short of memory
//! and being blocked need different hands. The report of `system` shows both;
//! that of `runtime` has each runtime by itself, with its workers.
//!
//! # The process
//!
//! What the platform does not tell is absent, never 0; on anything but Linux
//! that is all of it but the heap.
//!
//! | metric | what |
//! | --- | --- |
//! | `process_cpu_seconds_total` | CPU time |
//! | `process_open_fds`, `process_max_fds` | open files, and how many are allowed |
//! | `process_virtual_memory_bytes`, `process_virtual_memory_max_bytes` | address space, and how much is allowed |
//! | `process_resident_memory_bytes` | memory in RAM |
//! | `process_heap_bytes` | what the host's allocator [says](SystemMonitorBuilder::heap) |
//! | `process_start_time_seconds`, `process_uptime_seconds` | when it began, and how long ago that is |
//! | `process_threads` | threads |
//! | `process_cpu_usage_cores`, `cgroup_cpu_limit_cores` | CPU over the last tick, and the smallest quota |
//! | `process_memory_limit_bytes` | the smallest limit of its cgroups (both versions), or the machine's memory |
//! | `cgroup_memory_working_set_bytes` | what the kernel counts against that limit |
//!
//! Limits and the working set are read at every fifth poll. What has no limit
//! is `+Inf`.
//!
//! # Runtimes
//!
//! | metric | labels besides `runtime` | what |
//! | --- | --- | --- |
//! | `tokio_workers`, `tokio_alive_tasks`, `tokio_global_queue_depth` | | worker threads, tasks, and tasks that no worker has taken |
//! | `tokio_worker_busy_ratio` | `worker` | the share of the last tick, also of a worker that is blocked by now |
//! | `tokio_worker_parks_total` | `worker` | how often it ran out of work |
//! | `tokio_lag_seconds` | | how late tasks are woken, by a canary that sleeps and wakes |
//! | `tokio_stall_seconds` | | how late the canary is by now |
//!
//! Of the lag 1 to 2 ms are the timer's own. A stall is recorded with the
//! wake-ups that were missed in it, so that percentiles are those of a task that
//! is due at any time, and not of the few wake-ups that happened.

mod canary;
mod descs;
mod judge;
mod metrics;
mod monitor;
mod probe;
mod process;
mod reading;
mod report;
mod runtime;
mod thresholds;
mod watch;
mod worker;

pub use descs::*;
pub use metrics::{ProcessMetrics, RuntimeMetrics};
pub use monitor::{AttachError, SystemMonitor, SystemMonitorBuilder};
pub use runtime::MonitoredRuntime;
pub use thresholds::Thresholds;
pub use watch::{RUNTIME_TOPIC, TOPIC};
