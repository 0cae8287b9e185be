//! The question: what a scrape costs in each format, and how it grows with the series.
//!
//! Workload: half counters, half latencies, which have classic names too; each has recorded once
//! since the scrape before. One scrape reads all cells and renders the page. The size is the number
//! of series. A scrape of a thousand series above 5 ms, or one that grows faster than its series,
//! would be felt by the requests that share its core.

use criterion::measurement::WallTime;
use criterion::{
    BatchSize, BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use exporter::{Exporter, Format, Json, Naming};
use metrics_core::{Counter, Latency, Registry, Ticker};
use performance_monitor::{OPERATION_DURATION, OPERATIONS};

const PAGES: [(&str, Format, Naming); 3] = [
    ("text", Format::Text, Naming::Standard),
    ("classic", Format::Text, Naming::Classic),
    ("openmetrics", Format::OpenMetrics, Naming::Standard),
];

fn scrape(c: &mut Criterion) {
    let mut group = c.benchmark_group("scrape");
    for size in [100, 1000] {
        let service = Service::new(size);
        group.throughput(Throughput::Elements(size as u64));
        for (name, format, naming) in PAGES {
            let exporter = Exporter::new();
            bench(&mut group, name, &service, |page| {
                exporter.render(&service.registry.read(), format, naming, page);
            });
        }
        bench(&mut group, "json", &service, |page| {
            let sample = service.registry.read();
            serde_json::to_writer(page, &Json(&sample)).expect("a vector takes every byte");
        });
    }
    group.finish();
}

/// Measures one way to write a page; the records before it are not timed.
fn bench(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    service: &Service,
    render: impl Fn(&mut Vec<u8>),
) {
    let size = service.counters.len() + service.latencies.len();
    let mut page = Vec::new();
    group.bench_function(BenchmarkId::new(name, size), |b| {
        b.iter_batched(
            || service.record(),
            |()| {
                page.clear();
                render(&mut page);
            },
            BatchSize::PerIteration,
        );
    });
}

/// A service that records, with a ticker, without which each read would tick.
struct Service {
    registry: Registry,
    counters: Vec<Counter>,
    latencies: Vec<Latency>,
    _ticker: Ticker,
}

impl Service {
    /// Registers half as many counters, and as many latencies.
    fn new(series: usize) -> Self {
        let registry = Registry::new();
        let names: Vec<String> = (0..series / 2).map(|number| format!("step-{number}")).collect();
        let counters = names.iter().map(|name| registry.counter(&OPERATIONS, &[name]));
        let counters = counters.collect::<Result<_, _>>().expect("a new registry has room");
        let latencies = names.iter().map(|name| registry.latency(&OPERATION_DURATION, &[name]));
        let latencies = latencies.collect::<Result<_, _>>().expect("a new registry has room");
        let ticker = registry.ticker().expect("it is the first");
        Self { registry, counters, latencies, _ticker: ticker }
    }

    fn record(&self) {
        self.counters.iter().for_each(Counter::inc);
        self.latencies.iter().for_each(|latency| latency.record_nanos(1_000_000));
    }
}

criterion_group!(benches, scrape);
criterion_main!(benches);
