//! One runtime's numbers, read from a view once for all who judge or show them.

use std::sync::Arc;
use std::time::Duration;

use metrics_core::{Gauge, Histogram, View};

use crate::runtime::RuntimeCells;

/// What a view knows of one runtime.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    cells: Arc<RuntimeCells>,
    pub(crate) workers: Option<u64>,
    pub(crate) tasks: Option<u64>,
    pub(crate) queue: Option<u64>,
    /// Of each worker; `None` where it is not known yet.
    pub(crate) busy: Vec<Option<f64>>,
    pub(crate) lag: Option<&'a Histogram>,
    pub(crate) stall: Option<Duration>,
}

impl<'a> Reading<'a> {
    pub(crate) fn of(cells: Arc<RuntimeCells>, view: &View<'a>) -> Self {
        let number = |gauge: &Gauge| view.gauge(gauge).filter(|value| !value.is_nan());
        let whole = |gauge: &Gauge| number(gauge).map(|value| value as u64);
        Self {
            workers: whole(&cells.levels.workers),
            tasks: whole(&cells.levels.tasks),
            queue: whole(&cells.levels.queue),
            busy: cells.workers.iter().map(|worker| number(&worker.busy)).collect(),
            lag: view.latency(&cells.lag),
            stall: number(&cells.levels.stall)
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            cells,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.cells.name
    }

    /// The mean over the workers; `None` when it is not known of any.
    pub(crate) fn busy_ratio(&self) -> Option<f64> {
        mean(self.busy.iter().flatten().copied())
    }
}

/// The mean of nothing is `None`.
pub(crate) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}
