//! The publisher: sends a registry's metrics to the installed recorder.

use std::collections::{BTreeMap, HashSet};
use std::mem;
use std::ptr;

use metrics::{Key, Label, Level, Metadata, Unit as FacadeUnit};
use node0_metrics_core::{
    Family, Kind, Labels, OwnedDesc, Sample, SeriesId, SeriesSet, Snapshot, Unit, Value,
};

use crate::recorder::Recorder;
use crate::sent::{Sent, Step};
use crate::thread::Publishing;

/// The maximum number of removed histograms that are remembered; the oldest are dropped.
const MOST_GONE: usize = 1000;

static METADATA: Metadata<'static> = Metadata::new("node0", Level::INFO, Some(module_path!()));

/// Sends the metrics of a registry to the installed `metrics` recorder, sample by sample.
///
/// Use it in a service that keeps its present exporter. Counters are set to their totals and gauges
/// to their values. For a histogram, each sample adds the new values at the midpoints of
/// their buckets, with an error of at most [`Layout::error_at`](node0_metrics_core::Layout::error_at).
/// Names are those of the `standard` naming.
///
/// Call [`publish`](Self::publish) with the sample of each tick: the new values are then the
/// sample's deltas. After missed samples, or for a fresh read between ticks, they are the
/// difference between the totals and the values sent so far. So every value is sent exactly
/// once. That also holds for a name that expires and is recorded again, because the last
/// thousand removed histograms are remembered.
///
/// It requests every handle again for each sample, which takes about 0.1 µs per series: a
/// recorder may be installed later, and a recorder that drops idle series leaves handles
/// without effect. A newly installed recorder gets all totals.
///
/// A [`Recorder`] of this crate, installed alone or beside others, ignores the publisher's
/// values, since they come from a registry already.
///
/// ```
/// use node0_metrics_bridge::Publisher;
/// use node0_metrics_core::{Desc, Registry};
/// use metrics_exporter_prometheus::PrometheusBuilder;
///
/// const ORDERS: Desc = Desc::counter("orders_total", "Orders that were placed.");
/// let registry = Registry::new();
/// let orders = registry.counter(&ORDERS, &[])?;
/// orders.add(3);
///
/// let theirs = PrometheusBuilder::new().build_recorder();
/// let mut publisher = Publisher::new();
/// metrics::with_local_recorder(&theirs, || publisher.publish(&registry.read()));
/// assert!(theirs.handle().render().contains("orders_total 3"));
/// # Ok::<(), node0_metrics_core::RegisterError>(())
/// ```
#[derive(Debug, Default)]
pub struct Publisher {
    beside: Option<Recorder>,
    /// The series that `families` were made for.
    series: Option<SeriesSet>,
    /// The rows of each family in the order of the snapshot; `None` for one that is not sent.
    families: Vec<Option<Vec<Row>>>,
    /// Removed histograms, since a name that expired may return with its totals.
    gone: BTreeMap<SeriesId, Row>,
    /// The last tick, if exactly the values up to its end were sent.
    sent_tick: Option<u64>,
    described: HashSet<String>,
    recipient: usize,
}

/// A series as the recipient knows it.
#[derive(Debug)]
struct Row {
    id: SeriesId,
    key: Key,
    state: State,
}

/// The part of a series' state that is kept from one sample to the next.
#[derive(Debug)]
enum State {
    Counter,
    Gauge,
    Histogram(Sent),
}

impl Publisher {
    /// Creates a publisher that sends all families.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a publisher that skips families recorded through `recorder`.
    ///
    /// Use it with a `Fanout` of that recorder and another one, which gets these metrics
    /// directly.
    pub fn beside(recorder: &Recorder) -> Self {
        Self { beside: Some(recorder.clone()), ..Self::default() }
    }

    /// Sends a sample to the recorder of this thread.
    ///
    /// A gauge whose series was removed is set to NaN once, since the facade cannot remove series.
    pub fn publish(&mut self, sample: &Sample) {
        let _publishing = Publishing::start();
        metrics::with_recorder(|recorder| {
            let recipient = ptr::from_ref(recorder).addr();
            if self.recipient != recipient {
                *self = Self { beside: self.beside.take(), recipient, ..Self::default() };
            }
            let step = match self.sent_tick.take() {
                Some(before) if sample.is_tick_end && sample.tick == before + 1 => Step::NextTick,
                _ => Step::Other,
            };
            self.send(recorder, &sample.snapshot, step);
            // Set last: after a panic of the recorder, the next sample compares totals.
            self.sent_tick = sample.is_tick_end.then_some(sample.tick);
        });
    }

    fn send(&mut self, recorder: &dyn metrics::Recorder, snapshot: &Snapshot, step: Step) {
        let series = Some(snapshot.series_set());
        if self.series != series {
            self.plan(recorder, snapshot);
            // Set last: after a panic the recorder gets the descriptions again.
            self.series = series;
        }
        for (family, rows) in snapshot.families().zip(&mut self.families) {
            let rows = rows.iter_mut().flatten();
            // The rows were made in the order of this set of series.
            for ((_, value), row) in family.series().zip(rows) {
                row.send(recorder, value, step);
            }
        }
    }

    /// Creates the rows for the series of a snapshot, and reuses those of known series.
    fn plan(&mut self, recorder: &dyn metrics::Recorder, snapshot: &Snapshot) {
        let mut before = mem::take(&mut self.gone);
        let rows = mem::take(&mut self.families).into_iter().flatten().flatten();
        before.extend(rows.map(|row| (row.id, row)));
        let is_sent = |family: &Family<'_>| {
            self.beside.as_ref().is_none_or(|beside| !beside.has_made(&family.desc.name))
        };
        let mut rows = |family: &Family<'_>| {
            let series = family.ids().iter().zip(family.series());
            let row = |(id, (labels, value)): (&SeriesId, (&Labels, &Value))| {
                before.remove(id).unwrap_or_else(|| Row::new(*id, key(family.desc, labels), value))
            };
            series.map(row).collect()
        };
        self.families =
            snapshot.families().map(|family| is_sent(&family).then(|| rows(&family))).collect();
        self.end(recorder, before);
        for (family, rows) in snapshot.families().zip(&self.families) {
            if rows.is_some() && self.described.insert(family.desc.name.to_string()) {
                describe(recorder, family.desc);
            }
        }
    }

    /// Ends series that are gone: remembers the histograms, and sets gauges to NaN unless a
    /// series that began since has their name and labels.
    fn end(&mut self, recorder: &dyn metrics::Recorder, mut gone: BTreeMap<SeriesId, Row>) {
        let gauges: Vec<_> =
            gone.extract_if(.., |_, row| matches!(row.state, State::Gauge)).collect();
        if !gauges.is_empty() {
            let living: HashSet<&Key> =
                self.families.iter().flatten().flatten().map(|row| &row.key).collect();
            for (_, row) in gauges.iter().filter(|(_, row)| !living.contains(&row.key)) {
                recorder.register_gauge(&row.key, &METADATA).set(f64::NAN);
            }
        }
        gone.retain(|_, row| matches!(row.state, State::Histogram(_)));
        while gone.len() > MOST_GONE {
            gone.pop_first();
        }
        self.gone = gone;
    }
}

impl Row {
    fn new(id: SeriesId, key: Key, value: &Value) -> Self {
        let state = match value {
            Value::Histogram(histogram) => {
                State::Histogram(Sent::nothing(histogram.delta().layout()))
            }
            Value::Counter(_) => State::Counter,
            // The core has no other values.
            _ => State::Gauge,
        };
        Self { id, key, state }
    }

    fn send(&mut self, recorder: &dyn metrics::Recorder, value: &Value, step: Step) {
        match (value, &mut self.state) {
            (Value::Counter(count), _) => {
                recorder.register_counter(&self.key, &METADATA).absolute(count.total);
            }
            (Value::Gauge(value), _) => {
                recorder.register_gauge(&self.key, &METADATA).set(*value);
            }
            (Value::Histogram(histogram), State::Histogram(sent)) => {
                let theirs = recorder.register_histogram(&self.key, &METADATA);
                let new = sent.advance(histogram, step);
                for (bucket, n) in new.counts() {
                    let n = usize::try_from(n).unwrap_or(usize::MAX);
                    theirs.record_many(new.layout().midpoint(bucket), n);
                }
            }
            // A series keeps its kind for life.
            _ => {}
        }
    }
}

fn key(desc: &OwnedDesc, labels: &Labels) -> Key {
    let label = |(key, value): (&str, &str)| Label::new(key.to_owned(), value.to_owned());
    let labels: Vec<_> = labels.iter().map(label).collect();
    Key::from_parts(desc.name.to_string(), labels).to_retained()
}

fn describe(recorder: &dyn metrics::Recorder, desc: &OwnedDesc) {
    let unit = match desc.unit {
        Unit::Seconds => Some(FacadeUnit::Seconds),
        Unit::Bytes => Some(FacadeUnit::Bytes),
        // The facade's unit for shares is a percentage, which has other values.
        _ => None,
    };
    let (name, help) = (desc.name.to_string().into(), desc.help.to_string().into());
    match desc.kind.metric_type() {
        // The facade's counters have no fractions.
        "counter" if desc.kind == Kind::Total => recorder.describe_gauge(name, unit, help),
        "counter" => recorder.describe_counter(name, unit, help),
        "gauge" => recorder.describe_gauge(name, unit, help),
        _ => recorder.describe_histogram(name, unit, help),
    }
}
