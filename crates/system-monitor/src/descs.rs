//! The descriptions of all metrics of the process and of its runtimes.
//!
//! The process has the names that Prometheus's client libraries agree on. Names for the rest
//! follow cAdvisor (`working_set`, `cores`). Runtimes have the names of the crate
//! `tokio-metrics`, except where promtool's linter refuses them: a gauge must not end in
//! `_count`.

use node0_metrics_core::{Desc, Unit, descs};

descs! {
    /// CPU time of the process.
    pub const CPU_SECONDS: Desc =
        Desc::total("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.")
            .unit(Unit::Seconds);

    /// Open file descriptors.
    pub const OPEN_FDS: Desc = Desc::gauge("process_open_fds", "Number of open file descriptors.");

    /// The most open file descriptors that the process may have.
    pub const MAX_FDS: Desc = Desc::gauge(
        "process_max_fds",
        "Maximum number of open file descriptors; +Inf when unlimited.",
    );

    /// Virtual memory.
    pub const VIRTUAL_MEMORY: Desc =
        Desc::gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.")
            .unit(Unit::Bytes);

    /// The most virtual memory that the process may have.
    pub const VIRTUAL_MEMORY_MAX: Desc = Desc::gauge(
        "process_virtual_memory_max_bytes",
        "Maximum amount of virtual memory available in bytes; +Inf when unlimited.",
    )
    .unit(Unit::Bytes);

    /// Resident memory.
    pub const RESIDENT_MEMORY: Desc =
        Desc::gauge("process_resident_memory_bytes", "Resident memory size in bytes.")
            .unit(Unit::Bytes);

    /// The size of the heap, as the host's allocator reports it.
    pub const HEAP: Desc = Desc::gauge(
        "process_heap_bytes",
        "Process heap size in bytes, if the host's allocator reports it.",
    )
    .unit(Unit::Bytes);

    /// The time at which the process began.
    pub const START_TIME: Desc = Desc::gauge(
        "process_start_time_seconds",
        "Start time of the process since unix epoch in seconds.",
    )
    .unit(Unit::Seconds);

    /// Threads.
    pub const THREADS: Desc = Desc::gauge("process_threads", "Number of OS threads in the process.");

    /// The age of the process.
    pub const UPTIME: Desc =
        Desc::gauge("process_uptime_seconds", "Time since the process started.")
            .unit(Unit::Seconds);

    /// CPU over the last tick.
    pub const CPU_USAGE: Desc = Desc::gauge(
        "process_cpu_usage_cores",
        "CPU that the process used over the last tick, in cores; NaN until it was read twice.",
    );

    /// The memory that the process can have before it is killed.
    pub const MEMORY_LIMIT: Desc = Desc::gauge(
        "process_memory_limit_bytes",
        "Memory available to the process: the smallest limit of its cgroups, memory.high included, or the machine's memory.",
    )
    .unit(Unit::Bytes);

    /// Memory that the kernel counts against the limit.
    pub const CGROUP_WORKING_SET: Desc = Desc::gauge(
        "cgroup_memory_working_set_bytes",
        "Memory of the cgroup that sets the limit, of all its processes, without inactive page cache.",
    )
    .unit(Unit::Bytes);

    /// The CPU quota.
    pub const CGROUP_CPU_LIMIT: Desc = Desc::gauge(
        "cgroup_cpu_limit_cores",
        "Smallest CPU quota of the process's cgroups, in cores; +Inf when unlimited.",
    );

    /// Pauses of the whole process.
    pub const PAUSE: Desc = Desc::latency(
        "process_pause_duration_seconds",
        "Pauses of the whole process, such as by SIGSTOP or a frozen container, of half a second or more.",
    )
    .bounds(&[1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0]);

    /// Worker threads of a runtime.
    pub const WORKERS: Desc =
        Desc::gauge("tokio_workers", "Worker threads of the runtime.").labels(&["runtime"]);

    /// Tasks of a runtime.
    pub const ALIVE_TASKS: Desc = Desc::gauge(
        "tokio_alive_tasks",
        "Tasks of the runtime that have not ended, without the lag canary.",
    )
    .labels(&["runtime"]);

    /// Tasks that no worker has taken yet.
    pub const GLOBAL_QUEUE_DEPTH: Desc = Desc::gauge(
        "tokio_global_queue_depth",
        "Tasks that wait in the runtime's global queue for a worker.",
    )
    .labels(&["runtime"]);

    /// The share of the last tick that a worker was busy.
    pub const WORKER_BUSY_RATIO: Desc = Desc::gauge(
        "tokio_worker_busy_ratio",
        "Share of the last tick that the worker was busy, also with a task that still blocks it; NaN until it was read twice.",
    )
    .unit(Unit::Ratio)
    .labels(&["runtime", "worker"]);

    /// Times that a worker ran out of work.
    pub const WORKER_PARKS: Desc = Desc::counter(
        "tokio_worker_parks_total",
        "Times that the worker ran out of work and slept, since the runtime was attached.",
    )
    .labels(&["runtime", "worker"]);

    /// The delay of tasks that sleep.
    pub const LAG: Desc = Desc::latency(
        "tokio_lag_seconds",
        "Delay with which the runtime wakes a sleeping task, including 1 to 2 ms of the timer itself.",
    )
    .labels(&["runtime"]);

    /// The delay so far of the canary's next wake-up.
    pub const STALL: Desc = Desc::gauge(
        "tokio_stall_seconds",
        "Time for which the wake-up of the lag canary is overdue; 0 when it is not.",
    )
    .unit(Unit::Seconds)
    .labels(&["runtime"]);
}
