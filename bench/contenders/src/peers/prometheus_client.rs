//! The library prometheus-client: atomic counters, locked histograms, and a read lock for
//! labels.

use std::cell::RefCell;
use std::rc::Rc;

use prometheus_client::encoding::{EncodeLabelSet, prometheus_text, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

use crate::held::{Held, Holder};
use crate::page;
use crate::rounds::Contender;
use crate::workload::{self, BOUNDS, CHOICES, VALUES};
use rig::stopwatch;

pub const NAME: &str = "prometheus-client";

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Request {
    method: &'static str,
    route: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Series {
    method: String,
    route: String,
    status: String,
}

fn series(i: usize) -> Series {
    let [method, route, status] = workload::labels(i).map(|(_, value)| value);
    Series { method, route, status }
}

fn histogram() -> Histogram {
    Histogram::new(BOUNDS)
}

fn registry(name: &str, metric: impl Metric) -> Registry {
    let mut registry = Registry::default();
    registry.register(name, "Requests", metric);
    registry
}

/// Returns the number of samples from the page, because a histogram does not expose it.
fn samples(registry: &Registry) -> u64 {
    sum_of(registry, "http_request_seconds_count")
}

fn sum_of(registry: &Registry, name: &str) -> u64 {
    let mut page = String::new();
    prometheus_text::encode(&mut page, registry).expect("a string takes everything");
    page::sum(&page, name)
}

pub fn counter() -> Contender {
    let counter: Counter = Counter::default();
    let same = counter.clone();
    let op = move |_| {
        counter.inc();
    };
    Contender::recording(NAME, op, move || same.get())
}

pub fn latency() -> Contender {
    let (histogram, values) = (histogram(), workload::seconds());
    let registry = registry("http_request_seconds", histogram.clone());
    let op = move |i| histogram.observe(values[i % VALUES]);
    Contender::recording(NAME, op, move || samples(&registry))
}

/// Times with two readings of the system's clock, because the library has no timer.
pub fn timer() -> Contender {
    let histogram = histogram();
    let registry = registry("http_request_seconds", histogram.clone());
    let op = move |_| {
        let start = stopwatch::now();
        histogram.observe(start.elapsed().as_secs_f64());
    };
    Contender::recording(NAME, op, move || samples(&registry))
}

pub fn counter_by_labels() -> Contender {
    let family: Family<Request, Counter> = Family::default();
    let same = family.clone();
    let op = move |i| {
        let (method, route) = workload::request(i);
        family.get_or_create(&Request { method, route }).inc();
    };
    Contender::recording(NAME, op, move || {
        sixteen().map(|request| same.get_or_create(&request).get()).sum()
    })
}

pub fn latency_by_labels() -> Contender {
    let values = workload::seconds();
    let family: Family<Request, Histogram> = Family::new_with_constructor(histogram);
    let registry = registry("http_request_seconds", family.clone());
    let op = move |i| {
        let (method, route) = workload::request(i);
        family.get_or_create(&Request { method, route }).observe(values[i % VALUES]);
    };
    Contender::recording(NAME, op, move || samples(&registry))
}

fn sixteen() -> impl Iterator<Item = Request> {
    (0..16).map(workload::request).map(|(method, route)| Request { method, route })
}

pub fn counters() -> Contender {
    let counters: Vec<Counter> = (0..1000).map(|_| Counter::default()).collect();
    let (same, choices) = (counters.clone(), workload::choices());
    let op = move |i| {
        counters[usize::from(choices[i % CHOICES])].inc();
    };
    Contender::recording(NAME, op, move || same.iter().map(|counter| counter.get()).sum())
}

pub fn latencies() -> Contender {
    let family: Family<Series, Histogram> = Family::new_with_constructor(histogram);
    let histograms: Vec<Histogram> =
        (0..1000).map(|i| family.get_or_create_owned(&series(i))).collect();
    let (choices, values) = (workload::choices(), workload::seconds());
    let registry = registry("http_request_seconds", family);
    let op = move |i| histograms[usize::from(choices[i % CHOICES])].observe(values[i % VALUES]);
    Contender::recording(NAME, op, move || samples(&registry))
}

/// Scrapes counters, in both formats of the library.
pub fn scrape_counters(count: usize) -> [Contender; 2] {
    FORMATS.map(|format| {
        let family: Family<Series, Counter> = Family::default();
        let counters: Vec<Counter> =
            (0..count).map(|i| family.get_or_create_owned(&series(i))).collect();
        // The encoder adds `_total`.
        scrape(format, registry("http_requests", family), "http_requests_total", move || {
            for counter in &counters {
                counter.inc();
            }
            counters.len() as u64
        })
    })
}

/// Scrapes latencies, in both formats of the library.
pub fn scrape_latencies(count: usize) -> [Contender; 2] {
    FORMATS.map(|format| {
        let family: Family<Series, Histogram> = Family::new_with_constructor(histogram);
        let histograms: Vec<Histogram> =
            (0..count).map(|i| family.get_or_create_owned(&series(i))).collect();
        let values = workload::seconds();
        let mut next = 0;
        let mut each = 1000;
        let registry = registry("http_request_seconds", family);
        scrape(format, registry, "http_request_seconds_count", move || {
            let each = std::mem::replace(&mut each, 1);
            for histogram in &histograms {
                for _ in 0..each {
                    histogram.observe(values[next % VALUES]);
                    next += 1;
                }
            }
            (each * histograms.len()) as u64
        })
    })
}

/// The name of a contender with the way to render its page.
type Format = (&'static str, fn(&mut String, &Registry) -> std::fmt::Result);

/// The format of node0's page too, and the one that the library had first.
const FORMATS: [Format; 2] =
    [(NAME, prometheus_text::encode), ("prometheus-client, OpenMetrics", text::encode)];

fn scrape(
    (name, encode): Format,
    registry: Registry,
    read: &'static str,
    prepare: impl FnMut() -> u64 + 'static,
) -> Contender {
    let page = Rc::new(RefCell::new(String::new()));
    let filled = page.clone();
    let act = move || {
        let mut page = filled.borrow_mut();
        page.clear();
        encode(&mut page, &registry).expect("a string takes everything");
    };
    Contender::acting(name, prepare, act, move || page::sum(&page.borrow(), read))
}

pub const HOLDER: Holder =
    Holder { name: NAME, counters: Some(hold_counters), latencies: hold_latencies };

fn hold_counters(count: usize) -> Held {
    let family: Family<Series, Counter> = Family::default();
    let counters: Vec<Counter> =
        (0..count).map(|i| family.get_or_create_owned(&series(i))).collect();
    let registry = registry("http_requests", family);
    let record = move |_| {
        for counter in &counters {
            counter.inc();
        }
    };
    Held::new(record, move || sum_of(&registry, "http_requests_total"))
}

fn hold_latencies(count: usize) -> Held {
    let family: Family<Series, Histogram> = Family::new_with_constructor(histogram);
    let histograms: Vec<Histogram> =
        (0..count).map(|i| family.get_or_create_owned(&series(i))).collect();
    let registry = registry("http_request_seconds", family);
    let values = workload::seconds();
    let record = move |from: usize| {
        for (i, histogram) in histograms.iter().enumerate() {
            histogram.observe(values[(from + i) % VALUES]);
        }
    };
    Held::new(record, move || samples(&registry))
}
