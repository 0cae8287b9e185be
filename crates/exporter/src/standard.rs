//! The `standard` naming: the families under the names by which they are registered.
//!
//! The constant text is built once per set of series. A scrape then walks the pieces of
//! text and the values of the snapshot side by side, without a lookup.

use std::iter::Peekable;
use std::slice;

use node0_metrics_core::{
    Exemplar, Family, Histogram, OwnedDesc, Sample, Snapshot, Timestamp, Value,
};

use crate::decoration::Decoration;
use crate::format::Format;
use crate::number;
use crate::pieces::Pieces;
use crate::plan::SampleNames;
use crate::text::{Head, label_set};

/// The families of a page in a format, without their numbers.
pub(crate) struct Standard {
    format: Format,
    /// `true` if counters and histograms have a line with the time of their start.
    has_created: bool,
    pieces: Pieces,
    /// The number of lines per series of each family; zero for a family that is left out.
    lines: Vec<usize>,
    pub(crate) skipped: u64,
}

impl Standard {
    pub(crate) fn new(
        snapshot: &Snapshot,
        format: Format,
        has_created: bool,
        decoration: &Decoration,
        taken: &mut SampleNames,
    ) -> Self {
        let (pieces, lines) = (Pieces::default(), Vec::new());
        let mut page = Self { format, has_created, pieces, lines, skipped: 0 };
        for family in snapshot.families() {
            let name = decoration.name(&family.desc.name);
            if page.claim(&family, &name, taken) {
                page.add(&family, &name, decoration);
            } else {
                page.skipped += 1;
                page.lines.push(0);
            }
        }
        page
    }

    /// Claims the names of a family's samples; returns `false` if one of them is in use.
    fn claim(&self, family: &Family<'_>, name: &str, taken: &mut SampleNames) -> bool {
        let (name, suffixes): (_, &[&str]) = match (family.desc.kind.metric_type(), self.format) {
            ("histogram", _) => (name, &["", "_bucket", "_sum", "_count"]),
            // OpenMetrics names a counter's family without `_total`, so that name is claimed too:
            // a gauge with it would be another family of the same name.
            ("counter", Format::OpenMetrics) => (stem(name), &["", "_total"]),
            _ => (name, &[""]),
        };
        let created: &[&str] = if self.has_created(family.desc) { &["_created"] } else { &[] };
        taken.claim(name, &[suffixes, created].concat())
    }

    fn add(&mut self, family: &Family<'_>, name: &str, decoration: &Decoration) {
        let desc = family.desc;
        let metric_type = desc.kind.metric_type();
        let counts_in_openmetrics = metric_type == "counter" && self.format == Format::OpenMetrics;
        let shown = if counts_in_openmetrics { stem(name) } else { name };
        let head = Head { name: shown, metric_type, unit: desc.unit, help: &desc.help };
        head.write(self.format, self.pieces.open());

        let bounds: Vec<String> = match metric_type {
            "histogram" => {
                let finite = desc.bounds.iter().map(|bound| number::bound(*bound));
                finite.chain(["+Inf".to_owned()]).collect()
            }
            _ => Vec::new(),
        };
        for (labels, _) in family.series() {
            let pairs = || labels.iter().chain(decoration.constants(labels));
            for bound in &bounds {
                self.line(name, "_bucket", pairs().chain([("le", &**bound)]));
            }
            let suffixes: &[&str] = if bounds.is_empty() { &[""] } else { &["_sum", "_count"] };
            for suffix in suffixes {
                self.line(name, suffix, pairs());
            }
            if self.has_created(desc) {
                self.line(shown, "_created", pairs());
            }
        }
        let created = usize::from(self.has_created(desc));
        self.lines.push(created + if bounds.is_empty() { 1 } else { bounds.len() + 2 });
    }

    fn has_created(&self, desc: &OwnedDesc) -> bool {
        self.has_created && desc.kind.metric_type() != "gauge"
    }

    /// Writes a line up to its number, and ends the piece there.
    ///
    /// The end of the line is the start of the next piece, so that a scrape need not write it.
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
        self.pieces.open().push(b'\n');
    }

    /// Appends the families with a sample's numbers.
    ///
    /// Its snapshot must have the [set of series](node0_metrics_core::SeriesSet) from which this plan
    /// was built. Then both have the same series in the same order.
    pub(crate) fn render(&self, sample: &Sample, out: &mut Vec<u8>) {
        const NUMBER_BYTES: usize = 8;
        out.reserve(self.pieces.bytes() + NUMBER_BYTES * self.pieces.count());
        let mut page = Lines { pieces: self.pieces.from(0), out };
        let created = created(sample);
        for (family, lines) in sample.snapshot.families().zip(&self.lines) {
            if *lines == 0 {
                continue;
            }
            let has_created = self.has_created(family.desc);
            let lines = lines - usize::from(has_created);
            let bounds = &*family.desc.bounds;
            for (_, value) in family.series() {
                match value {
                    Value::Counter(count) if lines == 1 => page.integer(count.total),
                    Value::Gauge(value) if lines == 1 => page.float(*value),
                    Value::Histogram(histogram) if lines == bounds.len() + 3 => {
                        page.histogram(histogram, bounds, self.format);
                    }
                    // A value of another kind than its family's is written as NaN on each of its
                    // lines, so that the next series still gets its own lines.
                    _ => (0..lines).for_each(|_| page.float(f64::NAN)),
                }
                if has_created {
                    page.time(created);
                }
            }
        }
        page.out.extend_from_slice(self.pieces.rest());
    }
}

/// Writes the lines of a page in order, each with the next number.
struct Lines<'a, P> {
    pieces: P,
    out: &'a mut Vec<u8>,
}

impl<'a, P: Iterator<Item = &'a [u8]>> Lines<'a, P> {
    #[inline]
    fn start(&mut self) {
        if let Some(piece) = self.pieces.next() {
            self.out.extend_from_slice(piece);
        }
    }

    #[inline]
    fn integer(&mut self, value: u64) {
        self.start();
        number::integer(self.out, value);
    }

    fn float(&mut self, value: f64) {
        self.start();
        number::float(self.out, value);
    }

    fn time(&mut self, at: Timestamp) {
        self.start();
        seconds(self.out, at);
    }

    fn histogram(&mut self, histogram: &Histogram, bounds: &[f64], format: Format) {
        let exemplars: &[Exemplar] = match format {
            Format::OpenMetrics => histogram.exemplars(),
            _ => &[],
        };
        let mut exemplars = exemplars.iter().peekable();
        let counts = histogram.cumulative().iter().copied().zip(bounds.iter().copied());
        for (count, bound) in counts.chain([(histogram.count(), f64::INFINITY)]) {
            self.integer(count);
            if let Some(exemplar) = up_to(&mut exemplars, bound) {
                self.exemplar(exemplar);
            }
        }
        self.float(histogram.sum());
        self.integer(histogram.count());
    }

    /// Appends an exemplar to the line of its bucket.
    // Inlined, it makes the lines of all pages slower, and few have one.
    #[cold]
    fn exemplar(&mut self, Exemplar { value, trace, span, at, .. }: &Exemplar) {
        self.out.extend_from_slice(format!(" # {{trace_id=\"{trace}\"").as_bytes());
        if let Some(span) = span {
            self.out.extend_from_slice(format!(",span_id=\"{span}\"").as_bytes());
        }
        self.out.extend_from_slice(b"} ");
        number::float(self.out, *value);
        self.out.push(b' ');
        seconds(self.out, *at);
    }
}

/// Returns the last exemplar whose value is not above the bound; exemplars are ascending.
pub(crate) fn up_to<'a>(
    exemplars: &mut Peekable<slice::Iter<'a, Exemplar>>,
    bound: f64,
) -> Option<&'a Exemplar> {
    let mut last = None;
    while let Some(exemplar) = exemplars.next_if(|exemplar| exemplar.value <= bound) {
        last = Some(exemplar);
    }
    last
}

/// Writes a time in seconds since the epoch.
fn seconds(out: &mut Vec<u8>, at: Timestamp) {
    let (seconds, millis) = (at.as_millis() / 1000, at.as_millis() % 1000);
    out.extend_from_slice(format!("{seconds}.{millis:03}").as_bytes());
}

/// Returns the time at which all totals of a sample began, also those of series that came later:
/// they were zero when the registry was made.
pub(crate) fn created(sample: &Sample) -> Timestamp {
    let uptime = u64::try_from(sample.uptime.as_millis()).unwrap_or(u64::MAX);
    Timestamp::from_millis(sample.at.as_millis().saturating_sub(uptime))
}

/// Returns the name of a counter's family in OpenMetrics, which lacks `_total`.
fn stem(name: &str) -> &str {
    name.strip_suffix("_total").unwrap_or(name)
}
