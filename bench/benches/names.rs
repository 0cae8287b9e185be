//! The question: what it costs to record by label values or by the name of an operation.
//!
//! Workload: one thread, which records into sixteen series in turn. The label values are compared
//! by their text, as those that come with a request. Above 60 ns for two labels, code on hot paths
//! would have to hold handles, and the request layer could not look up its own.

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use metrics_core::{Counter, Desc, Labelled, Latency, Registry};
use performance_monitor::PerformanceMonitor;

const BY_ROUTE: Desc =
    Desc::counter("route_requests_total", "Requests.").labels(&["method", "route"]);
const BY_OPERATION: Desc =
    Desc::latency("task_duration_seconds", "Time of a task.").labels(&["task"]);
const TOOK: Duration = Duration::from_micros(500);

const METHODS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];
const ROUTES: [&str; 4] = ["/orders", "/orders/{id}", "/customers/{id}/orders", "/health"];

fn names(c: &mut Criterion) {
    let registry = Registry::new();
    let mut group = c.benchmark_group("names");
    let names: Vec<String> = (0..16).map(|number| format!("orders:step-{number}")).collect();

    let tasks: Labelled<Latency, 1> =
        registry.latencies(&BY_OPERATION).expect("a new registry has room");
    let mut name = names.iter().cycle();
    group.bench_function("one-label/16", |b| {
        b.iter(|| tasks.record([name.next().expect("a cycle")], TOOK));
    });

    let requests: Labelled<Counter, 2> =
        registry.counters(&BY_ROUTE).expect("a new registry has room");
    let mut pair = METHODS.iter().flat_map(|method| ROUTES.map(|route| [*method, route])).cycle();
    group.bench_function("two-labels/16", |b| {
        b.iter(|| requests.inc(pair.next().expect("a cycle")));
    });

    let performance = PerformanceMonitor::register(&registry).expect("it is the first");
    let mut name = names.iter().cycle();
    group.bench_function("operation/16", |b| {
        b.iter(|| performance.record_latency(name.next().expect("a cycle"), TOOK));
    });
    group.finish();
}

criterion_group!(benches, names);
criterion_main!(benches);
