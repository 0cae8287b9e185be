//! The numbers of the process and of runtimes, for people and programs.
//!
//! For several runtimes together, levels are added, the busy ratio is the mean over all workers,
//! and percentiles come from the merged windows, since percentiles cannot be averaged.

use std::time::Duration;

use node0_metrics_core::{LatencySummary, as_millis, millis};
use serde::{Serialize, Serializer};

use crate::reading::{ProcessLevels, Reading, mean};

/// The numbers of the process; `None` for a number that the platform does not report.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ProcessMetrics {
    /// Memory that is in RAM.
    pub resident_memory_bytes: Option<u64>,
    /// Addresses that are in use.
    pub virtual_memory_bytes: Option<u64>,
    /// The smallest memory limit of the process's cgroups, or the machine's memory.
    pub memory_limit_bytes: Option<u64>,
    /// CPU over the last tick; 100 is one core, as `ps` and `top` have it.
    pub cpu_percent: Option<f64>,
    /// Open files, sockets and pipes.
    pub open_file_descriptors: Option<u64>,
    /// Open files that are allowed; `None` also when that is without limit.
    pub max_file_descriptors: Option<u64>,
    /// Threads.
    pub threads: Option<u64>,
    /// The age of the process; as JSON in milliseconds.
    #[serde(serialize_with = "as_millis::serialize_option")]
    pub uptime: Option<Duration>,
}

/// The numbers of one runtime, or of several together; `None` for one that is not known yet.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RuntimeMetrics {
    /// Worker threads.
    pub workers: Option<u64>,
    /// The share of the last tick that they were busy, as the mean over all workers.
    pub busy_ratio: Option<f64>,
    /// Tasks that no worker has taken yet.
    pub queue_depth: Option<u64>,
    /// Tasks that have not ended, lag canaries apart.
    pub tasks: Option<u64>,
    /// The delay of wake-ups; as JSON its percentiles and the longest.
    #[serde(serialize_with = "percentiles")]
    pub lag: LatencySummary,
}

impl From<ProcessLevels> for ProcessMetrics {
    fn from(levels: ProcessLevels) -> Self {
        let whole = |level: Option<f64>| Some(level.filter(|level| level.is_finite())? as u64);
        let duration = |seconds| Duration::try_from_secs_f64(seconds).ok();
        Self {
            resident_memory_bytes: whole(levels.resident_bytes),
            virtual_memory_bytes: whole(levels.virtual_bytes),
            memory_limit_bytes: whole(levels.memory_limit_bytes),
            cpu_percent: levels.cpu_cores.map(|cores| cores * 100.0),
            open_file_descriptors: whole(levels.open_fds),
            max_file_descriptors: whole(levels.max_fds),
            threads: whole(levels.threads),
            uptime: levels.uptime_seconds.and_then(duration),
        }
    }
}

impl RuntimeMetrics {
    pub(crate) fn of(runtimes: &[Reading<'_>]) -> Self {
        let sum = |of: fn(&Reading<'_>) -> Option<f64>| {
            runtimes.iter().filter_map(of).reduce(|sum, level| sum + level).map(|sum| sum as u64)
        };
        Self {
            workers: sum(|runtime| runtime.levels.workers),
            busy_ratio: mean(runtimes.iter().flat_map(|runtime| runtime.busy.iter().flatten())),
            queue_depth: sum(|runtime| runtime.levels.queue_depth),
            tasks: sum(|runtime| runtime.levels.tasks),
            lag: LatencySummary::merged(runtimes.iter().filter_map(|runtime| runtime.lag)),
        }
    }
}

fn percentiles<S: Serializer>(lag: &LatencySummary, serializer: S) -> Result<S::Ok, S::Error> {
    let shown = [("p50", lag.p50), ("p95", lag.p95), ("p99", lag.p99), ("max", lag.max)];
    let in_millis = |lag: Duration| millis(lag.as_secs_f64());
    serializer.collect_map(shown.map(|(name, lag)| (name, lag.map(in_millis))))
}
