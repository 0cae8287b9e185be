//! A scrape of node0: reads all cells and renders the page.
//!
//! Both halves are contenders of their own too, so that a slow scrape can be traced to one
//! of them.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use exporter::{Exporter, Format, Naming, NativeHistograms};
use metrics_core::{Counter, Registry, Sample, Ticker};

use super::{NAME, counter_at, large_registry, latency_at};
use crate::page;
use crate::rounds::Contender;
use crate::workload::{self, VALUES};

/// Scrapes counters, each of which is incremented once before each scrape.
pub fn scrape_counters(series: usize) -> [Contender; 3] {
    scrapes("http_requests_total", || {
        let registry = large_registry();
        let counters: Vec<_> = (0..series).map(|i| counter_at(&registry, i)).collect();
        let record = move || {
            counters.iter().for_each(Counter::inc);
            counters.len() as u64
        };
        Scraped::new(registry, record, 1)
    })
}

/// Scrapes latencies with a thousand samples each, and one more before each scrape.
pub fn scrape_latencies(series: usize) -> [Contender; 3] {
    scrapes(LATENCY_COUNT, || scraped_latencies(series))
}

/// The name of the text page beside that of protobuf.
pub const TEXT: &str = "node0, text";

/// Scrapes the same latencies as native histograms beside buckets with bounds, and as text.
pub fn scrape_native(series: usize) -> [Contender; 3] {
    let scraped = |format| Scraped { format, ..scraped_latencies(series) };
    let (native, text) = (scraped(Format::Protobuf), scraped(Format::Text));
    let rendered = scraped(Format::Protobuf);
    [
        contender(NAME, LATENCY_COUNT, native, Scraped::record, Scraped::scrape),
        contender(TEXT, LATENCY_COUNT, text, Scraped::record, Scraped::scrape),
        contender(RENDER, LATENCY_COUNT, rendered, Scraped::record_and_read, Scraped::render),
    ]
}

const RENDER: &str = "node0, render alone";
const LATENCY_COUNT: &str = "http_request_seconds_count";

fn scraped_latencies(series: usize) -> Scraped {
    let registry = large_registry();
    let latencies: Vec<_> = (0..series).map(|i| latency_at(&registry, i)).collect();
    let mut next = 0;
    let record = move || {
        for latency in &latencies {
            latency.record(workload::durations()[next % VALUES]);
            next += 1;
        }
        latencies.len() as u64
    };
    Scraped::new(registry, record, 100)
}

/// A registry with the state of the handler that scrapes it.
struct Scraped {
    registry: Registry,
    /// Records once into each series.
    record: Box<dyn FnMut() -> u64>,
    /// The ticker, which is held so that a read does not tick the registry itself.
    _ticker: Ticker,
    exporter: Exporter,
    format: Format,
    /// The sample that was read and is not yet rendered.
    ///
    /// It is dropped after the scrape, as in a handler: the registry must copy a sample that
    /// is still held instead of updating it in place.
    sample: Option<Arc<Sample>>,
    page: Vec<u8>,
    /// The number of records before the first scrape.
    before: u64,
}

impl Scraped {
    /// Creates a registry with a history of ten ticks, each with so many records per series.
    fn new(
        registry: Registry,
        mut record: impl FnMut() -> u64 + 'static,
        records_per_tick: usize,
    ) -> Self {
        let mut ticker = registry.ticker().expect("it is the first");
        let mut before = 0;
        for _ in 0..10 {
            before += (0..records_per_tick).map(|_| record()).sum::<u64>();
            ticker.tick();
        }
        Self {
            record: Box::new(record),
            _ticker: ticker,
            exporter: Exporter::builder().native_histograms(NativeHistograms::new()).build(),
            format: Format::Text,
            sample: None,
            page: Vec::new(),
            before,
            registry,
        }
    }

    fn record(&mut self) -> u64 {
        (self.record)()
    }

    fn read(&mut self) {
        self.sample = None;
        self.sample = Some(self.registry.read());
    }

    fn record_and_read(&mut self) -> u64 {
        let recorded = self.record();
        self.read();
        recorded
    }

    fn scrape(&mut self) {
        self.read();
        self.render();
    }

    fn render(&mut self) {
        self.page.clear();
        if let Some(sample) = self.sample.take() {
            self.exporter.render(&sample, self.format, Naming::Standard, &mut self.page);
        }
    }
}

/// Returns three contenders: the whole scrape, and its two halves.
fn scrapes(name: &'static str, make: impl Fn() -> Scraped) -> [Contender; 3] {
    let whole = contender(NAME, name, make(), Scraped::record, Scraped::scrape);
    let read = contender("node0, read alone", name, make(), Scraped::record, Scraped::read);
    let render = contender(RENDER, name, make(), Scraped::record_and_read, Scraped::render);
    [whole, read, render]
}

fn contender(
    contender: &'static str,
    name: &'static str,
    scraped: Scraped,
    prepare: impl Fn(&mut Scraped) -> u64 + 'static,
    act: impl Fn(&mut Scraped) + 'static,
) -> Contender {
    let scraped = Rc::new(RefCell::new(scraped));
    let (prepared, acting) = (scraped.clone(), scraped.clone());
    Contender::acting(
        contender,
        move || prepare(&mut prepared.borrow_mut()),
        move || act(&mut acting.borrow_mut()),
        move || {
            let mut scraped = scraped.borrow_mut();
            scraped.format = Format::Text;
            scraped.read();
            scraped.render();
            page::sum_of_bytes(&scraped.page, name) - scraped.before
        },
    )
}
