//! A registry with a manual clock and a recorder, and the pages of both exporters.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};
use node0_exporter::{Exporter, Format, Naming};
use node0_metrics_bridge::{Recorder, RecorderBuilder};
use node0_metrics_core::{ManualClock, Registry, RegistryBuilder, Sample, Ticker, Value};

/// A registry that ticks when told, with a recorder.
pub(crate) struct Bench {
    pub(crate) registry: Registry,
    pub(crate) recorder: Recorder,
    clock: ManualClock,
    ticker: Ticker,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(Registry::builder(), |recorder| recorder)
    }

    pub(crate) fn with(
        registry: RegistryBuilder,
        set: impl FnOnce(RecorderBuilder) -> RecorderBuilder,
    ) -> Self {
        let clock = ManualClock::new();
        let registry = registry.clock(clock.clock()).build();
        let recorder = set(Recorder::builder(&registry)).build().unwrap();
        Self { recorder, ticker: registry.ticker().unwrap(), registry, clock }
    }

    /// Does something with our recorder in effect.
    pub(crate) fn record<T>(&self, f: impl FnOnce() -> T) -> T {
        metrics::with_local_recorder(&self.recorder, f)
    }

    pub(crate) fn tick(&mut self) -> Arc<Sample> {
        self.clock.advance(Duration::from_secs(1));
        self.ticker.tick().sample
    }

    /// The page as it is scraped.
    pub(crate) fn page(&self, format: Format) -> String {
        let mut page = Vec::new();
        let sample = self.registry.read();
        let rendered = Exporter::new().render(&sample, format, Naming::Standard, &mut page);
        assert_eq!(rendered.skipped, 0);
        String::from_utf8(page).unwrap()
    }

    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<Value> {
        self.registry.read().snapshot.value(name, labels).cloned()
    }

    pub(crate) fn number(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        self.value(name, labels).map(|value| value.as_f64())
    }

    /// The kind, unit and help of a family as the page has it.
    pub(crate) fn head(&self, name: &str) -> Option<(&'static str, &'static str, String)> {
        let sample = self.registry.read();
        let desc = sample.snapshot.family(name)?.desc;
        Some((desc.kind.metric_type(), desc.unit.suffix(), desc.help.to_string()))
    }

    /// Returns the number of refusals by name and reason.
    pub(crate) fn refused(&self) -> BTreeMap<(String, String), u64> {
        let sample = self.registry.read();
        let Some(family) = sample.snapshot.family("node0_bridge_refused_total") else {
            return BTreeMap::new();
        };
        let label = |value: Option<&str>| value.unwrap_or_default().to_owned();
        let series = family.series().map(|(labels, value)| {
            let labels = (label(labels.get("metric")), label(labels.get("reason")));
            (labels, value.as_f64() as u64)
        });
        series.collect()
    }
}

pub(crate) fn refusal(metric: &str, reason: &str, times: u64) -> ((String, String), u64) {
    ((metric.to_owned(), reason.to_owned()), times)
}

/// The exporter that the facade's users have, with these buckets: without, its summaries lose samples.
pub(crate) fn theirs(bounds: &[f64]) -> PrometheusRecorder {
    PrometheusBuilder::new().set_buckets(bounds).unwrap().build_recorder()
}
