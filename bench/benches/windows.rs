//! The question: what it costs to ask a sample for the percentiles of a window.
//!
//! Workload: series with a thousand values in their window, spread over some hundred buckets; the
//! sample is read once and asked many times, as a health check or a report does. The size is the
//! number of series that a summary merges. Above 5 µs for one series, a tick that judges a hundred
//! latencies would take as long as its pass.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use metrics_core::{Desc, Latency, LatencySummary, Registry};

const LATENCIES: Desc =
    Desc::latency("request_duration_seconds", "Time to answer.").labels(&["route"]);

fn windows(c: &mut Criterion) {
    let registry = Registry::new();
    let latencies: Vec<Latency> = (0..100)
        .map(|route: u32| registry.latency(&LATENCIES, &[&route.to_string()]))
        .collect::<Result<_, _>>()
        .expect("a new registry has room");
    for value in 0..1000 {
        latencies.iter().for_each(|latency| latency.record_nanos(500_000 + value * 1500));
    }
    let sample = registry.read();
    let view = sample.view();
    let histograms: Vec<_> = latencies.iter().filter_map(|latency| view.latency(latency)).collect();
    assert_eq!(histograms[0].window().samples(), 1000, "the window has what was recorded");
    let mut group = c.benchmark_group("windows");
    group.bench_function("p99/1", |b| {
        b.iter(|| histograms[0].window().buckets().quantile(0.99));
    });
    group.bench_function("summary/1", |b| b.iter(|| histograms[0].summary()));
    for size in [10, 100] {
        group.bench_function(BenchmarkId::new("merged-summary", size), |b| {
            b.iter(|| LatencySummary::merged(histograms[..size].iter().copied()));
        });
    }
    group.finish();
}

criterion_group!(benches, windows);
criterion_main!(benches);
