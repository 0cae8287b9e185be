//! The bodies of `GET /metrics/system` and `GET /metrics/runtime`.

use std::collections::BTreeMap;
use std::time::Duration;

use metrics_core::{Assessment, Timestamp, View, as_millis};
use serde::Serialize;

use crate::assess;
use crate::metrics::{ProcessMetrics, RuntimeMetrics};
use crate::reading::Reading;
use crate::thresholds::Thresholds;
use crate::watch::System;

/// The process, and all runtimes together.
#[derive(Serialize)]
pub(crate) struct SystemReport {
    timestamp: Timestamp,
    health: Assessment,
    process: ProcessMetrics,
    runtime: RuntimeMetrics,
    thresholds: Thresholds,
}

/// Each runtime by its name.
#[derive(Serialize)]
pub(crate) struct RuntimesReport {
    timestamp: Timestamp,
    health: Assessment,
    runtimes: BTreeMap<String, RuntimeReport>,
    thresholds: Thresholds,
}

/// One runtime, where `?runtime=` names it.
#[derive(Serialize)]
pub(crate) struct RuntimeTargetReport {
    pub(crate) timestamp: Timestamp,
    #[serde(flatten)]
    pub(crate) runtime: RuntimeReport,
}

/// One runtime.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RuntimeReport {
    health: Assessment,
    #[serde(flatten)]
    metrics: RuntimeMetrics,
    /// By the worker's index.
    worker_busy_ratios: Vec<Option<f64>>,
    #[serde(serialize_with = "as_millis::serialize_option")]
    stalled_for: Option<Duration>,
}

impl SystemReport {
    /// Its health is the worse of the two published ones, with the issues of both.
    pub(crate) fn of(system: &System, view: &View<'_>) -> Self {
        let runtimes = system.readings(view);
        let health = system.process_health(view).worst(system.runtime_health(view, &runtimes));
        Self {
            timestamp: view.at(),
            health,
            process: system.process.read(view).into(),
            runtime: RuntimeMetrics::of(&runtimes),
            thresholds: system.thresholds,
        }
    }
}

impl RuntimesReport {
    pub(crate) fn of(system: &System, view: &View<'_>) -> Self {
        let runtimes = system.readings(view);
        let thresholds = system.thresholds;
        let report = |runtime: &Reading<'_>| RuntimeReport::of(runtime, &thresholds);
        Self {
            timestamp: view.at(),
            health: system.runtime_health(view, &runtimes),
            runtimes: runtimes
                .iter()
                .map(|runtime| (runtime.name().to_owned(), report(runtime)))
                .collect(),
            thresholds,
        }
    }
}

impl RuntimeReport {
    pub(crate) fn of(runtime: &Reading<'_>, thresholds: &Thresholds) -> Self {
        Self {
            health: assess::runtime(runtime, thresholds),
            metrics: RuntimeMetrics::of(std::slice::from_ref(runtime)),
            worker_busy_ratios: runtime.busy.clone(),
            stalled_for: runtime.stall,
        }
    }
}
