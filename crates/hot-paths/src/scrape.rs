//! Passes and scrapes of a registry with a hundred counters and a hundred latencies.
//!
//! There are no monitors: they judge on threads of their own, whose end comes at another moment in
//! each run, so that the counts of two runs differ by two percent.

use node0_exporter::{Exporter, Format, Json, Naming};
use node0_metrics_core::{Counter, Desc, Latency, Registry, Ticker};

use crate::repeat::repeat;
use crate::{Failure, Outcome, Path, registry};

const SERIES: usize = 100;
const COUNTERS: Desc = Desc::counter("requests_total", "Requests.").labels(&["route"]);
const LATENCIES: Desc =
    Desc::latency("request_duration_seconds", "Time to answer.").labels(&["route"]);

pub(crate) const PASSES: &[Path] = &[
    ("idle", |times| {
        let mut service = Service::start()?;
        repeat(times, |_| drop(service.ticker.tick()))
    }),
    ("busy", |times| {
        let mut service = Service::start()?;
        repeat(times, |n| {
            service.count();
            service.time(n);
            drop(service.ticker.tick());
        })
    }),
];

pub(crate) const SCRAPES: &[Path] = &[
    ("text-counters", |times| scrape(Format::Text, times, |service, _| service.count())),
    ("text-latencies", |times| scrape(Format::Text, times, Service::time)),
    ("openmetrics", |times| scrape(Format::OpenMetrics, times, Service::time)),
    ("json", |times| {
        let (service, mut page) = (Service::start()?, Vec::new());
        repeat(times, |n| {
            service.time(n);
            page.clear();
            let json = Json(&service.registry.read());
            serde_json::to_writer(&mut page, &json).expect("a vector takes every byte");
        })
    }),
];

/// A service that records, and its ticker.
struct Service {
    registry: Registry,
    counters: Vec<Counter>,
    latencies: Vec<Latency>,
    ticker: Ticker,
}

impl Service {
    fn start() -> Result<Self, Failure> {
        let registry = registry();
        let routes: Vec<String> = (0..SERIES).map(|route| route.to_string()).collect();
        let counters = routes.iter().map(|route| registry.counter(&COUNTERS, &[route]));
        let counters = counters.collect::<Result<_, _>>()?;
        let latencies = routes.iter().map(|route| registry.latency(&LATENCIES, &[route]));
        let latencies = latencies.collect::<Result<_, _>>()?;
        let ticker = registry.ticker()?;
        Ok(Self { registry, counters, latencies, ticker })
    }

    fn count(&self) {
        self.counters.iter().for_each(Counter::inc);
    }

    /// Records into each latency, in one of sixteen buckets.
    fn time(&self, n: u64) {
        self.latencies.iter().for_each(|latency| latency.record_nanos(n % 16 * 1000));
    }
}

/// Reads and renders a page each time, after some records.
fn scrape(format: Format, times: u64, record: fn(&Service, u64)) -> Outcome {
    let (service, exporter, mut page) = (Service::start()?, Exporter::new(), Vec::new());
    repeat(times, |n| {
        record(&service, n);
        page.clear();
        exporter.render(&service.registry.read(), format, Naming::Standard, &mut page);
    })
}
