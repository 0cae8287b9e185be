use node0_metrics_core::{
    ByLabel, Counter, Desc, Finding, Instance, InstanceError, InstanceHandle, Instances, Judgement,
    Latency, LatencySummary, Monitor, RegisterError, Registry, Report, Topic, UnknownTarget, View,
    descs, instruments, label_set,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

label_set! {
    /// The end of a job.
    pub enum End { Done = "done", Failed = "failed" }
}

descs! {
    pub const JOBS: Desc = Desc::counter("queue_jobs_total", "Jobs by their end: done, failed.")
        .labels(&["queue", "end"]);

    pub const WAIT: Desc = Desc::latency("queue_wait_duration_seconds", "Time that jobs waited.")
        .labels(&["queue"]);
}

instruments! {
    /// The metrics of one queue.
    struct QueueCells, read as QueueReading {
        /// Jobs by their end.
        jobs: ByLabel<End, Counter> = JOBS,
        /// The time that they waited.
        wait: Latency = WAIT,
    }
}

/// The limits beyond which a queue has findings.
#[derive(Clone, Copy, Debug, Default)]
pub struct Thresholds {
    /// The number of recent jobs that may fail; 0 by default.
    pub failed_jobs: u64,
}

/// One watched queue.
struct WatchedQueue {
    cells: QueueCells,
    thresholds: Thresholds,
}

impl Instance for WatchedQueue {}

/// Records what happens to one queue; clones share everything.
#[derive(Clone, Debug)]
pub struct Queue(InstanceHandle<WatchedQueue>);

impl Queue {
    /// Records a job that ended, after waiting so long.
    pub fn ended(&self, end: End, waited: Duration) {
        self.0.cells.jobs[end].inc();
        self.0.cells.wait.record(waited);
    }
}

/// The most queues: a latency may have 500 series, and a queue has one.
const MAX_QUEUES: usize = 500;

/// Watches queues; clones share them.
#[derive(Clone, Debug)]
pub struct QueueMonitor {
    registry: Registry,
    queues: Instances<WatchedQueue>,
}

impl QueueMonitor {
    /// Registers the topic `queue`.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let queues = Instances::with_limit("queue", MAX_QUEUES);
        registry.monitor(Arc::new(QueueWatch(queues.clone())))?;
        Ok(Self { registry: registry.clone(), queues })
    }

    /// Watches a queue under a name.
    pub fn queue(&self, name: &str, thresholds: Thresholds) -> Result<Queue, InstanceError> {
        let handle = self.queues.enter(self.queues.name(name)?, |name| {
            let cells = QueueCells::register(&self.registry, &[name])?;
            Ok(WatchedQueue { cells, thresholds })
        })?;
        Ok(Queue(handle))
    }
}

static TOPIC: Topic = Topic::new("queue", "queue").target("queue");

/// The part that the registry holds; if it held the registry, neither would ever be freed.
struct QueueWatch(Instances<WatchedQueue>);

impl Monitor for QueueWatch {
    fn topic(&self) -> &'static Topic {
        &TOPIC
    }

    fn judge(&self, view: &View<'_>) -> Judgement {
        let queues = self.0.living();
        let judged = queues.iter().map(|queue| {
            let failed = queue.cells.read(view).jobs[End::Failed].recent;
            let limit = queue.thresholds.failed_jobs;
            let failing = (failed > limit).then(|| {
                Finding::warning("failing_jobs")
                    .beyond(failed as f64, limit as f64)
                    .message(format!("queue `{}`: {failed} recent jobs failed", queue.name()))
                    .advice("look at the errors of the failed jobs")
            });
            (queue.name().to_string(), Judgement::healthy("Jobs are done").with_all(failing))
        });
        Judgement::of_instances("no queue is watched", judged)
    }

    fn report(&self, view: &View<'_>, target: Option<&str>) -> Result<Report, UnknownTarget> {
        let queues = match target {
            Some(name) => vec![self.0.find(name)?],
            None => self.0.living(),
        };
        let waits = queues.iter().map(|queue| {
            let wait = LatencySummary::merged(queue.cells.read(view).wait);
            (queue.name().clone(), wait)
        });
        // Under a key of its own: a queue may have a name like `health`.
        Ok(Report::new(BTreeMap::from([("queues", waits.collect::<BTreeMap<_, _>>())])))
    }
}
