//! The library prometheus: atomic counters and histograms, and a read lock for labels.

use std::cell::RefCell;
use std::rc::Rc;

use prometheus::core::Collector;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry, TextEncoder,
};

use crate::held::{Held, Holder};
use crate::page;
use crate::rounds::Contender;
use crate::workload::{self, BOUNDS, CHOICES, VALUES};
use rig::stopwatch;

const NAME: &str = "prometheus";
const MADE: &str = "its name and bounds are sound";

fn counter_vec(labels: &[&str]) -> IntCounterVec {
    IntCounterVec::new(Opts::new("http_requests_total", "Requests"), labels).expect(MADE)
}

fn histogram_opts() -> HistogramOpts {
    HistogramOpts::new("http_request_seconds", "Requests").buckets(BOUNDS.to_vec())
}

fn histogram_vec(labels: &[&str]) -> HistogramVec {
    HistogramVec::new(histogram_opts(), labels).expect(MADE)
}

fn counters_of(vec: &IntCounterVec, count: usize) -> Vec<IntCounter> {
    let series = (0..count).map(|i| workload::labels(i).map(|(_, value)| value));
    series.map(|values| vec.with_label_values(&values)).collect()
}

fn histograms_of(vec: &HistogramVec, count: usize) -> Vec<Histogram> {
    let series = (0..count).map(|i| workload::labels(i).map(|(_, value)| value));
    series.map(|values| vec.with_label_values(&values)).collect()
}

pub fn counter() -> Contender {
    let counter = IntCounter::new("http_requests_total", "Requests").expect(MADE);
    let same = counter.clone();
    Contender::recording(NAME, move |_| counter.inc(), move || same.get())
}

pub fn latency() -> Contender {
    let histogram = Histogram::with_opts(histogram_opts()).expect(MADE);
    let (same, values) = (histogram.clone(), workload::seconds());
    let op = move |i| histogram.observe(values[i % VALUES]);
    Contender::recording(NAME, op, move || same.get_sample_count())
}

/// Times with two readings of the system's clock, which is faster than the library's timer.
pub fn timer() -> Contender {
    let histogram = Histogram::with_opts(histogram_opts()).expect(MADE);
    let same = histogram.clone();
    let op = move |_| {
        let start = stopwatch::now();
        histogram.observe(start.elapsed().as_secs_f64());
    };
    Contender::recording(NAME, op, move || same.get_sample_count())
}

pub fn counter_by_labels() -> Contender {
    let vec = counter_vec(&["method", "route"]);
    let same = vec.clone();
    let op = move |i| {
        let (method, route) = workload::request(i);
        vec.with_label_values(&[method, route]).inc();
    };
    Contender::recording(NAME, op, move || {
        sixteen().map(|values| same.with_label_values(&values).get()).sum()
    })
}

pub fn latency_by_labels() -> Contender {
    let (vec, values) = (histogram_vec(&["method", "route"]), workload::seconds());
    let same = vec.clone();
    let op = move |i| {
        let (method, route) = workload::request(i);
        vec.with_label_values(&[method, route]).observe(values[i % VALUES]);
    };
    Contender::recording(NAME, op, move || {
        sixteen().map(|values| same.with_label_values(&values).get_sample_count()).sum()
    })
}

fn sixteen() -> impl Iterator<Item = [&'static str; 2]> {
    (0..16).map(workload::request).map(|(method, route)| [method, route])
}

pub fn counters() -> Contender {
    let counters = counters_of(&counter_vec(&["method", "route", "status"]), 1000);
    let (same, choices) = (counters.clone(), workload::choices());
    let op = move |i| counters[usize::from(choices[i % CHOICES])].inc();
    Contender::recording(NAME, op, move || same.iter().map(IntCounter::get).sum())
}

pub fn latencies() -> Contender {
    let histograms = histograms_of(&histogram_vec(&["method", "route", "status"]), 1000);
    let (choices, values) = (workload::choices(), workload::seconds());
    let same = histograms.clone();
    let op = move |i| histograms[usize::from(choices[i % CHOICES])].observe(values[i % VALUES]);
    Contender::recording(NAME, op, move || same.iter().map(Histogram::get_sample_count).sum())
}

pub fn scrape_counters(count: usize) -> Contender {
    let vec = counter_vec(&["method", "route", "status"]);
    let counters = counters_of(&vec, count);
    scrape(vec, "http_requests_total", move || {
        counters.iter().for_each(IntCounter::inc);
        counters.len() as u64
    })
}

pub fn scrape_latencies(count: usize) -> Contender {
    let vec = histogram_vec(&["method", "route", "status"]);
    let (histograms, values) = (histograms_of(&vec, count), workload::seconds());
    let mut next = 0;
    let mut each = 1000;
    scrape(vec, "http_request_seconds_count", move || {
        let each = std::mem::replace(&mut each, 1);
        for histogram in &histograms {
            for _ in 0..each {
                histogram.observe(values[next % VALUES]);
                next += 1;
            }
        }
        (each * histograms.len()) as u64
    })
}

fn scrape(
    vec: impl Collector + 'static,
    read: &'static str,
    prepare: impl FnMut() -> u64 + 'static,
) -> Contender {
    let registry = Registry::new();
    registry.register(Box::new(vec)).expect("it is the first");
    let page = Rc::new(RefCell::new(String::new()));
    let filled = page.clone();
    let act = move || {
        let mut page = filled.borrow_mut();
        page.clear();
        TextEncoder::new().encode_utf8(&registry.gather(), &mut page).expect("it is sound");
    };
    Contender::acting(NAME, prepare, act, move || page::sum(&page.borrow(), read))
}

pub const HOLDER: Holder =
    Holder { name: NAME, counters: Some(hold_counters), latencies: hold_latencies };

fn hold_counters(count: usize) -> Held {
    let vec = counter_vec(&["method", "route", "status"]);
    let counters = counters_of(&vec, count);
    held(vec, "http_requests_total", move |_| counters.iter().for_each(IntCounter::inc))
}

fn hold_latencies(count: usize) -> Held {
    let vec = histogram_vec(&["method", "route", "status"]);
    let (histograms, values) = (histograms_of(&vec, count), workload::seconds());
    held(vec, "http_request_seconds_count", move |from| {
        for (i, histogram) in histograms.iter().enumerate() {
            histogram.observe(values[(from + i) % VALUES]);
        }
    })
}

fn held(
    vec: impl Collector + 'static,
    read: &'static str,
    record: impl Fn(usize) + Send + Sync + 'static,
) -> Held {
    let registry = Registry::new();
    registry.register(Box::new(vec)).expect("it is the first");
    Held::new(record, move || {
        let mut page = String::new();
        TextEncoder::new().encode_utf8(&registry.gather(), &mut page).expect("it is sound");
        page::sum(&page, read)
    })
}
