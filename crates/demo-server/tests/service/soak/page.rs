//! A page of metrics, of which a test reads single samples.

use std::collections::{BTreeMap, BTreeSet};

/// The samples of a page in the text format.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page {
    /// The values by name and labels, as the page writes them.
    samples: BTreeMap<String, f64>,
    /// The names of counters and histograms.
    growing: BTreeSet<String>,
}

impl Page {
    pub(crate) fn read(text: &str) -> Self {
        let mut page = Self::default();
        for line in text.lines() {
            if let Some(described) = line.strip_prefix("# TYPE ") {
                let (name, kind) = described.split_once(' ').expect("a family has a type");
                if matches!(kind, "counter" | "histogram") {
                    page.growing.insert(name.to_owned());
                }
            } else if !line.starts_with('#') {
                let (series, value) = line.rsplit_once(' ').expect("a sample has a value");
                let value = value.parse().unwrap_or_else(|_| panic!("no number: {line}"));
                page.samples.insert(series.to_owned(), value);
            }
        }
        page
    }

    /// Returns the samples of this name with their labels' text.
    pub(crate) fn samples(&self, name: &str) -> impl Iterator<Item = (&str, f64)> {
        self.samples.iter().filter_map(move |(series, value)| {
            let (sample, labels) = series.split_once('{').unwrap_or((series, ""));
            (sample == name).then_some((labels, *value))
        })
    }

    /// Returns the sum of the samples of this name with these labels, such as `pool="main"`.
    pub(crate) fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        let has_labels = |text: &str| labels.iter().all(|label| text.contains(label));
        self.samples(name).filter(|(text, _)| has_labels(text)).map(|(_, value)| value).sum()
    }

    /// Returns the samples of counters and histograms that are below those of an earlier page, or gone.
    pub(crate) fn fallen_since(&self, earlier: &Self) -> Vec<String> {
        let growing = earlier.samples.iter().filter(|(series, _)| earlier.grows(series));
        let fallen = growing
            .filter(|(series, before)| !self.samples.get(*series).is_some_and(|now| now >= before));
        let told = |(series, before): (&String, &f64)| {
            format!("{series} was {before} and is {:?}", self.samples.get(series))
        };
        fallen.map(told).collect()
    }

    /// Returns the histograms whose last bucket does not hold what they count.
    pub(crate) fn miscounted(&self) -> Vec<String> {
        let counts = self.samples.iter().filter(|(series, _)| self.grows(series));
        let differ = counts.filter_map(|(series, count)| {
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            let histogram = name.strip_suffix("_count")?;
            let labels = labels.strip_suffix('}')?;
            let comma = if labels.is_empty() { "" } else { "," };
            let bucket = format!("{histogram}_bucket{{{labels}{comma}le=\"+Inf\"}}");
            let last = self.samples.get(&bucket);
            (last != Some(count)).then(|| format!("{series} is {count} and {bucket} {last:?}"))
        });
        differ.collect()
    }

    fn grows(&self, series: &str) -> bool {
        let name = series.split('{').next().unwrap_or_default();
        let parts = ["_bucket", "_sum", "_count"];
        let families = parts.iter().filter_map(|part| name.strip_suffix(part));
        families.chain([name]).any(|family| self.growing.contains(family))
    }
}

/// Returns the value of a label in the text of a sample's labels.
pub(crate) fn label(labels: &str, name: &str) -> String {
    let (_, value) = labels.split_once(&format!("{name}=\"")).expect("it has the label");
    value.split('"').next().unwrap_or_default().to_owned()
}
