//! A monitor of the host's own, written with the names that the facade re-exports.

use std::sync::Arc;
use std::time::Duration;

use node0::{
    ByLabel, Counter, Desc, Finding, Instance, InstanceError, InstanceHandle, InstanceName,
    Instances, Judgement, Monitor, Monitoring, RegisterError, Registry, Report, Topic,
    UnknownTarget, View, descs, instruments, label_set, levels,
};

label_set! {
    /// The end of a job.
    enum End { Done = "done", Failed = "failed" }
}

descs! {
    const JOBS: Desc = Desc::counter("own_jobs_total", "Jobs by their end: done, failed.")
        .labels(&["queue", "end"]);
    const WAITING: Desc = Desc::gauge("own_jobs_waiting", "Jobs that wait.").labels(&["queue"]);
}

instruments! {
    struct QueueCells, read as QueueReading {
        jobs: ByLabel<End, Counter> = JOBS,
    }
}

levels! {
    /// How full a queue is.
    struct QueueLevels of u64, shown by QueueGauges {
        /// Jobs that wait.
        waiting = WAITING,
    }
}

struct WatchedQueue {
    cells: QueueCells,
    gauges: QueueGauges,
}

impl Instance for WatchedQueue {}

struct QueueWatch(Instances<WatchedQueue>);

static TOPIC: Topic = Topic::new("own-queue", "ownQueue").target("queue");

impl Monitor for QueueWatch {
    fn topic(&self) -> &'static Topic {
        &TOPIC
    }

    fn judge(&self, view: &View<'_>) -> Judgement {
        let queues = self.0.living();
        let judged = queues.iter().map(|queue| {
            let QueueReading { jobs } = queue.cells.read(view);
            let failed = jobs[End::Failed].recent;
            let failing = (failed > 0).then(|| Finding::warning("failing_jobs"));
            (queue.name().to_string(), Judgement::healthy("Jobs are done").with_all(failing))
        });
        Judgement::of_instances("no queue is watched", judged)
    }

    fn report(&self, view: &View<'_>, target: Option<&str>) -> Result<Report, UnknownTarget> {
        let queue = self.0.find(target.unwrap_or("mails"))?;
        Ok(Report::new(queue.gauges.read(view).waiting))
    }
}

/// Watches a queue in which three jobs wait.
fn watch(
    registry: &Registry,
    queues: &Instances<WatchedQueue>,
) -> Result<InstanceHandle<WatchedQueue>, InstanceError> {
    let make = |name: &InstanceName| -> Result<WatchedQueue, RegisterError> {
        let mut gauges = QueueGauges::default();
        gauges.learn(registry, &[name], &QueueLevels { waiting: Some(3) })?;
        Ok(WatchedQueue { cells: QueueCells::register(registry, &[name])?, gauges })
    };
    queues.enter(queues.name("mails")?, make)
}

#[test]
fn monitor_of_ones_own_needs_no_crate_but_the_facade() {
    let mut testing = Monitoring::testing();
    let queues = Instances::new("queue");
    testing.registry().monitor(Arc::new(QueueWatch(queues.clone()))).unwrap();
    let mails = watch(testing.registry(), &queues).unwrap();
    mails.cells.jobs[End::Failed].inc();
    testing.advance(Duration::from_secs(1));
    let labels = [("queue", "mails"), ("end", "failed")];
    assert_eq!(testing.value("own_jobs_total", &labels), Some(1.0));
    assert_eq!(testing.value("own_jobs_waiting", &[("queue", "mails")]), Some(3.0));
    let sample = testing.sample();
    let health = sample.topics.iter().find(|health| health.topic.name == TOPIC.name).unwrap();
    assert_eq!(health.assessment.findings[0].code, "failing_jobs");
    assert_eq!(DESCS.len(), 2);
}
