//! node0's metrics on the page of prometheus-client, for a service that keeps its exporter.
//!
//! A [`Snapshot`](node0_metrics_core::Snapshot) is plain data, so any exporter can write it. This one is
//! a collector that reads the sample of the last tick at each scrape.

use std::fmt;

use node0_metrics_core::{Histogram, Registry, Value};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

/// Adds the metrics of a registry of node0's to each page of prometheus-client.
#[derive(Debug)]
pub struct Node0(pub Registry);

impl Collector for Node0 {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let sample = self.0.latest();
        for family in sample.snapshot.families() {
            let desc = family.desc;
            let kind = match desc.kind.metric_type() {
                "counter" => MetricType::Counter,
                "histogram" => MetricType::Histogram,
                _ => MetricType::Gauge,
            };
            // prometheus-client adds the suffix of a counter itself.
            let name = desc.name.strip_suffix("_total").unwrap_or(&desc.name);
            let mut metric = encoder.encode_descriptor(name, &desc.help, None, kind)?;
            for (labels, value) in family.series() {
                let labels: Vec<_> = labels.iter().collect();
                if labels.is_empty() {
                    write(&mut metric, kind, value, &desc.bounds)?;
                } else {
                    write(&mut metric.encode_family(&labels)?, kind, value, &desc.bounds)?;
                }
            }
        }
        Ok(())
    }
}

fn write(
    metric: &mut MetricEncoder<'_>,
    kind: MetricType,
    value: &Value,
    bounds: &[f64],
) -> Result<(), fmt::Error> {
    match (value, kind) {
        (Value::Counter(count), _) => {
            metric.encode_counter::<NoLabelSet, _, u64>(&count.total, None)
        }
        (Value::Histogram(histogram), _) => {
            let buckets = buckets(histogram, bounds);
            let (sum, count) = (histogram.sum(), histogram.count());
            metric.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
        }
        (other, MetricType::Counter) => {
            metric.encode_counter::<NoLabelSet, _, u64>(&other.as_f64(), None)
        }
        (other, _) => metric.encode_gauge(&other.as_f64()),
    }
}

/// The count of each bucket by itself, as prometheus-client adds them up; the last is without bound.
fn buckets(histogram: &Histogram, bounds: &[f64]) -> Vec<(f64, u64)> {
    let cumulative = histogram.cumulative().iter().copied().take(bounds.len());
    let upper = cumulative.chain([histogram.count()]);
    let bounds = bounds.iter().copied().chain([f64::INFINITY]);
    let mut below = 0;
    bounds
        .zip(upper)
        .map(|(bound, count)| (bound, count - std::mem::replace(&mut below, count)))
        .collect()
}
