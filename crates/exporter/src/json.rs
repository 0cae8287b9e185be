//! All families as JSON, for people and scripts.
//!
//! Names are those under which metrics are registered, without the prefix and the
//! constant labels of a page. Numbers are in the base unit that each family
//! states; an unknown number is `null`. The infinite bucket is not listed, since
//! JSON has no infinity: its cumulative count is `count`.

use node0_metrics_core::{Buckets, Family, Histogram, Labels, Sample, Timestamp, Value, Window};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// Serialises a sample as the body of `GET /metrics/export.json`, without a copy of it.
///
/// ```
/// use node0_exporter::Json;
/// use node0_metrics_core::{Desc, Registry};
///
/// const JOBS: Desc = Desc::counter("jobs_total", "Jobs done.").labels(&["queue"]);
/// let registry = Registry::new();
/// let mails = registry.counter(&JOBS, &["mail"])?;
/// mails.inc();
/// let body = serde_json::to_value(Json(&registry.read()))?;
/// let jobs = &body["families"][0];
/// assert_eq!(jobs["name"], "jobs_total");
/// assert_eq!(jobs["series"][0]["labels"]["queue"], "mail");
/// assert_eq!(jobs["series"][0]["value"], 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Json<'a>(pub &'a Sample);

#[derive(serde::Serialize)]
struct Body<F> {
    timestamp: Timestamp,
    families: F,
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let snapshot = &self.0.snapshot;
        let families = Listed(|| snapshot.families().map(FamilyBody));
        Body { timestamp: self.0.at, families }.serialize(serializer)
    }
}

/// Serialises the iterator that the closure returns as a list.
struct Listed<F>(F);

impl<I, F> Serialize for Listed<F>
where
    I: IntoIterator,
    I::Item: Serialize,
    F: Fn() -> I,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

struct FamilyBody<'a>(Family<'a>);

impl Serialize for FamilyBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(family) = self;
        let desc = family.desc;
        let unit = desc.unit.suffix();
        let series = || {
            family.series().map(|(labels, value)| SeriesBody {
                labels,
                value,
                bounds: &desc.bounds,
            })
        };
        let mut body = serializer.serialize_map(Some(5))?;
        body.serialize_entry("name", &desc.name)?;
        body.serialize_entry("help", &desc.help)?;
        body.serialize_entry("type", desc.kind.metric_type())?;
        body.serialize_entry("unit", &(!unit.is_empty()).then_some(unit))?;
        body.serialize_entry("series", &Listed(series))?;
        body.end()
    }
}

struct SeriesBody<'a> {
    labels: &'a Labels,
    value: &'a Value,
    bounds: &'a [f64],
}

impl Serialize for SeriesBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_map(Some(2))?;
        body.serialize_entry("labels", &LabelsBody(self.labels))?;
        match self.value {
            Value::Counter(count) => body.serialize_entry("value", &count.total)?,
            Value::Histogram(histogram) => {
                let bounds = self.bounds;
                body.serialize_entry("histogram", &HistogramBody { histogram, bounds })?;
            }
            // `serde_json` writes `null` for a number that is not finite.
            other => body.serialize_entry("value", &other.as_f64())?,
        }
        body.end()
    }
}

struct LabelsBody<'a>(&'a Labels);

impl Serialize for LabelsBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter())
    }
}

struct HistogramBody<'a> {
    histogram: &'a Histogram,
    bounds: &'a [f64],
}

#[derive(serde::Serialize)]
struct BucketBody {
    le: f64,
    count: u64,
}

impl Serialize for HistogramBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let counts = self.histogram.cumulative();
        let buckets =
            || self.bounds.iter().zip(counts).map(|(le, n)| BucketBody { le: *le, count: *n });
        let mut body = serializer.serialize_map(Some(4))?;
        body.serialize_entry("count", &self.histogram.count())?;
        body.serialize_entry("sum", &self.histogram.sum())?;
        body.serialize_entry("buckets", &Listed(buckets))?;
        body.serialize_entry("window", &WindowBody::from(self.histogram.window()))?;
        body.end()
    }
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct WindowBody {
    samples: u64,
    window_seconds: f64,
    min: Option<f64>,
    max: Option<f64>,
    avg: Option<f64>,
    p50: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
}

impl From<Window<'_>> for WindowBody {
    fn from(window: Window<'_>) -> Self {
        let buckets: &Buckets = window.buckets();
        Self {
            samples: buckets.count(),
            window_seconds: window.span.as_secs_f64(),
            min: buckets.min(),
            max: buckets.max(),
            avg: buckets.mean(),
            p50: buckets.quantile(0.5),
            p95: buckets.quantile(0.95),
            p99: buckets.quantile(0.99),
        }
    }
}
