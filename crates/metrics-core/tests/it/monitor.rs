//! A fifth monitor, as a user would write it in a repository of their own.

use std::sync::Arc;

use metrics_core::{
    Desc, Finding, Gauge, Judgement, Monitor, Report, Status, Topic, UnknownTarget, View,
};
use serde::Serialize;

use crate::Bench;

static TOPIC: Topic = Topic::new("queue", "queue");
const LENGTH: Desc = Desc::gauge("queue_length", "Messages that wait.");

struct QueueMonitor {
    length: Gauge,
}

#[derive(Serialize)]
struct Body {
    length: Option<f64>,
}

impl Monitor for QueueMonitor {
    fn topic(&self) -> &'static Topic {
        &TOPIC
    }

    fn judge(&self, view: &View<'_>) -> Judgement {
        let length = view.gauge(&self.length).unwrap_or_default();
        let long = Finding::warning("queue_long")
            .penalty(30)
            .beyond(length, 100.0)
            .message(format!("{length} messages wait"))
            .advice("add consumers");
        Judgement::healthy("Queue is short").with_all((length > 100.0).then_some(long))
    }

    fn report(&self, view: &View<'_>, _: Option<&str>) -> Result<Report, UnknownTarget> {
        Ok(Report::new(Body { length: view.gauge(&self.length) }))
    }
}

#[test]
fn a_users_monitor_gets_every_surface_by_one_trait() {
    let mut bench = Bench::new();
    let length = bench.registry.gauge(&LENGTH, &[]).unwrap();
    bench.registry.monitor(Arc::new(QueueMonitor { length: length.clone() })).unwrap();
    length.set(500.0);
    let sample = bench.tick().sample;
    assert_eq!(sample.overall().status, Status::Degraded);
    let body = serde_json::to_value(sample.report("queue", None).unwrap()).unwrap();
    assert_eq!((&body["length"], &body["health"]["score"]), (&500.0.into(), &70.into()));
    assert_eq!(body["health"]["issues"][0], "500 messages wait");
    assert_eq!(body["health"]["recommendations"][0], "add consumers");
}
