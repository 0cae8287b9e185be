//! Watched runtimes: the handle, the instruments, and the polling of levels.

use std::sync::{Arc, Mutex};

use node0_metrics_core::{
    Counter, Gauge, Instance, InstanceHandle, Moment, RegisterError, instruments, lock,
};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::canary::Canary;
use crate::descs::{LAG, WORKER_BUSY_RATIO, WORKER_PARKS};
use crate::monitor::SystemMonitor;
use crate::process::SHORTEST_SPAN;
use crate::reading::{RuntimeGauges, RuntimeLevels};
use crate::worker::Worker;

/// A runtime that is watched until the last clone of this is dropped.
///
/// Dropping it ends the canary, removes the runtime's series at the next tick and frees its
/// name. It does not keep the runtime alive: when the runtime shuts down, its levels become
/// unknown and its name is free.
#[derive(Clone, Debug)]
#[must_use = "a runtime is watched as long as this is held"]
pub struct MonitoredRuntime(pub(crate) InstanceHandle<WatchedRuntime>);

impl MonitoredRuntime {
    /// The name under which the runtime is watched.
    pub fn name(&self) -> &str {
        self.0.name()
    }
}

instruments! {
    /// The series of one worker.
    pub(crate) struct WorkerCells, read as WorkerReading {
        pub(crate) busy: Gauge = WORKER_BUSY_RATIO,
        pub(crate) parks: Counter = WORKER_PARKS,
    }
}

/// A runtime, and everything that is recorded of it.
#[derive(Debug)]
pub(crate) struct WatchedRuntime {
    runtime: Handle,
    pub(crate) gauges: RuntimeGauges,
    pub(crate) workers: Box<[WorkerCells]>,
    pub(crate) canary: Arc<Canary>,
    /// The task that runs the canary.
    task: AbortHandle,
    /// The state of the workers when their busy ratios were computed last, and that moment.
    seen: Mutex<(Moment, Vec<Worker>)>,
}

impl WatchedRuntime {
    /// Registers everything, and starts the canary on the runtime.
    pub(crate) fn start(
        monitor: &SystemMonitor,
        name: &str,
        runtime: &Handle,
    ) -> Result<Self, RegisterError> {
        let SystemMonitor { registry, system, canary_interval } = monitor;
        let seen = Worker::all(&runtime.metrics());
        let register = |at: usize| WorkerCells::register(registry, &[name, &at.to_string()]);
        let workers: Box<[_]> = (0..seen.len()).map(register).collect::<Result<_, _>>()?;
        // A ratio needs two readings.
        workers.iter().for_each(|worker| worker.busy.set(f64::NAN));
        let lag = registry.latency(&LAG, &[name])?;
        let pulse = system.pulse.clone();
        pulse.pauses.show();
        let clock = registry.clock().clone();
        let canary = Arc::new(Canary::new(clock, *canary_interval, lag, pulse));
        let run = Canary::run(Arc::downgrade(&canary), Arc::downgrade(system));
        let task = runtime.spawn(run).abort_handle();
        let (runtime, seen) = (runtime.clone(), Mutex::new((registry.clock().now(), seen)));
        let gauges = RuntimeGauges::default();
        let mut watched = Self { runtime, gauges, workers, canary, task, seen };
        // Read after the canary was spawned, since its task is subtracted from the number of tasks.
        let levels = watched.levels();
        watched.gauges.learn(registry, &[name], &levels)?;
        Ok(watched)
    }

    /// Returns `true` for a handle to this runtime.
    pub(crate) fn is_on(&self, runtime: &Handle) -> bool {
        self.runtime.id() == runtime.id()
    }

    /// Copies the levels, and at most every half second the busy ratios of the workers.
    pub(crate) fn poll(&self) {
        self.gauges.set(&self.levels());
        let now = self.canary.clock.now();
        let mut seen = lock(&self.seen);
        let span = self.canary.clock.between(seen.0, now);
        if span < SHORTEST_SPAN {
            return;
        }
        let workers = Worker::all(&self.runtime.metrics());
        for ((cells, worker), before) in self.workers.iter().zip(&workers).zip(&seen.1) {
            cells.busy.set(worker.busy_since(before, span));
            cells.parks.add(worker.parks.saturating_sub(before.parks));
        }
        *seen = (now, workers);
    }

    /// Reads the levels of the runtime, and the delay of the canary.
    fn levels(&self) -> RuntimeLevels {
        let runtime = self.runtime.metrics();
        RuntimeLevels {
            workers: Some(runtime.num_workers() as f64),
            // Without the canary.
            tasks: Some(runtime.num_alive_tasks().saturating_sub(1) as f64),
            queue_depth: Some(runtime.global_queue_depth() as f64),
            stall_seconds: Some(self.canary.overdue().as_secs_f64()),
        }
    }

    /// Makes the levels unknown after the runtime has shut down.
    ///
    /// A host that still holds the handle keeps the series, which must not show the last levels.
    pub(crate) fn forget_levels(&self) {
        self.gauges.set(&RuntimeLevels::default());
        self.workers.iter().for_each(|worker| worker.busy.set(f64::NAN));
    }
}

impl Instance for WatchedRuntime {
    /// True while the canary's task has not ended: a runtime that shuts down ends its tasks.
    fn is_alive(&self) -> bool {
        !self.task.is_finished()
    }
}

impl Drop for WatchedRuntime {
    fn drop(&mut self) {
        self.task.abort();
    }
}
