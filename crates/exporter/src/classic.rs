//! The `classic` naming: the same values under other names and in other shapes.
//!
//! It changes more than names. An operation's name moves from a label into the
//! metric's name, a histogram becomes a summary in milliseconds over the
//! window, two counters become a ratio of hits, and every line ends with the
//! time of the sample. It exists in text 0.0.4 only.
//!
//! Two label values can give the same name: `api:request` and `api_request` both
//! become `api_request`. Such series are merged into one and counted; a family
//! whose name another family has is left out and counted.
//!
//! A summary whose window is empty keeps its `_sum` and `_count`, and its
//! quantiles are NaN. A ratio without lookups is left out, and so is the head of
//! a family without lines.

mod projection;
mod template;

use std::borrow::Cow;

use node0_metrics_core::{
    Buckets, ClassicShape, Count, Histogram, Sample, SeriesId, Snapshot, Unit, Value, millis,
};

use crate::decoration::Decoration;
use crate::format::Format;
use crate::number;
use crate::pieces::Pieces;
use crate::plan::SampleNames;
use crate::text::{Head, label_set};
use projection::{Projected, Projection, Sources};

const QUANTILES: [(f64, &str); 3] = [(0.5, "0.5"), (0.95, "0.95"), (0.99, "0.99")];

/// The projected families of a page, without their numbers.
pub(crate) struct Classic {
    pieces: Pieces,
    families: Vec<Written>,
    pub(crate) skipped: u64,
    pub(crate) merged: u64,
}

/// A family of the page.
struct Written {
    shape: ClassicShape,
    /// The index of the piece with the family's head; the lines of its series follow.
    head: usize,
    series: Vec<Sources>,
}

impl Classic {
    pub(crate) fn new(
        snapshot: &Snapshot,
        decoration: &Decoration,
        taken: &mut SampleNames,
    ) -> Self {
        let Projection { families, skipped, merged } = Projection::of(snapshot, decoration);
        let mut page = Self { pieces: Pieces::default(), families: Vec::new(), skipped, merged };
        for (name, family) in families {
            if taken.claim(&name, suffixes(family.shape)) {
                page.write(&name, family);
            } else {
                page.skipped += 1;
            }
        }
        page
    }

    fn write(&mut self, name: &str, family: Projected<'_>) {
        let Projected { shape, help, series } = family;
        let metric_type = match shape {
            ClassicShape::Gauge | ClassicShape::Ratio => "gauge",
            ClassicShape::Counter => "counter",
            ClassicShape::Summary => "summary",
        };
        let head = self.pieces.count();
        Head { name, metric_type, unit: Unit::None, help: &help }
            .write(Format::Text, self.pieces.open());
        self.pieces.cut();
        for pairs in series.keys() {
            if shape == ClassicShape::Summary {
                for (_, quantile) in QUANTILES {
                    self.line(name, "", pairs.iter().copied().chain([("quantile", quantile)]));
                }
                self.line(name, "_sum", pairs.iter().copied());
                self.line(name, "_count", pairs.iter().copied());
            } else {
                self.line(name, "", pairs.iter().copied());
            }
        }
        self.families.push(Written { shape, head, series: series.into_values().collect() });
    }

    /// Writes a line up to its number, and ends the piece there.
    fn line<'a>(
        &mut self,
        name: &str,
        suffix: &str,
        pairs: impl Iterator<Item = (&'a str, &'a str)>,
    ) {
        let out = self.pieces.open();
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(suffix.as_bytes());
        label_set(out, pairs);
        out.push(b' ');
        self.pieces.cut();
    }

    /// Appends the families with a sample's numbers, which it finds by the ids of the series.
    pub(crate) fn render(&self, sample: &Sample, out: &mut Vec<u8>) {
        let snapshot = &sample.snapshot;
        let line_end = format!(" {}\n", sample.at.as_millis());
        for family in &self.families {
            let mut pieces = self.pieces.from(family.head);
            let head = pieces.next();
            let mut lines = Lines { head, pieces, line_end: line_end.as_bytes(), out };
            for sources in &family.series {
                match family.shape {
                    ClassicShape::Gauge => lines.number(gauge(sources, snapshot)),
                    ClassicShape::Counter => lines.integer(total(sources, snapshot)),
                    ClassicShape::Ratio => lines.number(hit_ratio(sources, snapshot)),
                    ClassicShape::Summary => lines.summary(sources, snapshot),
                }
            }
        }
    }
}

/// Returns the suffixes of the names of a family's samples.
fn suffixes(shape: ClassicShape) -> &'static [&'static str] {
    match shape {
        ClassicShape::Summary => &["", "_sum", "_count"],
        _ => &[""],
    }
}

/// Writes the lines of a family in order, each with the next number.
struct Lines<'a, P> {
    /// The head, until the first line is written.
    head: Option<&'a [u8]>,
    pieces: P,
    line_end: &'a [u8],
    out: &'a mut Vec<u8>,
}

impl<'a, P: Iterator<Item = &'a [u8]>> Lines<'a, P> {
    /// Writes the next line, or leaves it out where there is no number.
    fn number(&mut self, value: Option<f64>) {
        let piece = self.pieces.next().unwrap_or_default();
        let Some(value) = value else { return };
        self.out.extend_from_slice(self.head.take().unwrap_or_default());
        self.out.extend_from_slice(piece);
        number::float(self.out, value);
        self.out.extend_from_slice(self.line_end);
    }

    fn integer(&mut self, value: u64) {
        self.out.extend_from_slice(self.head.take().unwrap_or_default());
        self.out.extend_from_slice(self.pieces.next().unwrap_or_default());
        number::integer(self.out, value);
        self.out.extend_from_slice(self.line_end);
    }

    fn summary(&mut self, sources: &Sources, snapshot: &Snapshot) {
        let histograms = || histograms(sources, snapshot);
        let window = merged_windows(histograms());
        for (q, _) in QUANTILES {
            let quantile = window.as_ref().and_then(|window| window.quantile(q));
            self.number(Some(quantile.map_or(f64::NAN, millis)));
        }
        self.number(Some(millis(histograms().map(|histogram| histogram.sum()).sum())));
        self.integer(histograms().map(|histogram| histogram.count()).sum());
    }
}

/// Returns the sum of the known values; NaN when none is known.
fn gauge(sources: &Sources, snapshot: &Snapshot) -> Option<f64> {
    let values = sources.values.iter().filter_map(|id| snapshot.by_id(*id)).map(Value::as_f64);
    let sum = values.filter(|value| !value.is_nan()).reduce(|sum, value| sum + value);
    Some(sum.unwrap_or(f64::NAN))
}

fn counts<'a>(ids: &'a [SeriesId], snapshot: &'a Snapshot) -> impl Iterator<Item = &'a Count> {
    ids.iter().filter_map(|id| match snapshot.by_id(*id)? {
        Value::Counter(count) => Some(count),
        _ => None,
    })
}

fn total(sources: &Sources, snapshot: &Snapshot) -> u64 {
    counts(&sources.values, snapshot).fold(0, |sum, count| sum.saturating_add(count.total))
}

/// Returns the ratio of hits to lookups in the last ticks; `None` without lookups.
fn hit_ratio(sources: &Sources, snapshot: &Snapshot) -> Option<f64> {
    let recent = |ids: &[SeriesId]| counts(ids, snapshot).map(|count| count.recent).sum::<u64>();
    let (hits, misses) = (recent(&sources.values), recent(&sources.misses));
    let lookups = hits + misses;
    (lookups > 0).then(|| hits as f64 / lookups as f64)
}

fn histograms<'a>(
    sources: &'a Sources,
    snapshot: &'a Snapshot,
) -> impl Iterator<Item = &'a Histogram> {
    sources.values.iter().filter_map(|id| match snapshot.by_id(*id)? {
        Value::Histogram(histogram) => Some(histogram),
        _ => None,
    })
}

fn merged_windows<'a>(histograms: impl Iterator<Item = &'a Histogram>) -> Option<Cow<'a, Buckets>> {
    histograms.map(|histogram| Cow::Borrowed(histogram.window().buckets())).reduce(
        |mut merged, window| {
            merged.to_mut().merge(&window);
            merged
        },
    )
}
