//! Watches the process and its runtime: memory, CPU, files, threads, workers and lag.
//!
//! Two dangers are invisible from inside a service: memory close to the limit at which the
//! process is killed, and a task that blocks a worker of the runtime. This crate reads memory and
//! its limits from the kernel and the process's cgroups, and the state of workers from tokio,
//! without `tokio_unstable`. It records both in a [`node0_metrics_core::Registry`], where one sample
//! feeds reports, health, scrapes and streams alike.
//!
//! The files of `/proc` and of the cgroups are read once a tick, when the registry polls its
//! monitors, well within the millisecond that a poll may take. No scrape and no probe reads them.
//!
//! It does not know pools, caches, exposition formats, HTTP or other monitors.
//!
//! ```
//! use node0_metrics_core::Registry;
//! use node0_system_monitor::SystemMonitor;
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
//! The process is the topic `system`, whose check is called `memory`. Runtimes are the topic
//! `runtime`, with a check of the same name, because lack of memory and a blocked runtime have
//! different remedies. The report of `system` shows both, with the worse health of the two;
//! that of `runtime` shows each runtime by itself, with its workers.
//!
//! # The process
//!
//! A value that the platform does not report is absent, never 0. On systems other than Linux
//! only the heap is shown.
//!
//! | metric | meaning |
//! | --- | --- |
//! | `process_cpu_seconds_total` | CPU time |
//! | `process_open_fds`, `process_max_fds` | open files, and the most that are allowed |
//! | `process_virtual_memory_bytes`, `process_virtual_memory_max_bytes` | address space, and the most that is allowed |
//! | `process_resident_memory_bytes` | memory in RAM |
//! | `process_heap_bytes` | size of the heap, as the host's [function](SystemMonitorBuilder::heap) returns it |
//! | `process_start_time_seconds`, `process_uptime_seconds` | time of its start, and time since then |
//! | `process_threads` | threads |
//! | `process_cpu_usage_cores`, `cgroup_cpu_limit_cores` | CPU over the last tick, and the smallest quota |
//! | `process_memory_limit_bytes` | the smallest limit of its cgroups (both versions, `memory.high` included), or the machine's memory |
//! | `cgroup_memory_working_set_bytes` | memory that the kernel counts against that limit |
//! | `process_pause_duration_seconds` | pauses of the whole process, of half a second or more |
//!
//! Limits and the working set are read at every fifth poll. A missing limit is `+Inf`. Two files of
//! `/proc` stay open, so that a process without a free file descriptor is still seen.
//!
//! A stop of the whole process, such as by `SIGSTOP` or a frozen container, is one pause. It is
//! seen while a runtime is attached and the registry ticks: neither of them went on.
//!
//! # Runtimes
//!
//! | metric | labels besides `runtime` | meaning |
//! | --- | --- | --- |
//! | `tokio_workers`, `tokio_alive_tasks`, `tokio_global_queue_depth` | | worker threads, tasks, and tasks that no worker has taken |
//! | `tokio_worker_busy_ratio` | `worker` | share of the last tick that the worker was busy, also with a task that still blocks it |
//! | `tokio_worker_parks_total` | `worker` | times that the worker ran out of work |
//! | `tokio_lag_seconds` | | delay of wake-ups, measured by a canary: a task that only sleeps |
//! | `tokio_stall_seconds` | | delay so far of the canary's next wake-up |
//!
//! The timer itself accounts for 1 to 2 ms of the lag. After a stall the wake-ups that the canary
//! missed are recorded too. So percentiles are those of tasks that are due at any time, and a
//! long stall does not count as a single wake-up.

mod canary;
mod descs;
mod judge;
mod metrics;
mod monitor;
#[cfg(target_os = "linux")]
mod probe;
mod process;
mod pulse;
mod reading;
mod report;
mod runtime;
#[cfg(not(target_os = "linux"))]
mod silent_probe;
mod thresholds;
mod watch;
mod worker;

#[cfg(not(target_os = "linux"))]
use silent_probe as probe;

pub use descs::*;
pub use metrics::{ProcessMetrics, RuntimeMetrics};
pub use monitor::{AttachError, SystemMonitor, SystemMonitorBuilder};
pub use runtime::MonitoredRuntime;
pub use thresholds::Thresholds;
pub use watch::{RUNTIME_TOPIC, TOPIC};
