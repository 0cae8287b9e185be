//! A monitor of one's own: a message queue, watched on every surface of node0.
//!
//! It depends on `metrics-core` alone. The descriptions say what is recorded,
//! the handles record it, and the trait says how it is judged and reported.
//! Everything else, from `/metrics` to the health score, follows.

use std::sync::Arc;
use std::time::Duration;

use metrics_core::{
    Assessment, Counter, Desc, Issue, Latency, LatencySummary, Monitor, RegisterError, Registry,
    Report, Severity, Topic, UnknownTarget, UpDown, View,
};
use serde::Serialize;

static TOPIC: Topic = Topic::new("queue", "queue");

const MESSAGES: Desc = Desc::counter("queue_messages_total", "Messages taken from the queue.");
const DEPTH: Desc = Desc::up_down("queue_messages_waiting", "Messages that wait in the queue.");
const AGE: Desc = Desc::latency("queue_wait_duration_seconds", "Time a message waited.");

/// More waiting messages are too many.
const TOO_DEEP: u64 = 100;

/// Watches one queue; clones share it.
#[derive(Clone, Debug)]
pub struct QueueMonitor {
    messages: Counter,
    depth: UpDown,
    age: Latency,
}

impl QueueMonitor {
    /// Registers the topic `queue`.
    ///
    /// # Errors
    /// When the registry has it already.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let monitor = Self {
            messages: registry.counter(&MESSAGES, &[])?,
            depth: registry.up_down(&DEPTH, &[])?,
            age: registry.latency(&AGE, &[])?,
        };
        registry.monitor(Arc::new(monitor.clone()))?;
        Ok(monitor)
    }

    /// A message came.
    pub fn sent(&self) {
        self.depth.add(1);
    }

    /// A message was taken, after waiting so long.
    pub fn taken(&self, waited: Duration) {
        self.depth.add(-1);
        self.messages.inc();
        self.age.record(waited);
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct QueueReport {
    timestamp: metrics_core::Timestamp,
    health: Assessment,
    waiting: u64,
    messages_per_second: Option<f64>,
    wait: Option<LatencySummary>,
}

impl Monitor for QueueMonitor {
    fn topic(&self) -> &'static Topic {
        &TOPIC
    }

    fn assess(&self, view: &View<'_>) -> Assessment {
        let waiting = view.level(&self.depth);
        if waiting <= TOO_DEEP {
            return Assessment::healthy(format!("{waiting} messages wait"));
        }
        let issue = Issue {
            code: "queue_deep",
            severity: Severity::Warning,
            component: "queue".into(),
            observed: waiting as f64,
            threshold: TOO_DEEP as f64,
            message: format!("{waiting} messages wait"),
        };
        Assessment::healthy("").with(20, issue, "add consumers")
    }

    fn report(&self, view: &View<'_>, target: Option<&str>) -> Result<Report, UnknownTarget> {
        match target {
            Some(target) => Err(UnknownTarget { target: target.to_owned(), known: Vec::new() }),
            None => Ok(Report::new(QueueReport {
                timestamp: view.at(),
                health: self.assess(view),
                waiting: view.level(&self.depth),
                messages_per_second: view.rate(&self.messages),
                wait: view.latency(&self.age).map(LatencySummary::from),
            })),
        }
    }
}
