//! The delimited protobuf format: one `MetricFamily` after the other, each behind its length.
//!
//! It alone can carry native histograms. As in text, what depends on names and labels only is
//! encoded once; a scrape copies it and adds the numbers.
//!
//! The messages and their field numbers are those of `io.prometheus.client` in Prometheus's
//! `client_model`.

mod wire;

use std::sync::Arc;

use node0_metrics_core::{
    Exemplar, Family, Histogram, OwnedDesc, Sample, Snapshot, Timestamp, Value,
};

use self::wire::Message;
use crate::decoration::Decoration;
use crate::native::{Converter, Native};
use crate::pieces::Pieces;
use crate::plan::SampleNames;
use crate::standard::{self, up_to};

/// The families of a page, without their numbers.
pub(crate) struct Protobuf {
    /// The head of each family, and after it the labels of each of its series.
    pieces: Pieces,
    /// `false` for a family that is left out.
    shown: Vec<bool>,
    converter: Option<Arc<Converter>>,
    pub(crate) skipped: u64,
}

/// The numbers of `MetricType`.
const COUNTER: u64 = 0;
const GAUGE: u64 = 1;
const HISTOGRAM: u64 = 4;

impl Protobuf {
    pub(crate) fn new(
        snapshot: &Snapshot,
        decoration: &Decoration,
        converter: Option<Arc<Converter>>,
        taken: &mut SampleNames,
    ) -> Self {
        let mut page = Self { pieces: Pieces::default(), shown: Vec::new(), converter, skipped: 0 };
        for family in snapshot.families() {
            let name = decoration.name(&family.desc.name);
            let suffixes: &[&str] = match family.desc.kind.metric_type() {
                "histogram" => &["", "_bucket", "_sum", "_count"],
                _ => &[""],
            };
            let is_shown = taken.claim(&name, suffixes);
            page.shown.push(is_shown);
            if is_shown {
                page.add(&family, &name, decoration);
            } else {
                page.skipped += 1;
            }
        }
        page
    }

    fn add(&mut self, family: &Family<'_>, name: &str, decoration: &Decoration) {
        let OwnedDesc { help, unit, kind, .. } = family.desc;
        let metric_type = match kind.metric_type() {
            "counter" => COUNTER,
            "gauge" => GAUGE,
            _ => HISTOGRAM,
        };
        let mut head = Message::default();
        head.bytes(1, name.as_bytes());
        head.bytes(2, help.as_bytes());
        head.uint(3, metric_type);
        if !unit.suffix().is_empty() {
            head.bytes(5, unit.suffix().as_bytes());
        }
        self.piece(&head);
        for (labels, _) in family.series() {
            let mut encoded = Message::default();
            for (key, value) in labels.iter().chain(decoration.constants(labels)) {
                label(&mut encoded, key, value);
            }
            self.piece(&encoded);
        }
    }

    fn piece(&mut self, message: &Message) {
        self.pieces.open().extend_from_slice(message.as_bytes());
        self.pieces.cut();
    }

    /// Appends the families with a sample's numbers; see [`crate::standard::Standard::render`].
    pub(crate) fn render(&self, sample: &Sample, out: &mut Vec<u8>) {
        let mut pieces = self.pieces.from(0);
        let mut page = Page::new(sample);
        for (family, is_shown) in sample.snapshot.families().zip(&self.shown) {
            if !is_shown {
                continue;
            }
            page.family.clear();
            page.family.raw(pieces.next().unwrap_or_default());
            for (_, value) in family.series() {
                let labels = pieces.next().unwrap_or_default();
                page.metric(labels, value, family.desc, self.converter.as_deref());
            }
            wire::varint(out, page.family.as_bytes().len() as u64);
            out.extend_from_slice(page.family.as_bytes());
        }
    }
}

/// The memory in which a page is made.
///
/// The length of a message is written before it. So a message whose length takes more than a byte is
/// made apart, and copied once it is complete.
struct Page {
    family: Message,
    /// The value of one series.
    value: Message,
    /// The changes from each count of a histogram to the next.
    deltas: Message,
    native: Native,
    /// The time of the start, which all series have in common.
    created: Message,
}

impl Page {
    fn new(sample: &Sample) -> Self {
        let mut created = Message::default();
        timestamp(&mut created, standard::created(sample));
        let (family, value, deltas) = Default::default();
        Self { family, value, deltas, native: Native::default(), created }
    }

    fn metric(
        &mut self,
        labels: &[u8],
        value: &Value,
        desc: &OwnedDesc,
        converter: Option<&Converter>,
    ) {
        self.value.clear();
        let field = match value {
            Value::Counter(count) => {
                self.value.double(1, count.total as f64);
                self.value.bytes(3, self.created.as_bytes());
                3
            }
            Value::Histogram(histogram) => {
                classic(&mut self.value, histogram, &desc.bounds);
                self.value.bytes(15, self.created.as_bytes());
                if let Some(converter) = converter {
                    self.exponential(converter, histogram);
                }
                7
            }
            value => {
                self.value.double(1, value.as_f64());
                2
            }
        };
        let value = self.value.as_bytes();
        self.family.head(4, labels.len() + wire::size_of_bytes(value.len()));
        self.family.raw(labels);
        self.family.bytes(field, value);
    }

    /// The exponential buckets: runs of neighbours, and each count as the difference to the one
    /// before.
    fn exponential(&mut self, converter: &Converter, histogram: &Histogram) {
        let Self { value: encoded, deltas, native, .. } = self;
        let (runs, late) = histogram.total_parts();
        converter.convert(histogram.delta().layout(), runs, late, native);
        encoded.sint(5, native.schema.into());
        encoded.double(6, native.zero_threshold);
        encoded.uint(7, native.zero_count);
        let runs = native.buckets.chunk_by(|(before, _), (index, _)| before + 1 == *index);
        let mut end = 0;
        for run in runs {
            let first = run.first().map_or(end, |(index, _)| *index);
            encoded.message(12, |span| {
                // Counted from the end of the run before, for the first run from zero.
                span.sint(1, (first - end).into());
                span.uint(2, run.len() as u64);
            });
            end = first + run.len() as i32;
        }
        deltas.clear();
        let mut before = 0;
        for (_, count) in &native.buckets {
            let count = i64::try_from(*count).unwrap_or(i64::MAX);
            deltas.packed_sint(count - before);
            before = count;
        }
        encoded.bytes(13, deltas.as_bytes());
        // By time, since a reader drops one that is older than the one before.
        let mut by_time: Vec<_> = histogram.exemplars().iter().collect();
        by_time.sort_by_key(|exemplar| exemplar.at);
        for shown in by_time {
            encoded.message(16, |message| exemplar(message, shown));
        }
    }
}

/// Count, sum and the buckets with bounds.
fn classic(encoded: &mut Message, histogram: &Histogram, bounds: &[f64]) {
    encoded.uint(1, histogram.count());
    encoded.double(2, histogram.sum());
    let mut exemplars = histogram.exemplars().iter().peekable();
    let counts = histogram.cumulative().iter().copied().zip(bounds.iter().copied());
    for (count, bound) in counts.chain([(histogram.count(), f64::INFINITY)]) {
        let Some(shown) = up_to(&mut exemplars, bound) else {
            encoded.head(3, wire::size_of_uint(count) + wire::SIZE_OF_DOUBLE);
            encoded.uint(1, count);
            encoded.double(2, bound);
            continue;
        };
        encoded.message(3, |bucket| {
            bucket.uint(1, count);
            bucket.double(2, bound);
            bucket.message(3, |message| exemplar(message, shown));
        });
    }
}

/// A label of a series, or of an exemplar.
fn label(message: &mut Message, key: &str, value: &str) {
    message.message(1, |pair| {
        pair.bytes(1, key.as_bytes());
        pair.bytes(2, value.as_bytes());
    });
}

fn exemplar(message: &mut Message, Exemplar { value, trace, span, at, .. }: &Exemplar) {
    label(message, "trace_id", &trace.to_string());
    if let Some(span) = span {
        label(message, "span_id", &span.to_string());
    }
    message.double(2, *value);
    message.message(3, |message| timestamp(message, *at));
}

fn timestamp(message: &mut Message, at: Timestamp) {
    message.uint(1, at.as_millis() / 1000);
    message.uint(2, at.as_millis() % 1000 * 1_000_000);
}
