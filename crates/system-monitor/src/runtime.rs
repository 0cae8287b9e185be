//! The cells of one runtime, and what a poll and the canary put into them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use metrics_core::{Clock, Counter, Gauge, Latency, Moment, RegisterError, Registry};
use tokio::runtime::RuntimeMetrics;

use crate::busy::Worker;
use crate::descs::{
    ALIVE_TASKS, GLOBAL_QUEUE_DEPTH, LAG, STALL, WORKER_BUSY_RATIO, WORKER_PARKS, WORKERS,
};
use crate::lock::lock;

/// Looks that follow sooner say too little of a share of time.
const SHORTEST_SPAN: Duration = Duration::from_millis(500);

/// The most wake-ups that are recorded for one stall.
const MOST_MISSED: u32 = 1000;

/// Everything that is recorded of one runtime.
#[derive(Debug)]
pub(crate) struct RuntimeCells {
    pub(crate) name: Box<str>,
    clock: Clock,
    /// How long the canary sleeps.
    pub(crate) interval: Duration,
    pub(crate) lag: Latency,
    pub(crate) levels: Levels,
    pub(crate) workers: Box<[WorkerCells]>,
    /// When the canary is due, in nanoseconds of the clock's uptime.
    due: AtomicU64,
    looked: Mutex<(Moment, Vec<Worker>)>,
}

/// What is the runtime's as a whole.
#[derive(Debug)]
pub(crate) struct Levels {
    pub(crate) workers: Gauge,
    pub(crate) tasks: Gauge,
    pub(crate) queue: Gauge,
    pub(crate) stall: Gauge,
}

/// What is one worker's.
#[derive(Debug)]
pub(crate) struct WorkerCells {
    pub(crate) busy: Gauge,
    parks: Counter,
}

impl RuntimeCells {
    pub(crate) fn register(
        registry: &Registry,
        name: &str,
        runtime: &RuntimeMetrics,
        interval: Duration,
    ) -> Result<Self, RegisterError> {
        let clock = registry.clock().clone();
        let seen = Worker::all(runtime);
        let workers = (0..seen.len()).map(|worker| WorkerCells::register(registry, name, worker));
        let cells = Self {
            name: name.into(),
            interval,
            lag: registry.latency(&LAG, &[name])?,
            levels: Levels::register(registry, name)?,
            workers: workers.collect::<Result<_, _>>()?,
            due: AtomicU64::new(0),
            looked: Mutex::new((clock.now(), seen)),
            clock,
        };
        cells.fall_asleep();
        cells.levels.set(runtime, Duration::ZERO);
        Ok(cells)
    }

    /// Copies what the runtime says of itself, and how late the canary is.
    pub(crate) fn observe(&self, runtime: &RuntimeMetrics) {
        self.levels.set(runtime, self.overdue());
        let now = self.clock.now();
        let mut looked = lock(&self.looked);
        let span = self.clock.between(looked.0, now);
        if span < SHORTEST_SPAN {
            return;
        }
        let seen = Worker::all(runtime);
        for ((cells, worker), before) in self.workers.iter().zip(&seen).zip(&looked.1) {
            cells.busy.set(worker.busy_since(before, span));
            cells.parks.add(worker.parks.saturating_sub(before.parks));
        }
        *looked = (now, seen);
    }

    /// Says that the runtime is gone: who holds on to it keeps its series, not its last levels.
    pub(crate) fn retire(&self) {
        let Levels { workers, tasks, queue, stall } = &self.levels;
        let busy = self.workers.iter().map(|worker| &worker.busy);
        for gauge in [workers, tasks, queue, stall].into_iter().chain(busy) {
            gauge.set(f64::NAN);
        }
    }

    /// Notes that the canary sleeps from now on.
    pub(crate) fn fall_asleep(&self) -> Moment {
        let due = self.clock.uptime() + self.interval;
        self.due.store(u64::try_from(due.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.clock.now()
    }

    /// Records how late the canary woke.
    ///
    /// While it was late it missed wake-ups. A task that was due at one of them
    /// waited for the rest of that time, so they are recorded too: otherwise a
    /// second without a wake-up would count as little as a hundredth of one with.
    pub(crate) fn wake_up(&self, asleep: Moment) {
        let lag = self.clock.since(asleep).saturating_sub(self.interval);
        self.lag.record(lag);
        let step = self.interval.max(lag / MOST_MISSED);
        let mut rest = lag.saturating_sub(step);
        while rest >= step {
            self.lag.record(rest);
            rest = rest.saturating_sub(step);
        }
    }

    fn overdue(&self) -> Duration {
        let due = Duration::from_nanos(self.due.load(Ordering::Relaxed));
        let overdue = self.clock.uptime().saturating_sub(due);
        // Less than a beat is what a timer takes.
        if overdue < self.interval { Duration::ZERO } else { overdue }
    }
}

impl Levels {
    fn register(registry: &Registry, name: &str) -> Result<Self, RegisterError> {
        Ok(Self {
            workers: registry.gauge(&WORKERS, &[name])?,
            tasks: registry.gauge(&ALIVE_TASKS, &[name])?,
            queue: registry.gauge(&GLOBAL_QUEUE_DEPTH, &[name])?,
            stall: registry.gauge(&STALL, &[name])?,
        })
    }

    fn set(&self, runtime: &RuntimeMetrics, overdue: Duration) {
        self.workers.set(runtime.num_workers() as f64);
        // Not the canary, which is ours.
        self.tasks.set(runtime.num_alive_tasks().saturating_sub(1) as f64);
        self.queue.set(runtime.global_queue_depth() as f64);
        self.stall.set(overdue.as_secs_f64());
    }
}

impl WorkerCells {
    fn register(registry: &Registry, name: &str, worker: usize) -> Result<Self, RegisterError> {
        let worker = worker.to_string();
        let cells = Self {
            busy: registry.gauge(&WORKER_BUSY_RATIO, &[name, &worker])?,
            parks: registry.counter(&WORKER_PARKS, &[name, &worker])?,
        };
        cells.busy.set(f64::NAN);
        Ok(cells)
    }
}
