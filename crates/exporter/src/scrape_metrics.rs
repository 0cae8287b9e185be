//! The metrics of scraping itself.
//!
//! An exporter does not know the registry whose samples it writes, so it returns the
//! outcome of each page, and the server of the page records it here.

use std::time::Duration;

use metrics_core::{Counter, Desc, Distribution, Latency, RegisterError, Registry, Unit};

use crate::exporter::Rendered;
use crate::format::Format;

/// Pages that were rendered.
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

/// The families that pages could not show.
pub const SCRAPE_FAMILIES_SKIPPED: Desc = Desc::counter(
    "node0_scrape_families_skipped_total",
    "Families left out of metric pages because they would have spoiled them, summed over the pages.",
);

/// The series that share a classic name with another.
pub const CLASSIC_NAMES_MERGED: Desc = Desc::counter(
    "node0_classic_names_merged_total",
    "Series merged into another because their classic names are equal, summed over the metric pages.",
);

/// The handles by which a server of pages records them.
#[derive(Clone, Debug)]
pub struct ScrapeMetrics {
    pages: Vec<(Format, Counter)>,
    duration: Latency,
    bytes: Distribution,
    skipped: Counter,
    merged: Counter,
}

impl ScrapeMetrics {
    /// Registers the metrics, each format at zero.
    ///
    /// # Errors
    /// [`RegisterError`] when the registry is out of names.
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

    /// Records a page and the time since its cells were read; the next page shows it.
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
