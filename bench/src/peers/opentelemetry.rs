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
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider, Temporality};

use crate::rounds::Contender;
use crate::workload::{self, BOUNDS, VALUES};

const NAME: &str = "opentelemetry";

pub(crate) fn counter() -> Contender {
    let (meter, recorded) = meter();
    let counter = meter.u64_counter("http_requests").build();
    Contender::recording(NAME, move |_| counter.add(1, &[]), recorded)
}

pub(crate) fn latency() -> Contender {
    let ((meter, recorded), values) = (meter(), workload::seconds());
    let histogram =
        meter.f64_histogram("http_request_seconds").with_boundaries(BOUNDS.to_vec()).build();
    Contender::recording(NAME, move |i| histogram.record(values[i % VALUES], &[]), recorded)
}

pub(crate) fn counter_by_labels() -> Contender {
    let (meter, recorded) = meter();
    let counter = meter.u64_counter("http_requests").build();
    let op = move |i| {
        let (method, route) = workload::request(i);
        counter.add(1, &[KeyValue::new("method", method), KeyValue::new("route", route)]);
    };
    Contender::recording(NAME, op, recorded)
}

pub(crate) fn latency_by_labels() -> Contender {
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

/// Returns a meter, and a function that exports and returns the total that was recorded.
fn meter() -> (Meter, impl FnMut() -> u64) {
    let total = Total::default();
    let reader = PeriodicReader::builder(total.clone())
        // Longer than any run, so that the reader exports only when it is flushed.
        .with_interval(Duration::from_secs(86_400))
        .build();
    let provider = SdkMeterProvider::builder().with_reader(reader).build();
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
