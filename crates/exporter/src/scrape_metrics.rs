//! Metrics about the scrapes themselves.
//!
//! An exporter does not know the registry whose samples it writes, so it returns the
//! outcome of each page, and the server of the page records it here.

use std::time::Duration;

use node0_metrics_core::{Counter, Desc, Distribution, Latency, RegisterError, Registry, Unit};

use crate::exporter::Rendered;
use crate::format::Format;

/// The number of rendered pages.
pub const SCRAPES: Desc =
    Desc::counter("node0_scrapes_total", "Metric pages rendered, by format.").labels(&["format"]);

/// The time to read the cells and render a page.
pub const SCRAPE_DURATION: Desc = Desc::latency(
    "node0_scrape_duration_seconds",
    "Time to read the cells and render a metric page.",
);

/// The sizes of pages.
pub const SCRAPE_BYTES: Desc = Desc::distribution(
    "node0_scrape_bytes",
    "Sizes of metric pages.",
    Unit::Bytes,
    &[1024.0, 4096.0, 16384.0, 65536.0, 262144.0, 1048576.0, 4194304.0, 16777216.0],
);

/// The number of families that were left out of pages.
pub const SCRAPE_FAMILIES_SKIPPED: Desc = Desc::counter(
    "node0_scrape_families_skipped_total",
    "Families left out of metric pages because they would have made the page invalid, summed over the pages.",
);

/// The number of series that were merged because they share a classic name.
pub const CLASSIC_NAMES_MERGED: Desc = Desc::counter(
    "node0_classic_names_merged_total",
    "Series merged into another because their classic names are equal, summed over the metric pages.",
);

/// The handles of these metrics, for the server of the pages.
#[derive(Clone, Debug)]
pub struct ScrapeMetrics {
    pages: Vec<(Format, Counter)>,
    duration: Latency,
    bytes: Distribution,
    skipped: Counter,
    merged: Counter,
}

impl ScrapeMetrics {
    /// Registers the metrics, with the page counter of each format at zero.
    ///
    /// # Errors
    /// Returns [`RegisterError`] when the registry refuses a metric.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let page = |format: &Format| Ok((*format, registry.counter(&SCRAPES, &[format.as_str()])?));
        Ok(Self {
            pages: Format::ALL.iter().map(page).collect::<Result<_, RegisterError>>()?,
            duration: registry.latency(&SCRAPE_DURATION, &[])?,
            bytes: registry.distribution(&SCRAPE_BYTES, &[])?,
            skipped: registry.counter(&SCRAPE_FAMILIES_SKIPPED, &[])?,
            merged: registry.counter(&CLASSIC_NAMES_MERGED, &[])?,
        })
    }

    /// Records a page and the time that reading and rendering took; the next page shows both.
    pub fn record(&self, rendered: &Rendered, took: Duration) {
        if let Some((_, pages)) = self.pages.iter().find(|(of, _)| *of == rendered.format) {
            pages.inc();
        }
        self.duration.record(took);
        self.bytes.record(rendered.bytes as f64);
        self.skipped.add(rendered.skipped);
        self.merged.add(rendered.merged);
    }
}
