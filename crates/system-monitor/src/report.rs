//! The bodies of `GET /metrics/system` and `GET /metrics/runtime`.

use std::collections::BTreeMap;
use std::slice;

use metrics_core::{Assessment, InstanceName, View, millis};
use serde::Serialize;

use crate::metrics::{ProcessMetrics, RuntimeMetrics};
use crate::reading::Reading;
use crate::thresholds::Thresholds;
use crate::watch::{RUNTIME_TOPIC, System};

/// The process, and all runtimes together.
#[derive(Serialize)]
pub(crate) struct SystemReport {
    process: ProcessMetrics,
    runtime: RuntimeMetrics,
    thresholds: Thresholds,
}

/// Each runtime by its name.
#[derive(Serialize)]
pub(crate) struct RuntimesReport {
    runtimes: BTreeMap<InstanceName, RuntimeReport>,
    thresholds: Thresholds,
}

/// One runtime.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RuntimeReport {
    /// Of one among others; beside one that `?runtime=` names stands the report's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    health: Option<Assessment>,
    #[serde(flatten)]
    metrics: RuntimeMetrics,
    /// By the worker's index.
    worker_busy_ratios: Vec<Option<f64>>,
    /// In milliseconds.
    stalled_for: Option<f64>,
}

impl SystemReport {
    pub(crate) fn of(system: &System, view: &View<'_>) -> Self {
        Self {
            process: system.process.read(view).into(),
            runtime: RuntimeMetrics::of(&system.readings(view)),
            thresholds: system.thresholds,
        }
    }
}

impl RuntimesReport {
    pub(crate) fn of(system: &System, view: &View<'_>) -> Self {
        let named = |reading: Reading<'_>| {
            let health = Some(view.component_health(&RUNTIME_TOPIC, &reading.name));
            (reading.name.clone(), RuntimeReport { health, ..reading.into() })
        };
        let runtimes = system.readings(view).into_iter().map(named).collect();
        Self { runtimes, thresholds: system.thresholds }
    }
}

impl From<Reading<'_>> for RuntimeReport {
    fn from(reading: Reading<'_>) -> Self {
        Self {
            health: None,
            metrics: RuntimeMetrics::of(slice::from_ref(&reading)),
            stalled_for: reading.levels.stall_seconds.map(millis),
            worker_busy_ratios: reading.busy,
        }
    }
}
