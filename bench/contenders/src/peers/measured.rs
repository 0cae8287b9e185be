//! The library measured: atomic counters and locked histograms, with interned label values.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use measured::metric::histogram::Thresholds;
use measured::text::BufferedTextEncoder;
use measured::{Counter, CounterVec, Histogram, HistogramVec, LabelGroup, MetricGroup};
use paracord::ParaCord;

use crate::held::{Held, Holder};
use crate::page;
use crate::rounds::Contender;
use crate::workload::{self, BOUNDS, VALUES};

const NAME: &str = "measured";

#[derive(Clone, Copy, PartialEq, Debug, LabelGroup)]
#[label(set = SeriesSet)]
struct Series<'a> {
    #[label(dynamic_with = ParaCord)]
    method: &'a str,
    #[label(dynamic_with = ParaCord)]
    route: &'a str,
    #[label(dynamic_with = ParaCord)]
    status: &'a str,
}

fn series_set() -> SeriesSet {
    SeriesSet {
        method: ParaCord::default(),
        route: ParaCord::default(),
        status: ParaCord::default(),
    }
}

#[derive(MetricGroup)]
struct Counters {
    /// Requests
    http_requests_total: CounterVec<SeriesSet>,
}

#[derive(MetricGroup)]
struct Histograms {
    /// Requests
    http_request_seconds: HistogramVec<SeriesSet, 14>,
}

fn thresholds() -> Thresholds<14> {
    Thresholds::with_buckets(BOUNDS)
}

/// Returns a metric's sum from its page, because the methods that read it are not public.
fn sum_of(metric: &impl MetricGroup<BufferedTextEncoder>, name: &str) -> u64 {
    let mut encoder = BufferedTextEncoder::new();
    let _ = metric.collect_group_into(&mut encoder);
    page::sum_of_bytes(&encoder.finish(), name)
}

pub fn counter() -> Contender {
    #[derive(MetricGroup)]
    struct Single {
        /// Requests
        http_requests_total: Counter,
    }
    let single = Arc::new(Single { http_requests_total: Counter::new() });
    let same = single.clone();
    let op = move |_| single.http_requests_total.inc();
    Contender::recording(NAME, op, move || sum_of(&*same, "http_requests_total"))
}

#[derive(MetricGroup)]
struct Single {
    /// Requests
    http_request_seconds: Histogram<14>,
}

fn single() -> Arc<Single> {
    Arc::new(Single { http_request_seconds: Histogram::with_metadata(thresholds()) })
}

pub fn latency() -> Contender {
    let (single, values) = (single(), workload::seconds());
    let same = single.clone();
    let op = move |i| single.http_request_seconds.observe(values[i % VALUES]);
    Contender::recording(NAME, op, move || sum_of(&*same, "http_request_seconds_count"))
}

pub fn timer() -> Contender {
    let single = single();
    let same = single.clone();
    let op = move |_| {
        single.http_request_seconds.start_timer().observe();
    };
    Contender::recording(NAME, op, move || sum_of(&*same, "http_request_seconds_count"))
}

pub fn scrape_counters(count: usize) -> Contender {
    let counters =
        Rc::new(Counters { http_requests_total: CounterVec::with_label_set(series_set()) });
    let (group, labels) = (counters.clone(), labels(count));
    scrape(group, "http_requests_total", move || {
        for values in &labels {
            counters.http_requests_total.inc(series(values));
        }
        labels.len() as u64
    })
}

pub fn scrape_latencies(count: usize) -> Contender {
    let vec = HistogramVec::with_label_set_and_metadata(series_set(), thresholds());
    let histograms = Rc::new(Histograms { http_request_seconds: vec });
    let (group, labels, values) = (histograms.clone(), labels(count), workload::seconds());
    let mut next = 0;
    let mut each = 1000;
    scrape(group, "http_request_seconds_count", move || {
        let each = std::mem::replace(&mut each, 1);
        for label_values in &labels {
            for _ in 0..each {
                let seconds = values[next % VALUES];
                histograms.http_request_seconds.observe(series(label_values), seconds);
                next += 1;
            }
        }
        (each * labels.len()) as u64
    })
}

fn labels(count: usize) -> Vec<[String; 3]> {
    (0..count).map(|i| workload::labels(i).map(|(_, value)| value)).collect()
}

fn series([method, route, status]: &[String; 3]) -> Series<'_> {
    Series { method, route, status }
}

fn scrape(
    group: Rc<impl MetricGroup<BufferedTextEncoder> + 'static>,
    read: &'static str,
    prepare: impl FnMut() -> u64 + 'static,
) -> Contender {
    let page = Rc::new(RefCell::new(None));
    let filled = page.clone();
    let mut encoder = BufferedTextEncoder::new();
    let act = move || {
        let _ = group.collect_group_into(&mut encoder);
        *filled.borrow_mut() = Some(encoder.finish());
    };
    Contender::acting(NAME, prepare, act, move || {
        page.borrow().as_ref().map_or(0, |page| page::sum_of_bytes(page, read))
    })
}

pub const HOLDER: Holder =
    Holder { name: NAME, counters: Some(hold_counters), latencies: hold_latencies };

fn hold_counters(count: usize) -> Held {
    let vec = CounterVec::with_label_set(series_set());
    let counters = Arc::new(Counters { http_requests_total: vec });
    let (same, labels) = (counters.clone(), labels(count));
    for values in &labels {
        counters.http_requests_total.inc_by(series(values), 0);
    }
    let record = move |_| {
        for values in &labels {
            counters.http_requests_total.inc(series(values));
        }
    };
    Held::new(record, move || sum_of(&*same, "http_requests_total"))
}

/// Registers by a first record, which is taken off the count.
fn hold_latencies(count: usize) -> Held {
    let vec = HistogramVec::with_label_set_and_metadata(series_set(), thresholds());
    let histograms = Arc::new(Histograms { http_request_seconds: vec });
    let (same, labels, values) = (histograms.clone(), labels(count), workload::seconds());
    let record = move |from: usize| {
        for (i, label_values) in labels.iter().enumerate() {
            let seconds = values[(from + i) % VALUES];
            histograms.http_request_seconds.observe(series(label_values), seconds);
        }
    };
    record(0);
    let registered = count as u64;
    Held::new(record, move || sum_of(&*same, "http_request_seconds_count") - registered)
}
