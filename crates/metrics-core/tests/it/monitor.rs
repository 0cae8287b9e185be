//! A fifth monitor, as a user would write it in a repository of their own.

use std::sync::Arc;

use metrics_core::{
    Assessment, Desc, Gauge, Issue, Monitor, Report, Severity, Status, Topic, UnknownTarget, View,
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

    fn assess(&self, view: &View<'_>) -> Assessment {
        let length = view.gauge(&self.length).unwrap_or_default();
        if length <= 100.0 {
            return Assessment::healthy("Queue is short");
        }
        let issue = Issue {
            code: "queue_long",
            severity: Severity::Warning,
            component: "queue".into(),
            observed: length,
            threshold: 100.0,
            message: format!("{length} messages wait"),
        };
        Assessment::healthy("").with(30, issue, "add consumers")
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
    let body = serde_json::to_string(&sample.report("queue", None).unwrap()).unwrap();
    assert_eq!(body, r#"{"length":500.0}"#);
}
