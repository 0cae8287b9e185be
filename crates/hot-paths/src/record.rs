//! Records through handles of the core, held and by labels.

use std::hint::black_box;
use std::time::Duration;

use node0_metrics_core::{Desc, Labelled, Latency};

use crate::repeat::repeat;
use crate::{Path, registry};

const COUNTER: Desc = Desc::counter("requests_total", "Requests.");
const LEVEL: Desc = Desc::up_down("requests_in_flight", "Requests in flight.");
const VALUE: Desc = Desc::gauge("queue_length", "Jobs that wait.");
const LATENCY: Desc = Desc::latency("request_duration_seconds", "Time to answer.");
const LOOKUPS: Desc = Desc::counter("lookups_total", "Lookups.").labels(&["result"]);
const BY_NAME: Desc =
    Desc::latency("operation_duration_seconds", "Time of an operation.").labels(&["operation"]);
const BY_ROUTE: Desc =
    Desc::latency("route_duration_seconds", "Time to answer.").labels(&["method", "route"]);

pub(crate) const PATHS: &[Path] = &[
    ("counter", |times| {
        let registry = registry();
        let counter = registry.counter(&COUNTER, &[])?;
        repeat(times, |_| black_box(&counter).inc())
    }),
    ("up-down", |times| {
        let registry = registry();
        let level = registry.up_down(&LEVEL, &[])?;
        repeat(times, |_| black_box(&level).add(1))
    }),
    ("gauge", |times| {
        let registry = registry();
        let gauge = registry.gauge(&VALUE, &[])?;
        repeat(times, |_| black_box(&gauge).set(1.0))
    }),
    ("latency", |times| {
        let registry = registry();
        let latency = registry.latency(&LATENCY, &[])?;
        let took = [3, 40, 500, 60_000].map(Duration::from_micros);
        repeat(times, |i| black_box(&latency).record(took[i as usize % took.len()]))
    }),
    ("timer", |times| {
        let registry = registry();
        let latency = registry.latency(&LATENCY, &[])?;
        repeat(times, |_| drop(black_box(&latency).start()))
    }),
    ("hit-ratio", |times| {
        let registry = registry();
        let lookups = registry.hit_ratio(&LOOKUPS, &[])?;
        repeat(times, |_| black_box(&lookups).hit())
    }),
    ("by-one-label", |times| {
        let registry = registry();
        let operations: Labelled<Latency, 1> = registry.latencies(&BY_NAME)?;
        let took = Duration::from_micros(500);
        repeat(times, |_| operations.record(black_box(["orders:place"]), took))
    }),
    ("by-two-labels", |times| {
        let registry = registry();
        let requests: Labelled<Latency, 2> = registry.latencies(&BY_ROUTE)?;
        let took = Duration::from_micros(500);
        repeat(times, |_| requests.record(black_box(["GET", "/orders/{id}"]), took))
    }),
];
