//! The library metrics with its Prometheus exporter: handles into a registry with a hash map.
//!
//! Its histograms collect samples and grow without limit until the samples are drained into
//! buckets. So a measurement of recording includes the drain, once per lap on the recording
//! thread.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::LazyLock;

use metrics::{Counter, Histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use crate::held::{Held, Holder};
use crate::page;
use crate::rounds::{Contender, LAP};
use crate::workload::{self, BOUNDS, CHOICES, VALUES};
use rig::stopwatch;

pub const NAME: &str = "metrics";

/// The global recorder, which the macros use and of which a process has one.
static GLOBAL: LazyLock<PrometheusHandle> = LazyLock::new(|| {
    let recorder = recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).expect("it is the first");
    handle
});

fn recorder() -> PrometheusRecorder {
    let builder = PrometheusBuilder::new().set_buckets(&BOUNDS);
    builder.expect("there are buckets").build_recorder()
}

#[inline]
fn drain(handle: &PrometheusHandle, i: usize) {
    if i % LAP == LAP - 1 {
        handle.run_upkeep();
    }
}

fn sum_of(handle: &PrometheusHandle, name: &str) -> u64 {
    page::sum(&handle.render(), name)
}

fn counters_of(recorder: &PrometheusRecorder, count: usize) -> Vec<Counter> {
    let series = |i| metrics::counter!("http_requests_total", &workload::labels(i));
    metrics::with_local_recorder(recorder, || (0..count).map(series).collect())
}

fn histograms_of(recorder: &PrometheusRecorder, count: usize) -> Vec<Histogram> {
    let series = |i| metrics::histogram!("http_request_seconds", &workload::labels(i));
    metrics::with_local_recorder(recorder, || (0..count).map(series).collect())
}

pub fn counter() -> Contender {
    let recorder = recorder();
    let handle = recorder.handle();
    let counter =
        metrics::with_local_recorder(&recorder, || metrics::counter!("http_requests_total"));
    let op = move |_| counter.increment(1);
    Contender::recording(NAME, op, move || sum_of(&handle, "http_requests_total"))
}

pub fn latency() -> Contender {
    let (recorder, values) = (recorder(), workload::seconds());
    let (handle, drained) = (recorder.handle(), recorder.handle());
    let histogram =
        metrics::with_local_recorder(&recorder, || metrics::histogram!("http_request_seconds"));
    let op = move |i| {
        histogram.record(values[i % VALUES]);
        drain(&drained, i);
    };
    Contender::recording(NAME, op, move || sum_of(&handle, "http_request_seconds_count"))
}

/// Times with two readings of the system's clock, because the library has no timer.
pub fn timer() -> Contender {
    let recorder = recorder();
    let (handle, drained) = (recorder.handle(), recorder.handle());
    let histogram =
        metrics::with_local_recorder(&recorder, || metrics::histogram!("http_request_seconds"));
    let op = move |i| {
        let start = stopwatch::now();
        histogram.record(start.elapsed());
        drain(&drained, i);
    };
    Contender::recording(NAME, op, move || sum_of(&handle, "http_request_seconds_count"))
}

pub fn counter_by_labels() -> Contender {
    LazyLock::force(&GLOBAL);
    let op = |i| {
        let (method, route) = workload::request(i);
        metrics::counter!("http_requests_total", "method" => method, "route" => route).increment(1);
    };
    Contender::recording(NAME, op, || sum_of(&GLOBAL, "http_requests_total"))
}

pub fn latency_by_labels() -> Contender {
    LazyLock::force(&GLOBAL);
    let values = workload::seconds();
    let op = move |i| {
        let (method, route) = workload::request(i);
        metrics::histogram!("http_request_seconds", "method" => method, "route" => route)
            .record(values[i % VALUES]);
        drain(&GLOBAL, i);
    };
    Contender::recording(NAME, op, || sum_of(&GLOBAL, "http_request_seconds_count"))
}

pub fn counters() -> Contender {
    let (recorder, choices) = (recorder(), workload::choices());
    let (handle, counters) = (recorder.handle(), counters_of(&recorder, 1000));
    let op = move |i| counters[usize::from(choices[i % CHOICES])].increment(1);
    Contender::recording(NAME, op, move || sum_of(&handle, "http_requests_total"))
}

pub fn latencies() -> Contender {
    let recorder = recorder();
    let (choices, values) = (workload::choices(), workload::seconds());
    let (handle, drained) = (recorder.handle(), recorder.handle());
    let histograms = histograms_of(&recorder, 1000);
    let op = move |i| {
        histograms[usize::from(choices[i % CHOICES])].record(values[i % VALUES]);
        drain(&drained, i);
    };
    Contender::recording(NAME, op, move || sum_of(&handle, "http_request_seconds_count"))
}

pub fn scrape_counters(count: usize) -> Contender {
    let recorder = recorder();
    let counters = counters_of(&recorder, count);
    scrape(recorder.handle(), "http_requests_total", move || {
        counters.iter().for_each(|counter| counter.increment(1));
        counters.len() as u64
    })
}

/// Scrapes histograms that were drained before, so that a scrape drains one sample of each.
pub fn scrape_latencies(count: usize) -> Contender {
    let recorder = recorder();
    let (histograms, values) = (histograms_of(&recorder, count), workload::seconds());
    let drained = recorder.handle();
    let mut next = 0;
    let mut each = 1000;
    scrape(recorder.handle(), "http_request_seconds_count", move || {
        let each = std::mem::replace(&mut each, 1);
        for histogram in &histograms {
            for _ in 0..each {
                histogram.record(values[next % VALUES]);
                next += 1;
            }
        }
        drained.run_upkeep();
        (each * histograms.len()) as u64
    })
}

fn scrape(
    handle: PrometheusHandle,
    read: &'static str,
    prepare: impl FnMut() -> u64 + 'static,
) -> Contender {
    let page = Rc::new(RefCell::new(Vec::new()));
    let filled = page.clone();
    let act = move || {
        let mut page = filled.borrow_mut();
        page.clear();
        handle.render_to_write(&mut *page).expect("a vector takes everything");
    };
    Contender::acting(NAME, prepare, act, move || page::sum_of_bytes(&page.borrow(), read))
}

pub const HOLDER: Holder =
    Holder { name: NAME, counters: Some(hold_counters), latencies: hold_latencies };

fn hold_counters(count: usize) -> Held {
    let recorder = recorder();
    let (counters, handle) = (counters_of(&recorder, count), recorder.handle());
    let record = move |_| counters.iter().for_each(|counter| counter.increment(1));
    Held::new(record, move || sum_of(&handle, "http_requests_total"))
}

fn hold_latencies(count: usize) -> Held {
    let (recorder, values) = (recorder(), workload::seconds());
    let (histograms, handle) = (histograms_of(&recorder, count), recorder.handle());
    let record = move |from: usize| {
        for (i, histogram) in histograms.iter().enumerate() {
            histogram.record(values[(from + i) % VALUES]);
        }
    };
    let drained = recorder.handle();
    let mut held = Held::new(record, move || sum_of(&handle, "http_request_seconds_count"));
    held.tick = Box::new(move || drained.run_upkeep());
    held
}
