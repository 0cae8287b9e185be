//! A registry and its oracles, which get the same records.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use node0_metrics_core::{
    Desc, Histogram, Judgement, Latency, LatencySummary, ManualClock, Monitor, Registry, Report,
    Sample, Ticker, Timestamp, Topic, UnknownTarget, VALUES_CLAMPED, Value, View, millis,
};
use serde_json::json;

use super::oracle::{Oracle, Rule};
use super::verdict::Errors;

const DURATION: Desc =
    Desc::latency("operation_duration_seconds", "Durations.").labels(&["operation"]);

/// The length of a tick where readers end them.
pub(super) const TICK: Duration = Duration::from_secs(1);

/// The least that a manual clock can move.
const MOMENT: Duration = Duration::from_nanos(1);

/// The code that ends the ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ticking {
    Ticker,
    Readers,
}

/// The wall clock is set.
#[derive(Clone, Copy, Debug)]
pub(super) enum Jump {
    AnHourBack,
    TenYearsOn,
}

/// Reports each series by its name, so that a topic's report is among the readers.
struct Reporter;

impl Monitor for Reporter {
    fn topic(&self) -> &'static Topic {
        static TOPIC: Topic = Topic::new("operations", "operations");
        &TOPIC
    }

    fn judge(&self, _: &View<'_>) -> Judgement {
        Judgement::healthy("")
    }

    fn report(&self, view: &View<'_>, _: Option<&str>) -> Result<Report, UnknownTarget> {
        let family = view.snapshot().family(DURATION.name());
        let series = family.into_iter().flat_map(|family| family.series());
        let summaries = series.filter_map(|(labels, value)| match value {
            Value::Histogram(histogram) => Some((labels.get("operation")?, histogram)),
            _ => None,
        });
        let body: BTreeMap<String, LatencySummary> =
            summaries.map(|(name, histogram)| (name.to_owned(), histogram.into())).collect();
        Ok(Report::new(body))
    }
}

/// A registry under a manual clock, with an oracle beside each series.
pub(super) struct Life {
    clock: ManualClock,
    registry: Registry,
    ticker: Option<Ticker>,
    rule: Rule,
    now: Duration,
    /// When the running tick began, and whether it is the first.
    running: Duration,
    first: bool,
    series: Vec<(String, Latency, Oracle)>,
    pub(super) errors: Errors,
}

impl Life {
    pub(super) fn new(rule: Rule, ticking: Ticking) -> Self {
        let clock = ManualClock::new();
        let registry = Registry::builder()
            .clock(clock.clock())
            .tick(TICK)
            .window_samples(rule.samples as u64)
            .max_age(rule.max_age)
            .build();
        let ticker =
            (ticking == Ticking::Ticker).then(|| registry.ticker().expect("a new one has none"));
        registry.monitor(Arc::new(Reporter)).expect("a new one has no topics");
        Self {
            clock,
            registry,
            ticker,
            rule,
            now: Duration::ZERO,
            running: Duration::ZERO,
            first: true,
            series: Vec::new(),
            errors: Errors::default(),
        }
    }

    pub(super) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// One more series; the records go round among all.
    pub(super) fn register(&mut self) {
        let name = format!("operation {}", self.series.len());
        let latency = self.registry.latency(&DURATION, &[&name]).expect("there is room");
        self.series.push((name, latency, Oracle::new(self.rule, self.running)));
    }

    pub(super) fn pause(&mut self, gap: Duration) {
        self.clock.advance(gap);
        self.now += gap;
    }

    /// Records what took so long in one of the series.
    pub(super) fn record(&mut self, to: usize, durations: &[Duration]) {
        self.pause(MOMENT);
        let at = to % self.series.len();
        let (_, latency, oracle) = &mut self.series[at];
        for &took in durations {
            latency.record(took);
            oracle.record(self.now, took);
        }
    }

    pub(super) fn jump(&self, jump: Jump) {
        let hour = 3_600_000;
        let millis = self.registry.clock().wall().as_millis();
        self.clock.set_wall(Timestamp::from_millis(match jump {
            Jump::AnHourBack => millis.saturating_sub(hour),
            Jump::TenYearsOn => millis + 10 * 365 * 24 * hour,
        }));
    }

    /// Ends the running tick after `gap`, or looks whether it is over.
    pub(super) fn tick(&mut self, gap: Duration) -> Arc<Sample> {
        self.pause(gap);
        let Some(ticker) = &mut self.ticker else { return self.read() };
        let sample = ticker.tick().sample;
        self.has_ticked();
        assert!(Arc::ptr_eq(&sample, &self.registry.latest()), "a tick is published");
        self.judge(&sample);
        sample
    }

    /// As [`Life::tick`] with a ticker, but unseen: to judge a million samples takes a while.
    pub(super) fn tick_unseen(&mut self, gap: Duration) {
        self.pause(gap);
        self.ticker.as_mut().expect("this life has a ticker").tick();
        self.has_ticked();
    }

    /// Reads as a scrape does.
    pub(super) fn read(&mut self) -> Arc<Sample> {
        let sample = self.registry.read();
        if self.was_read() {
            assert!(Arc::ptr_eq(&sample, &self.registry.latest()), "a tick is published");
        }
        self.judge(&sample);
        sample
    }

    /// Takes note that somebody read now; whether that ended a tick.
    pub(super) fn was_read(&mut self) -> bool {
        let is_due = self.first || self.now - self.running >= TICK;
        let ticks = self.ticker.is_none() && is_due;
        if ticks {
            self.has_ticked();
        }
        ticks
    }

    fn has_ticked(&mut self) {
        (self.running, self.first) = (self.now, false);
        for (_, _, oracle) in &mut self.series {
            oracle.tick(self.now);
        }
    }

    /// Every way to read this sample says what the oracles say.
    pub(super) fn judge(&mut self, sample: &Arc<Sample>) {
        let report = sample.report("operations", None).expect("the topic exists");
        let report = serde_json::to_value(&report).expect("a report is JSON");
        for (name, latency, oracle) in &self.series {
            let seen = sample.view().latency(latency).expect("it is registered");
            self.errors.judge(seen, oracle, self.now);
            let labels = [("operation", name.as_str())];
            let by_name = sample.snapshot.value(DURATION.name(), &labels);
            assert_eq!(by_name, Some(&Value::Histogram(seen.clone())), "by handle and by name");
            assert_eq!(report[name], in_json(seen), "the report of the topic");
        }
    }

    /// Returns the summaries of a fresh reading, found by the names of the series.
    pub(super) fn summaries(&self) -> Vec<LatencySummary> {
        let read = |name: &str| {
            let sample = self.registry.read();
            match sample.snapshot.value(DURATION.name(), &[("operation", name)]) {
                Some(Value::Histogram(histogram)) => histogram.into(),
                other => panic!("{name} is registered and read as {other:?}"),
            }
        };
        self.series.iter().map(|(name, ..)| read(name)).collect()
    }

    /// Returns the histograms of a sample by series.
    pub(super) fn histograms<'a>(&self, sample: &'a Sample) -> Vec<&'a Histogram> {
        let seen = self.series.iter().map(|(_, latency, _)| sample.view().latency(latency));
        seen.map(|histogram| histogram.expect("it is registered")).collect()
    }

    /// Every value that was too long was counted, once.
    pub(super) fn judge_clamped(&mut self) {
        // A pass publishes what was clamped before it in the next.
        self.read();
        let sample = self.read();
        let counted = sample.snapshot.value(VALUES_CLAMPED.name(), &[]).map(Value::as_f64);
        let expected: u64 = self.series.iter().map(|(_, _, oracle)| oracle.clamped).sum();
        assert_eq!(counted, Some(expected as f64), "clamped values");
    }
}

/// A histogram as the topic's report has it, put together by hand.
fn in_json(seen: &Histogram) -> serde_json::Value {
    let window = &seen.window().buckets();
    json!({
        "samples": window.count(),
        "windowSeconds": seen.window().span.as_secs_f64(),
        "count": seen.total().count(),
        "min": window.min().map(millis),
        "max": window.max().map(millis),
        "avg": window.mean().map(millis),
        "p50": window.quantile(0.5).map(millis),
        "p95": window.quantile(0.95).map(millis),
        "p99": window.quantile(0.99).map(millis),
    })
}
