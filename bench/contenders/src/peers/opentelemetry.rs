//! The OpenTelemetry SDK, with an exporter that only adds up the values.
//!
//! Its bound instruments are experimental, so they are left out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Meter, MeterProvider as _};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ResourceMetrics};
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::{
    Instrument, PeriodicReader, SdkMeterProvider, Stream, Temporality,
};

use crate::held::{Held, Holder};
use crate::rounds::Contender;
use crate::workload::{self, BOUNDS, VALUES};

const NAME: &str = "opentelemetry";

/// Above the number of series in any question; by default there are 2000.
const MOST_SERIES: usize = 20_000;

/// Longer than any run, so that a reader exports only when it is flushed.
const FOREVER: Duration = Duration::from_secs(86_400);

pub fn counter() -> Contender {
    let (meter, recorded) = meter();
    let counter = meter.u64_counter("http_requests").build();
    Contender::recording(NAME, move |_| counter.add(1, &[]), recorded)
}

pub fn latency() -> Contender {
    let ((meter, recorded), values) = (meter(), workload::seconds());
    let histogram =
        meter.f64_histogram("http_request_seconds").with_boundaries(BOUNDS.to_vec()).build();
    Contender::recording(NAME, move |i| histogram.record(values[i % VALUES], &[]), recorded)
}

pub fn counter_by_labels() -> Contender {
    let (meter, recorded) = meter();
    let counter = meter.u64_counter("http_requests").build();
    let op = move |i| {
        let (method, route) = workload::request(i);
        counter.add(1, &[KeyValue::new("method", method), KeyValue::new("route", route)]);
    };
    Contender::recording(NAME, op, recorded)
}

pub fn latency_by_labels() -> Contender {
    let ((meter, recorded), values) = (meter(), workload::seconds());
    let histogram =
        meter.f64_histogram("http_request_seconds").with_boundaries(BOUNDS.to_vec()).build();
    let op = move |i| {
        let (method, route) = workload::request(i);
        let attributes = [KeyValue::new("method", method), KeyValue::new("route", route)];
        histogram.record(values[i % VALUES], &attributes);
    };
    Contender::recording(NAME, op, recorded)
}

/// Installs a provider of meters for this process, which nothing reads.
pub fn install() {
    let reader = PeriodicReader::builder(Total::default()).with_interval(FOREVER).build();
    opentelemetry::global::set_meter_provider(
        SdkMeterProvider::builder().with_reader(reader).build(),
    );
}

/// Returns a meter, and a function that exports and returns the total that was recorded.
fn meter() -> (Meter, impl FnMut() -> u64) {
    let total = Total::default();
    let reader = PeriodicReader::builder(total.clone()).with_interval(FOREVER).build();
    let large = |_: &Instrument| Stream::builder().with_cardinality_limit(MOST_SERIES).build().ok();
    let provider = SdkMeterProvider::builder().with_reader(reader).with_view(large).build();
    let meter = provider.meter("bench");
    let recorded = move || {
        provider.force_flush().expect("it only adds");
        total.0.load(Ordering::Acquire)
    };
    (meter, recorded)
}

/// An exporter that stores the total of all recorded values.
#[derive(Clone, Default)]
struct Total(Arc<AtomicU64>);

impl PushMetricExporter for Total {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let metrics = metrics.scope_metrics().flat_map(|scope| scope.metrics());
        let total = metrics.map(|metric| match metric.data() {
            AggregatedMetrics::U64(MetricData::Sum(sum)) => {
                sum.data_points().map(|point| point.value()).sum()
            }
            AggregatedMetrics::F64(MetricData::Histogram(histogram)) => {
                histogram.data_points().map(|point| point.count()).sum()
            }
            _ => 0_u64,
        });
        self.0.store(total.sum(), Ordering::Release);
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self) -> Temporality {
        Temporality::Cumulative
    }
}

pub const HOLDER: Holder =
    Holder { name: NAME, counters: Some(hold_counters), latencies: hold_latencies };

/// Registers by records of zero, since a series begins with its first record.
fn hold_counters(count: usize) -> Held {
    let (meter, recorded) = meter();
    let counter = meter.u64_counter("http_requests").build();
    let series = attributes(count);
    series.iter().for_each(|attributes| counter.add(0, attributes));
    let record = move |_| series.iter().for_each(|attributes| counter.add(1, attributes));
    Held::new(record, recorded)
}

/// Registers by a first record, which is taken off the count.
fn hold_latencies(count: usize) -> Held {
    let ((meter, mut recorded), values) = (meter(), workload::seconds());
    let histogram =
        meter.f64_histogram("http_request_seconds").with_boundaries(BOUNDS.to_vec()).build();
    let series = attributes(count);
    let record = move |from: usize| {
        for (i, attributes) in series.iter().enumerate() {
            histogram.record(values[(from + i) % VALUES], attributes);
        }
    };
    record(0);
    let registered = count as u64;
    Held::new(record, move || recorded() - registered)
}

fn attributes(count: usize) -> Vec<[KeyValue; 3]> {
    (0..count).map(|i| workload::labels(i).map(|(key, value)| KeyValue::new(key, value))).collect()
}
