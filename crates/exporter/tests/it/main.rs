//! Tests of the exporter's public API, on registries under a manual clock.

mod bad_families;
mod classic;
mod grammar;
mod json;
mod judges;
mod negotiation;
mod openmetrics;
mod oracle;
mod properties;
mod protobuf;
mod scrape_metrics;
mod settings;
mod text;

use std::time::Duration;

use node0_exporter::{Exporter, Format, Naming, Rendered};
use node0_metrics_core::{ManualClock, Registry, Ticker};

/// The wall time at which each [`Bench`] starts, in milliseconds.
const START: u64 = 1_577_836_800_000;

/// A registry under a manual clock, with its ticker and an exporter.
struct Bench {
    clock: ManualClock,
    registry: Registry,
    ticker: Ticker,
    exporter: Exporter,
}

impl Bench {
    fn new() -> Self {
        Self::with(Exporter::new())
    }

    fn with(exporter: Exporter) -> Self {
        let clock = ManualClock::new();
        let registry = Registry::builder().clock(clock.clock()).build();
        let ticker = registry.ticker().expect("a new registry has no ticker");
        Self { clock, registry, ticker, exporter }
    }

    /// Advances the clock by a second and ends the tick.
    fn tick(&mut self) {
        self.clock.advance(Duration::from_secs(1));
        self.ticker.tick();
    }

    fn render(&self, format: Format, naming: Naming) -> (Rendered, String) {
        let mut page = Vec::new();
        let rendered = self.exporter.render(&self.registry.read(), format, naming, &mut page);
        (rendered, String::from_utf8(page).expect("pages are UTF-8"))
    }

    fn page(&self, format: Format, naming: Naming) -> String {
        self.render(format, naming).1
    }

    /// Returns the lines of the families whose name begins with `name`, in standard text.
    fn text_of(&self, name: &str) -> String {
        only(&self.page(Format::Text, Naming::Standard), name)
    }

    /// Returns the lines of the families whose name begins with `name`, in OpenMetrics.
    fn openmetrics_of(&self, name: &str) -> String {
        only(&self.page(Format::OpenMetrics, Naming::Standard), name)
    }

    /// Returns the lines of the families whose name begins with `name`, in classic text.
    fn classic_of(&self, name: &str) -> String {
        only(&self.page(Format::Text, Naming::Classic), name)
    }
}

/// Returns the lines about metrics whose name begins with `name`.
fn only(page: &str, name: &str) -> String {
    let about = |line: &&str| {
        let subject = line.strip_prefix("# ").and_then(|rest| rest.split_once(' '));
        subject.map_or(*line, |(_, rest)| rest).starts_with(name)
    };
    page.lines().filter(about).flat_map(|line| [line, "\n"]).collect()
}
