//! Appends the page of an exporter that the host keeps to node0's pages.

use std::collections::HashSet;
use std::fmt;
use std::io::Write as _;

use metrics_exporter_prometheus::PrometheusHandle;
use node0_metrics_core::{Counter, RegisterError, Registry};

use crate::descs::APPENDIX_FAMILIES_SKIPPED;
use crate::page::{self, Family, Kind, Sample};

/// The last line of every OpenMetrics page; a page in the text format does not have it.
const EOF: &[u8] = b"# EOF\n";

/// Appends the page of an existing `metrics-exporter-prometheus` to node0's pages.
///
/// Use it to migrate step by step: one endpoint serves both pages, and the series
/// of the old exporter keep their names. A family whose name is already on the
/// page, or that is malformed, is skipped and counted in
/// [`APPENDIX_FAMILIES_SKIPPED`].
///
/// Each page costs one rendering of the old exporter.
///
/// ```
/// use node0_metrics_bridge::Appendix;
/// use node0_metrics_core::Registry;
/// use metrics_exporter_prometheus::PrometheusBuilder;
///
/// let recorder = PrometheusBuilder::new().build_recorder();
/// metrics::with_local_recorder(&recorder, || metrics::counter!("visits").increment(7));
///
/// let appendix = Appendix::register(&Registry::new(), recorder.handle())?;
/// let mut page = b"# TYPE up gauge\nup 1\n".to_vec();
/// appendix.append_to(&mut page);
/// assert_eq!(page, b"# TYPE up gauge\nup 1\n# TYPE visits counter\nvisits 7\n");
/// # Ok::<(), node0_metrics_core::RegisterError>(())
/// ```
#[derive(Clone)]
pub struct Appendix {
    handle: PrometheusHandle,
    skipped: Counter,
}

/// The numbers of families that were appended to a page, or left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Appended {
    /// The number of appended families.
    pub families: u64,
    /// The number of families that were left out.
    pub skipped: u64,
}

impl Appendix {
    /// Creates an appendix; families that it leaves out are counted in the registry.
    ///
    /// # Errors
    /// [`RegisterError`] when the registry has its maximum of metric names.
    pub fn register(registry: &Registry, handle: PrometheusHandle) -> Result<Self, RegisterError> {
        Ok(Self { handle, skipped: registry.counter(&APPENDIX_FAMILIES_SKIPPED, &[])? })
    }

    /// Appends the handle's families to a page, in the format of the page: text 0.0.4 or OpenMetrics.
    pub fn append_to(&self, page: &mut Vec<u8>) -> Appended {
        let appended = append_page(page, &self.handle.render());
        self.skipped.add(appended.skipped);
        appended
    }
}

impl fmt::Debug for Appendix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Appendix").field("skipped", &self.skipped).finish_non_exhaustive()
    }
}

/// Appends the families of a page in text 0.0.4 to a page in either format.
///
/// For a page that does not come from a `PrometheusHandle`; for one that does, see
/// [`Appendix`].
///
/// ```
/// let mut page = b"# TYPE up gauge\nup 1\n# EOF\n".to_vec();
/// let theirs = "# TYPE up gauge\nup 0\n\n# TYPE hits counter\nhits 2\n";
/// let appended = node0_metrics_bridge::append_page(&mut page, theirs);
/// assert_eq!((appended.families, appended.skipped), (1, 1));
/// assert_eq!(page, b"# TYPE up gauge\nup 1\n# TYPE hits counter\nhits_total 2\n# EOF\n");
/// ```
pub fn append_page(page: &mut Vec<u8>, theirs: &str) -> Appended {
    let format = if page.ends_with(EOF) { Format::OpenMetrics } else { Format::Text };
    if format == Format::OpenMetrics {
        page.truncate(page.len() - EOF.len());
    }
    if page.last().is_some_and(|last| *last != b'\n') {
        page.push(b'\n');
    }
    let mut taken = names_on(page, format);
    let mut appended = Appended::default();
    for family in page::families(theirs) {
        let names = || names(family.name, family.kind, format);
        if family.is_sound && names().all(|name| !taken.contains(&name)) {
            taken.extend(names());
            write(page, &family, format);
            appended.families += 1;
        } else {
            appended.skipped += 1;
        }
    }
    if format == Format::OpenMetrics {
        page.extend_from_slice(EOF);
    }
    appended
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Text,
    OpenMetrics,
}

/// Returns the names of all samples on a page.
fn names_on(page: &[u8], format: Format) -> HashSet<String> {
    let heads = page.split(|byte| *byte == b'\n').filter_map(|line| {
        let (name, word) = str::from_utf8(line.strip_prefix(b"# TYPE ")?).ok()?.split_once(' ')?;
        Some((name, Kind::of(word).unwrap_or(Kind::Untyped)))
    });
    heads.flat_map(|(name, kind)| names(name, kind, format)).collect()
}

/// Returns the name of a family and of its samples; two families must not share one of these.
fn names(name: &str, kind: Kind, format: Format) -> impl Iterator<Item = String> {
    let (name, suffixes): (_, &[&str]) = match (kind, format) {
        // OpenMetrics names the family without the suffix `_total`, so a gauge of that name
        // would clash with it.
        (Kind::Counter, Format::OpenMetrics) => (stem(name), &["_total"]),
        _ => (name, kind.suffixes()),
    };
    let all = [""].iter().chain(suffixes.iter().filter(|suffix| !suffix.is_empty()));
    all.map(move |suffix| format!("{name}{suffix}"))
}

fn stem(counter: &str) -> &str {
    counter.strip_suffix("_total").unwrap_or(counter)
}

fn write(page: &mut Vec<u8>, family: &Family<'_>, format: Format) {
    let (name, word, total) = match (family.kind, format) {
        (Kind::Counter, Format::OpenMetrics) => (stem(family.name), "counter", "_total"),
        (Kind::Counter, Format::Text) => (family.name, "counter", ""),
        (Kind::Gauge, _) => (family.name, "gauge", ""),
        (Kind::Histogram, _) => (family.name, "histogram", ""),
        (Kind::Summary, _) => (family.name, "summary", ""),
        (Kind::Untyped, Format::OpenMetrics) => (family.name, "unknown", ""),
        (Kind::Untyped, Format::Text) => (family.name, "untyped", ""),
    };
    if let Some(help) = family.help {
        // OpenMetrics escapes quotes in help texts, the text format does not.
        let help = match format {
            Format::Text => help.to_owned(),
            Format::OpenMetrics => help.replace('"', "\\\""),
        };
        line(page, format_args!("# HELP {name} {help}"));
    }
    line(page, format_args!("# TYPE {name} {word}"));
    for sample in &family.samples {
        let labels = label_set(sample, format);
        line(page, format_args!("{name}{}{total}{labels} {}", sample.suffix, sample.value));
    }
}

fn line(page: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    // Writing to memory cannot fail.
    let _ = page.write_fmt(text);
    page.push(b'\n');
}

fn label_set(sample: &Sample<'_>, format: Format) -> String {
    if sample.labels.is_empty() {
        return String::new();
    }
    let pair = |(key, value): &(&str, &str)| match (*key, format, value.parse()) {
        ("le" | "quantile", Format::OpenMetrics, Ok(number)) => {
            format!("{key}=\"{}\"", bound(number))
        }
        _ => format!("{key}=\"{value}\""),
    };
    format!("{{{}}}", sample.labels.iter().map(pair).collect::<Vec<_>>().join(","))
}

/// Formats a bound as OpenMetrics requires: as Go does, always with a point or an exponent.
fn bound(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let plain = format!("{value:?}");
    let scientific = format!("{value:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return plain };
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..6).contains(&exponent) && value != 0.0 => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
        }
        _ => plain,
    }
}
