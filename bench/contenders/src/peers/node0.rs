//! node0 through its public API, with higher caps so that the questions have enough series.

mod held;
mod scrape;

use metrics_core::{Counter, Desc, Latency, Registry, RegistryBuilder};
use performance_monitor::{OPERATION_DURATION, OPERATIONS, PerformanceMonitor};

use crate::rounds::Contender;
use crate::workload::{self, BOUNDS, CHOICES, VALUES};

pub use held::HOLDER;
pub use scrape::{TEXT, scrape_counters, scrape_latencies, scrape_native};

pub const NAME: &str = "node0";

const COUNTER: Desc = Desc::counter("http_requests_total", "Requests.");
const LATENCY: Desc = Desc::latency("http_request_seconds", "Requests.").bounds(&BOUNDS);

const COUNTER_BY_REQUEST: Desc = COUNTER.labels(&["method", "route"]);
const LATENCY_BY_REQUEST: Desc = LATENCY.labels(&["method", "route"]);

const COUNTERS: Desc = COUNTER.labels(&["method", "route", "status"]);
const LATENCIES: Desc = LATENCY.labels(&["method", "route", "status"]);

/// Creates a registry that is large enough for every question, with further settings.
pub fn registry(settings: impl Fn(RegistryBuilder) -> RegistryBuilder) -> Registry {
    let large = Registry::builder()
        .max_series(1_000_000)
        .max_scalars_per_family(200_000)
        .max_histograms_per_family(20_000)
        .recording_bytes(2 << 30);
    settings(large).build()
}

fn large_registry() -> Registry {
    registry(|builder| builder)
}

/// Returns the `i`th of many counters.
pub fn counter_at(registry: &Registry, i: usize) -> Counter {
    let labels = workload::labels(i);
    let values = labels.each_ref().map(|(_, value)| value.as_str());
    registry.counter(&COUNTERS, &values).expect("the registry is large enough")
}

/// Returns the `i`th of many latencies.
pub fn latency_at(registry: &Registry, i: usize) -> Latency {
    let labels = workload::labels(i);
    let values = labels.each_ref().map(|(_, value)| value.as_str());
    registry.latency(&LATENCIES, &values).expect("the registry is large enough")
}

/// Returns the number of samples of all latencies of a family.
pub fn samples(registry: &Registry, family: &str) -> u64 {
    let sample = registry.read();
    let family = sample.snapshot.family(family).expect("it was recorded");
    family.series().map(|(_, value)| value.as_f64() as u64).sum()
}

pub fn counter() -> Contender {
    let registry = large_registry();
    let counter = registry.counter(&COUNTER, &[]).expect("a new registry has room");
    let same = counter.clone();
    Contender::recording(NAME, move |_| counter.inc(), move || same.total())
}

pub fn latency() -> Contender {
    let (registry, values) = (large_registry(), workload::durations());
    let latency = registry.latency(&LATENCY, &[]).expect("a new registry has room");
    Contender::recording(
        NAME,
        move |i| latency.record(values[i % VALUES]),
        move || samples(&registry, LATENCY.name()),
    )
}

pub fn timer() -> Contender {
    let registry = large_registry();
    let latency = registry.latency(&LATENCY, &[]).expect("a new registry has room");
    let op = move |_| {
        latency.start().stop();
    };
    Contender::recording(NAME, op, move || samples(&registry, LATENCY.name()))
}

/// Counts through the performance monitor, by one name without labels.
pub fn counter_by_name() -> Contender {
    let registry = large_registry();
    let performance = PerformanceMonitor::register(&registry).expect("it is the first");
    let names = request_names();
    Contender::recording(
        "node0, name alone",
        move |i| performance.record_throughput(&names[i & 15], 1),
        move || samples(&registry, OPERATIONS.name()),
    )
}

/// Records through the performance monitor, by one name without labels.
pub fn latency_by_name() -> Contender {
    let (registry, values) = (large_registry(), workload::durations());
    let performance = PerformanceMonitor::register(&registry).expect("it is the first");
    let names = request_names();
    Contender::recording(
        "node0, name alone",
        move |i| performance.record_latency(&names[i & 15], values[i % VALUES]),
        move || samples(&registry, OPERATION_DURATION.name()),
    )
}

/// Counts by two labels.
pub fn counter_by_labels() -> Contender {
    let registry = large_registry();
    let requests = registry.counters(&COUNTER_BY_REQUEST).expect("a new registry has room");
    Contender::recording(
        NAME,
        move |i| {
            let (method, route) = workload::request(i);
            requests.inc([method, route]);
        },
        move || samples(&registry, COUNTER.name()),
    )
}

/// Records by two labels.
pub fn latency_by_labels() -> Contender {
    let (registry, values) = (large_registry(), workload::durations());
    let requests = registry.latencies(&LATENCY_BY_REQUEST).expect("a new registry has room");
    Contender::recording(
        NAME,
        move |i| {
            let (method, route) = workload::request(i);
            requests.record([method, route], values[i % VALUES]);
        },
        move || samples(&registry, LATENCY.name()),
    )
}

pub fn counters() -> Contender {
    let (registry, choices) = (large_registry(), workload::choices());
    let counters: Vec<_> = (0..1000).map(|i| counter_at(&registry, i)).collect();
    Contender::recording(
        NAME,
        move |i| counters[usize::from(choices[i % CHOICES])].inc(),
        move || samples(&registry, COUNTER.name()),
    )
}

pub fn latencies() -> Contender {
    let (registry, choices, values) =
        (large_registry(), workload::choices(), workload::durations());
    let latencies: Vec<_> = (0..1000).map(|i| latency_at(&registry, i)).collect();
    Contender::recording(
        NAME,
        move |i| latencies[usize::from(choices[i % CHOICES])].record(values[i % VALUES]),
        move || samples(&registry, LATENCY.name()),
    )
}

fn request_names() -> [String; 16] {
    std::array::from_fn(|i| {
        let (method, route) = workload::request(i);
        format!("{method} {route}")
    })
}
