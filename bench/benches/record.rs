//! The question: what one record through a held handle costs, for each kind of metric.
//!
//! Workload: one thread; latencies record values around a millisecond that spread over some
//! hundred buckets. A counter above 3 ns, a latency above 8 ns or a timer above 60 ns would mean
//! that a record has left the path of a few loads and stores, and that cells per thread no longer
//! pay for their memory.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use metrics_core::{Desc, Registry, Unit};

const COUNTER: Desc = Desc::counter("requests_total", "Requests.");
const LEVEL: Desc = Desc::up_down("requests_in_flight", "Requests in flight.");
const VALUE: Desc = Desc::gauge("queue_length", "Jobs that wait.");
const LATENCY: Desc = Desc::latency("request_duration_seconds", "Time to answer.");
const SIZES: Desc = Desc::distribution(
    "response_size_bytes",
    "Sizes of responses.",
    Unit::Bytes,
    &[1024.0, 65536.0],
);
const LOOKUPS: Desc = Desc::counter("lookups_total", "Lookups.").labels(&["result"]);

fn record(c: &mut Criterion) {
    let registry = Registry::new();
    let mut group = c.benchmark_group("record");

    let counter = registry.counter(&COUNTER, &[]).expect("a new registry has room");
    group.bench_function("counter/1t", |b| b.iter(|| black_box(&counter).inc()));

    let level = registry.up_down(&LEVEL, &[]).expect("a new registry has room");
    group.bench_function("up-down/1t", |b| b.iter(|| black_box(&level).add(1)));

    let gauge = registry.gauge(&VALUE, &[]).expect("a new registry has room");
    group.bench_function("gauge/1t", |b| b.iter(|| black_box(&gauge).set(1.0)));

    let lookups = registry.hit_ratio(&LOOKUPS, &[]).expect("a new registry has room");
    group.bench_function("hit-ratio/1t", |b| b.iter(|| black_box(&lookups).hit()));

    let (latency, mut took) = (registry.latency(&LATENCY, &[]), durations());
    let latency = latency.expect("a new registry has room");
    group.bench_function("latency/1t", |b| b.iter(|| black_box(&latency).record(took())));
    group.bench_function("timer/1t", |b| b.iter(|| drop(black_box(&latency).start())));

    let sizes = registry.distribution(&SIZES, &[]).expect("a new registry has room");
    group.bench_function("distribution/1t", |b| b.iter(|| black_box(&sizes).record(512.0)));
    group.finish();
}

/// Returns a source of durations between 0.5 and 2 ms.
fn durations() -> impl FnMut() -> Duration {
    let mut next = 0_u32;
    move || {
        // A multiplicative hash, whose upper bits are spread evenly.
        next = next.wrapping_add(0x9e37_79b9);
        Duration::from_nanos(500_000 + u64::from(next >> 12))
    }
}

criterion_group!(benches, record);
criterion_main!(benches);
