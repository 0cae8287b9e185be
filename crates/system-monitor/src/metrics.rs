//! The numbers of the process and of runtimes, for people and programs.
//!
//! Of several runtimes levels add up, the busy ratio is the mean over all their
//! workers, and percentiles come from the merged windows: an average of
//! percentiles would be nobody's lag.

use std::time::Duration;

use metrics_core::{Buckets, as_millis};
use serde::Serialize;

use crate::reading::{Reading, mean};
use crate::vitals::Vitals;

/// Numbers of the process; what cannot be read on this platform is `None`.
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
    /// How long the process has lived; as JSON in milliseconds.
    #[serde(serialize_with = "as_millis::serialize_option")]
    pub uptime: Option<Duration>,
}

/// Numbers of one runtime, or of several together; what is not known yet is `None`.
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
    /// How late tasks were woken.
    pub lag: Lag,
}

/// How late tasks were woken, over the window; as JSON in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Lag {
    /// The median.
    #[serde(serialize_with = "as_millis::serialize_option")]
    pub p50: Option<Duration>,
    /// The 95th percentile.
    #[serde(serialize_with = "as_millis::serialize_option")]
    pub p95: Option<Duration>,
    /// The 99th percentile.
    #[serde(serialize_with = "as_millis::serialize_option")]
    pub p99: Option<Duration>,
    /// The longest.
    #[serde(serialize_with = "as_millis::serialize_option")]
    pub max: Option<Duration>,
}

impl From<Vitals> for ProcessMetrics {
    fn from(vitals: Vitals) -> Self {
        let whole = |value: Option<f64>| Some(value.filter(|value| value.is_finite())? as u64);
        Self {
            resident_memory_bytes: whole(vitals.resident_memory),
            virtual_memory_bytes: whole(vitals.virtual_memory),
            memory_limit_bytes: whole(vitals.memory_limit),
            cpu_percent: vitals.cpu_usage.map(|cores| cores * 100.0),
            open_file_descriptors: whole(vitals.open_fds),
            max_file_descriptors: whole(vitals.max_fds),
            threads: whole(vitals.threads),
            uptime: vitals.uptime.and_then(|uptime| Duration::try_from_secs_f64(uptime).ok()),
        }
    }
}

impl RuntimeMetrics {
    pub(crate) fn of(runtimes: &[Reading<'_>]) -> Self {
        let sum = |of: fn(&Reading<'_>) -> Option<u64>| {
            runtimes.iter().filter_map(of).reduce(|sum, level| sum + level)
        };
        let busy = runtimes.iter().flat_map(|runtime| runtime.busy.iter().flatten().copied());
        Self {
            workers: sum(|runtime| runtime.workers),
            busy_ratio: mean(busy),
            queue_depth: sum(|runtime| runtime.queue),
            tasks: sum(|runtime| runtime.tasks),
            lag: Lag::of(runtimes),
        }
    }
}

impl Lag {
    pub(crate) fn of(runtimes: &[Reading<'_>]) -> Self {
        let mut windows = runtimes.iter().filter_map(|runtime| Some(runtime.lag?.window()));
        let merged = windows.next().map(|first| {
            windows.fold(first.buckets().clone(), |mut all, window| {
                all.merge(window.buckets());
                all
            })
        });
        let quantile = |q: f64| duration(merged.as_ref()?.quantile(q));
        Self {
            p50: quantile(0.5),
            p95: quantile(0.95),
            p99: quantile(0.99),
            max: duration(merged.as_ref().and_then(Buckets::max)),
        }
    }
}

fn duration(seconds: Option<f64>) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds?).ok()
}
