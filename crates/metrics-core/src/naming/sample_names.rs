//! The names that a metric takes on pages.
//!
//! A scraper finds the metric of a line by the line's name. So no two metrics may have a line of
//! the same name in any format: the one that comes second on the page would be dropped.
//! OpenMetrics calls the counter `jobs_total` by the name `jobs`, and would confuse it with a gauge
//! `jobs`.

use crate::naming::desc::Kind;

/// The suffixes with which other metrics extend their names.
const SUFFIXES: [&str; 5] = ["_total", "_created", "_bucket", "_sum", "_count"];

/// Returns all names that a metric takes.
pub(crate) fn taken(name: &str, kind: Kind) -> impl Iterator<Item = String> {
    let (stem, suffixes): (_, &[&str]) = match kind.metric_type() {
        "counter" => (stem(name), &["", "_total", "_created"]),
        "histogram" => (name, &["", "_created", "_bucket", "_sum", "_count"]),
        _ => (name, &[""]),
    };
    suffixes.iter().map(move |suffix| format!("{stem}{suffix}"))
}

/// Returns the names of all metrics that may take a name.
pub(crate) fn takers(taken: &str) -> impl Iterator<Item = String> {
    let stems = SUFFIXES.iter().filter_map(move |suffix| taken.strip_suffix(suffix));
    stems.chain([taken]).flat_map(|stem| [stem.to_owned(), format!("{stem}_total")])
}

fn stem(name: &str) -> &str {
    name.strip_suffix("_total").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taker_of_each_taken_name_is_found() {
        let metrics = [
            ("jobs_total", Kind::Counter),
            ("jobs", Kind::Gauge),
            ("jobs_seconds", Kind::Latency),
            ("jobs_sum_total", Kind::Total),
        ];
        for (name, kind) in metrics {
            for taken in taken(name, kind) {
                assert!(takers(&taken).any(|taker| taker == name), "{taken} of {name}");
            }
        }
    }
}
