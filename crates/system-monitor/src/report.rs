//! The bodies of `GET /metrics/system` and `GET /metrics/runtime`.

use std::collections::BTreeMap;
use std::slice;

use node0_metrics_core::{Assessment, InstanceName, millis};
use serde::Serialize;

use crate::metrics::{ProcessMetrics, RuntimeMetrics};
use crate::reading::Reading;
use crate::thresholds::Thresholds;

/// The process, and all runtimes together.
#[derive(Serialize)]
pub(crate) struct SystemReport {
    pub(crate) process: ProcessMetrics,
    pub(crate) runtime: RuntimeMetrics,
    pub(crate) thresholds: Thresholds,
}

/// Each runtime by its name.
#[derive(Serialize)]
pub(crate) struct RuntimesReport {
    pub(crate) runtimes: BTreeMap<InstanceName, RuntimeReport>,
    pub(crate) thresholds: Thresholds,
}

/// One runtime.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RuntimeReport {
    /// The health of the runtime; absent if `?runtime=` names it, since the core then adds it as
    /// the health of the report.
    #[serde(skip_serializing_if = "Option::is_none")]
    health: Option<Assessment>,
    #[serde(flatten)]
    metrics: RuntimeMetrics,
    /// The busy ratio of each worker, by its index.
    worker_busy_ratios: Vec<Option<f64>>,
    /// The time since the canary should have woken up, in milliseconds.
    stalled_for: Option<f64>,
}

impl RuntimeReport {
    pub(crate) fn of(reading: Reading<'_>, health: Option<Assessment>) -> Self {
        Self {
            health,
            metrics: RuntimeMetrics::of(slice::from_ref(&reading)),
            stalled_for: reading.levels.stall_seconds.map(millis),
            worker_busy_ratios: reading.busy,
        }
    }
}
