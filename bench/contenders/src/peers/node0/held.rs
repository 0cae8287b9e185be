//! Many metrics of a registry with a ticker, as in a service, and a clock that the ticks advance.

use std::time::Duration;

use exporter::{Exporter, Format, Naming};
use metrics_core::{ManualClock, Registry};

use super::{COUNTERS, NAME, counter_at, latency_at, registry};
use crate::held::{Held, Holder};
use crate::page;
use crate::workload::{self, VALUES};

pub const HOLDER: Holder = Holder { name: NAME, counters: Some(counters), latencies };

fn counters(count: usize) -> Held {
    let clock = ManualClock::new();
    let registry = registry(|builder| builder.clock(clock.clock()));
    let counters: Vec<_> = (0..count).map(|i| counter_at(&registry, i)).collect();
    let record = move |_| counters.iter().for_each(metrics_core::Counter::inc);
    held(registry, clock, record, COUNTERS.name())
}

fn latencies(count: usize) -> Held {
    let clock = ManualClock::new();
    let registry = registry(|builder| builder.clock(clock.clock()));
    let latencies: Vec<_> = (0..count).map(|i| latency_at(&registry, i)).collect();
    let values = workload::durations();
    let record = move |from: usize| {
        for (i, latency) in latencies.iter().enumerate() {
            latency.record(values[(from + i) % VALUES]);
        }
    };
    held(registry, clock, record, "http_request_seconds_count")
}

fn held(
    registry: Registry,
    clock: ManualClock,
    record: impl Fn(usize) + Send + Sync + 'static,
    read: &'static str,
) -> Held {
    let mut ticker = registry.ticker().expect("it is the first");
    let exporter = Exporter::new();
    let mut held = Held::new(record, move || {
        let mut page = Vec::new();
        exporter.render(&registry.read(), Format::Text, Naming::Standard, &mut page);
        page::sum_of_bytes(&page, read)
    });
    held.tick = Box::new(move || {
        clock.advance(Duration::from_secs(1));
        ticker.tick();
    });
    held
}
