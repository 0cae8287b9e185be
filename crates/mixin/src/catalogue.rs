//! Every metric that node0 exports, as `docs/metrics.md` lists it.
//!
//! That page is generated from the descriptions in the code and checked against them, so it is
//! read here in place of every crate that describes a metric.

use std::collections::BTreeMap;

/// A metric: its kind and the keys of its labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    /// The kind.
    pub kind: Kind,
    /// The keys of its labels; the label `le` of buckets is not among them.
    pub labels: Vec<String>,
}

/// The kind of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts of values in buckets, with the series `_bucket`, `_sum` and `_count`.
    Histogram,
}

/// All metrics by name.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    metrics: BTreeMap<String, Metric>,
}

/// A line of the page that is no row of a metric.
#[derive(Debug, thiserror::Error)]
#[error("line {line} of docs/metrics.md is no row of a metric: run `cargo xtask generate`")]
pub struct CatalogueError {
    line: usize,
}

impl Catalogue {
    /// Reads the page.
    ///
    /// # Errors
    /// [`CatalogueError`] for the first row that has other columns than expected.
    pub fn parse(page: &str) -> Result<Self, CatalogueError> {
        let rows = page.lines().enumerate().filter(|(_, line)| line.starts_with("| `"));
        let metrics = rows.map(|(at, row)| metric(row).ok_or(CatalogueError { line: at + 1 }));
        Ok(Self { metrics: metrics.collect::<Result<_, _>>()? })
    }

    /// Returns the metric that a series belongs to.
    ///
    /// The series of a histogram have the suffixes `_bucket`, `_sum` and `_count`.
    pub fn metric_of(&self, series: &str) -> Option<&Metric> {
        let direct = self.metrics.get(series).filter(|metric| metric.kind != Kind::Histogram);
        direct.or_else(|| {
            let family =
                ["_bucket", "_sum", "_count"].iter().find_map(|end| series.strip_suffix(end))?;
            self.metrics.get(family).filter(|metric| metric.kind == Kind::Histogram)
        })
    }

    /// Returns the names of all metrics, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.metrics.keys().map(String::as_str)
    }
}

/// Reads a row: name, kind, labels, classic name, meaning.
fn metric(row: &str) -> Option<(String, Metric)> {
    let mut cells = row.trim_matches('|').split(" | ").map(str::trim);
    let name = cells.next()?.trim_matches('`').to_owned();
    let kind = match cells.next()? {
        "counter" => Kind::Counter,
        "gauge" => Kind::Gauge,
        "histogram" => Kind::Histogram,
        _ => return None,
    };
    let labels = cells.next()?.split(", ").map(|key| key.trim_matches('`').to_owned());
    Some((name, Metric { kind, labels: labels.filter(|key| !key.is_empty()).collect() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\
| metric | type | labels | classic name | meaning |
| --- | --- | --- | --- | --- |
| `wait_seconds` | histogram | `pool`, `phase` |  | Waits. |
| `waiting` | gauge |  |  | Waiting. |
";

    #[test]
    fn series_of_a_histogram_belong_to_it() {
        let catalogue = Catalogue::parse(PAGE).expect("a page");
        let wait = catalogue.metric_of("wait_seconds_bucket").expect("a metric");
        assert_eq!(wait.labels, ["pool", "phase"]);
        assert_eq!(catalogue.metric_of("wait_seconds"), None);
        assert_eq!(catalogue.metric_of("waiting").expect("a metric").kind, Kind::Gauge);
        assert_eq!(catalogue.metric_of("waiting_count"), None);
    }

    #[test]
    fn row_with_another_kind_is_refused_with_its_line() {
        let error = Catalogue::parse("\n| `a` | summary |  |  | A. |\n").expect_err("no kind");
        assert!(error.to_string().starts_with("line 2 of docs/metrics.md"));
    }
}
