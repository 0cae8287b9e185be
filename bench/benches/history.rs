//! The question: what it costs to ask for an hour of the past, and to keep a tick of it.
//!
//! Workload: an hour of a latency of two hundred values a second in some four hundred buckets, and of
//! a counter. A query has a point for each ten seconds. Above 5 ms for one latency, a page with
//! some charts of percentiles would be felt by the service that it watches. *Tick* is that of a
//! registry of these two series with a history, mostly the pass itself.

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use history::{History, Query};
use metrics_core::{Desc, ManualClock, Registry};

const JOBS: Desc = Desc::counter("jobs_total", "Jobs done.");
const WORK: Desc = Desc::latency("work_seconds", "Time of a job.");
const SECOND: Duration = Duration::from_secs(1);

fn past(c: &mut Criterion) {
    let clock = ManualClock::new();
    let registry = Registry::builder().clock(clock.clock()).build();
    let history = History::register(&registry).expect("it is the first");
    let jobs = registry.counter(&JOBS, &[]).expect("it is valid");
    let work = registry.latency(&WORK, &[]).expect("it is valid");
    let mut ticker = registry.ticker().expect("it is the first");
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut second = || {
        for _ in 0..200 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let bell = state.to_be_bytes()[..4].iter().map(|byte| u64::from(*byte)).sum::<u64>();
            work.record_nanos(1 << (20 + bell / 200) | bell << 12);
        }
        jobs.add(200);
        clock.advance(SECOND);
        ticker.tick();
    };
    (0..3600).for_each(|_| second());
    let hour = |metric| Query::new(metric).last(SECOND * 3600).step(SECOND * 10);
    let mut group = c.benchmark_group("history");
    let (rate, p95) = (hour("jobs_total"), hour("work_seconds").quantile(0.95));
    group.bench_function("rate/1h", |b| b.iter(|| history.query(&rate)));
    group.bench_function("p95/1h", |b| b.iter(|| history.query(&p95)));
    group.bench_function("tick", |b| b.iter(&mut second));
    group.finish();
}

criterion_group!(benches, past);
criterion_main!(benches);
