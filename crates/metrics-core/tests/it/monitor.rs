//! A monitor as a user would write it, outside this repository.

use std::sync::Arc;

use node0_metrics_core::{
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

static OVERVIEW: Topic = Topic::new("overview", "overview");

/// Shows the queue's numbers beside its own.
struct OverviewMonitor;

impl Monitor for OverviewMonitor {
    fn topic(&self) -> &'static Topic {
        &OVERVIEW
    }

    fn judge(&self, _: &View<'_>) -> Judgement {
        Judgement::healthy("Fine").with(Finding::warning("dusty").penalty(5).message("dust"))
    }

    fn report(&self, _: &View<'_>, _: Option<&str>) -> Result<Report, UnknownTarget> {
        Ok(Report::new(Body { length: None }).joined_by(&TOPIC))
    }
}

#[test]
fn a_report_that_joins_another_topic_shows_the_worse_health_of_both() {
    let mut bench = Bench::new();
    bench.registry.monitor(Arc::new(OverviewMonitor)).unwrap();
    let issues = |bench: &mut Bench| {
        let report = bench.tick().sample.report("overview", None).unwrap();
        let body = serde_json::to_value(report).unwrap();
        (body["health"]["score"].clone(), body["health"]["issues"].clone())
    };
    assert_eq!(issues(&mut bench), (95.into(), ["dust"].as_slice().into()), "there is no other");
    let length = bench.registry.gauge(&LENGTH, &[]).unwrap();
    bench.registry.monitor(Arc::new(QueueMonitor { length: length.clone() })).unwrap();
    length.set(500.0);
    let both = ["500 messages wait", "dust"].as_slice();
    assert_eq!(issues(&mut bench), (70.into(), both.into()));
}
