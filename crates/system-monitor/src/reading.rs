//! The levels of the process and of its runtimes, as plain data and as gauges.
//!
//! A level that the platform does not report at registration has no gauge, so it is absent from
//! every surface and not 0. A level that becomes unknown later is NaN in its gauge and `None`
//! here.

use node0_metrics_core::{Histogram, InstanceName, Named, View, levels};

use crate::descs::*;
use crate::runtime::WatchedRuntime;

levels! {
    /// The levels of the process; one without a limit is infinite.
    pub(crate) struct ProcessLevels of f64, shown by pub(crate) ProcessGauges {
        resident_bytes = RESIDENT_MEMORY,
        virtual_bytes = VIRTUAL_MEMORY,
        max_virtual_bytes = VIRTUAL_MEMORY_MAX,
        heap_bytes = HEAP,
        memory_limit_bytes = MEMORY_LIMIT,
        working_set_bytes = CGROUP_WORKING_SET,
        /// The CPU time; keeps its last value when it cannot be read, since a total must not fall.
        cpu_seconds = CPU_SECONDS,
        /// The CPU usage over the last tick.
        cpu_cores = CPU_USAGE,
        cpu_limit_cores = CGROUP_CPU_LIMIT,
        open_fds = OPEN_FDS,
        max_fds = MAX_FDS,
        threads = THREADS,
        uptime_seconds = UPTIME,
        /// The start time in seconds since the Unix epoch.
        start_seconds = START_TIME,
    }
}

levels! {
    /// The levels of a runtime.
    pub(crate) struct RuntimeLevels of f64, shown by pub(crate) RuntimeGauges {
        workers = WORKERS,
        tasks = ALIVE_TASKS,
        queue_depth = GLOBAL_QUEUE_DEPTH,
        stall_seconds = STALL,
    }
}

/// The numbers of one runtime in a view, for judgements and reports.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) name: InstanceName,
    pub(crate) levels: RuntimeLevels,
    pub(crate) lag: Option<&'a Histogram>,
    /// The busy ratio of each worker; `None` where it is not known yet.
    pub(crate) busy: Vec<Option<f64>>,
}

impl<'a> Reading<'a> {
    pub(crate) fn of(runtime: &Named<WatchedRuntime>, view: &View<'a>) -> Self {
        Self {
            name: runtime.name().clone(),
            levels: runtime.gauges.read(view),
            lag: view.read(&runtime.canary.lag),
            busy: runtime.workers.iter().map(|worker| view.read(&worker.busy)).collect(),
        }
    }
}

/// Returns the mean; `None` without values.
pub(crate) fn mean<'v>(values: impl Iterator<Item = &'v f64> + Clone) -> Option<f64> {
    let count = values.clone().count();
    (count > 0).then(|| values.sum::<f64>() / count as f64)
}
