//! The delimited protobuf format: one `MetricFamily` after the other, each behind its length.
//!
//! It alone can carry native histograms. As in text, what depends on names and labels only is
//! encoded once; a scrape copies it and adds the numbers.
//!
//! The messages and their field numbers are those of `io.prometheus.client` in Prometheus's
//! `client_model`.

mod wire;

use std::sync::Arc;

use metrics_core::{Exemplar, Family, Histogram, OwnedDesc, Sample, Snapshot, Timestamp, Value};

use self::wire::Message;
use crate::decoration::Decoration;
use crate::native::{Converter, Native};
use crate::pieces::Pieces;
use crate::plan::SampleNames;
use crate::standard::{created, is_sound, up_to};

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
            let is_shown = is_sound(family.desc) && taken.claim(&name, suffixes);
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
                encoded.message(1, |pair| {
                    pair.bytes(1, key.as_bytes());
                    pair.bytes(2, value.as_bytes());
                });
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
        let created = created(sample);
        let mut pieces = self.pieces.from(0);
        let mut page = Page { family: Message::default(), native: Native::default(), created };
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
struct Page {
    family: Message,
    native: Native,
    created: Timestamp,
}

impl Page {
    fn metric(
        &mut self,
        labels: &[u8],
        value: &Value,
        desc: &OwnedDesc,
        converter: Option<&Converter>,
    ) {
        let Self { family, native, created } = self;
        let created = *created;
        family.message(4, |metric| {
            metric.raw(labels);
            match value {
                Value::Counter(count) => metric.message(3, |counter| {
                    counter.double(1, count.total as f64);
                    counter.message(3, |at| timestamp(at, created));
                }),
                Value::Histogram(histogram) => metric.message(7, |encoded| {
                    classic(encoded, histogram, &desc.bounds);
                    encoded.message(15, |at| timestamp(at, created));
                    if let Some(converter) = converter {
                        converter.convert(histogram.total(), native);
                        exponential(encoded, native, histogram.exemplars());
                    }
                }),
                value => metric.message(2, |gauge| gauge.double(1, value.as_f64())),
            }
        });
    }
}

/// Count, sum and the buckets with bounds.
fn classic(encoded: &mut Message, histogram: &Histogram, bounds: &[f64]) {
    encoded.uint(1, histogram.count());
    encoded.double(2, histogram.sum());
    let mut exemplars = histogram.exemplars().iter().peekable();
    let counts = histogram.cumulative().iter().copied().zip(bounds.iter().copied());
    for (count, bound) in counts.chain([(histogram.count(), f64::INFINITY)]) {
        encoded.message(3, |bucket| {
            bucket.uint(1, count);
            bucket.double(2, bound);
            if let Some(shown) = up_to(&mut exemplars, bound) {
                bucket.message(3, |message| exemplar(message, shown));
            }
        });
    }
}

/// The exponential buckets: runs of neighbours, and each count as the difference to the one before.
fn exponential(encoded: &mut Message, native: &Native, exemplars: &[Exemplar]) {
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
    encoded.message(13, |deltas| {
        let mut before = 0;
        for (_, count) in &native.buckets {
            let count = i64::try_from(*count).unwrap_or(i64::MAX);
            deltas.packed_sint(count - before);
            before = count;
        }
    });
    // By time, since a reader drops one that is older than the one before.
    let mut by_time: Vec<_> = exemplars.iter().collect();
    by_time.sort_by_key(|exemplar| exemplar.at);
    for shown in by_time {
        encoded.message(16, |message| exemplar(message, shown));
    }
}

fn exemplar(message: &mut Message, Exemplar { value, trace, at, .. }: &Exemplar) {
    message.message(1, |pair| {
        pair.bytes(1, b"trace_id");
        pair.bytes(2, trace.to_string().as_bytes());
    });
    message.double(2, *value);
    message.message(3, |message| timestamp(message, *at));
}

fn timestamp(message: &mut Message, at: Timestamp) {
    message.uint(1, at.as_millis() / 1000);
    message.uint(2, at.as_millis() % 1000 * 1_000_000);
}
