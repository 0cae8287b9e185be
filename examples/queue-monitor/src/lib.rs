//! An example of your own monitor: it watches a message queue.
//!
//! It depends on `metrics-core` alone. It declares the metrics, judges them and writes the body
//! of the report. node0 does the rest: the page for Prometheus, the share in the service's
//! health, the fields `timestamp` and `health` of the report, and findings as events.

use std::sync::Arc;
use std::time::Duration;

use node0_metrics_core::{
    Counter, Desc, Finding, Judgement, Latency, LatencySummary, Monitor, RegisterError, Registry,
    Report, Topic, UnknownTarget, UpDown, View, instruments,
};
use serde::Serialize;

static TOPIC: Topic = Topic::new("queue", "queue");

const MESSAGES: Desc = Desc::counter("queue_messages_total", "Messages taken from the queue.");
const DEPTH: Desc = Desc::up_down("queue_messages_waiting", "Messages that wait in the queue.");
const AGE: Desc = Desc::latency("queue_wait_duration_seconds", "Time a message waited.");

/// The number of waiting messages above which the queue has a finding.
const TOO_DEEP: u64 = 100;

instruments! {
    struct Cells, read as Reading {
        messages: Counter = MESSAGES,
        depth: UpDown = DEPTH,
        age: Latency = AGE,
    }
}

/// Watches one queue; clones share it.
#[derive(Clone, Debug)]
pub struct QueueMonitor(Cells);

impl QueueMonitor {
    /// Registers the topic `queue`.
    ///
    /// # Errors
    /// [`RegisterError`] when another monitor has the topic already.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let monitor = Self(Cells::register(registry, &[])?);
        registry.monitor(Arc::new(monitor.clone()))?;
        Ok(monitor)
    }

    /// Records that a message was put into the queue.
    pub fn sent(&self) {
        self.0.depth.add(1);
    }

    /// Records that a message was taken from the queue after this wait.
    pub fn taken(&self, waited: Duration) {
        self.0.depth.add(-1);
        self.0.messages.inc();
        self.0.age.record(waited);
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    waiting: u64,
    messages_per_second: Option<f64>,
    wait: Option<LatencySummary>,
}

impl Monitor for QueueMonitor {
    fn topic(&self) -> &'static Topic {
        &TOPIC
    }

    fn judge(&self, view: &View<'_>) -> Judgement {
        let waiting = self.0.read(view).depth;
        let deep = Finding::warning("queue_deep")
            .beyond(waiting as f64, TOO_DEEP as f64)
            .message(format!("{waiting} messages wait"))
            .advice("add consumers");
        let judgement = Judgement::healthy(format!("{waiting} messages wait"));
        judgement.with_all((waiting > TOO_DEEP).then_some(deep))
    }

    fn report(&self, view: &View<'_>, target: Option<&str>) -> Result<Report, UnknownTarget> {
        UnknownTarget::refuse(target)?;
        let Reading { messages, depth: waiting, age } = self.0.read(view);
        let (messages_per_second, wait) = (messages.rate(), age.map(LatencySummary::from));
        Ok(Report::new(Body { waiting, messages_per_second, wait }))
    }
}
