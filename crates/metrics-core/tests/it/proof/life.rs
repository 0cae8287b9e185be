//! A registry and its oracles, told the same.

use std::sync::Arc;
use std::time::Duration;

use metrics_core::{
    Histogram, Latency, LatencySummary, ManualClock, OPERATION_DURATION, Performance, Registry,
    Sample, Ticker, Timestamp, VALUES_CLAMPED, Value, millis,
};
use serde_json::json;

use super::oracle::{Oracle, Rule};
use super::verdict::Errors;

/// The length of a tick where readers end them.
pub(super) const TICK: Duration = Duration::from_secs(1);

/// The least that a manual clock can move.
const MOMENT: Duration = Duration::from_nanos(1);

/// Who ends the ticks.
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

/// A registry under a manual clock, with an oracle beside each series.
///
/// The series are operations of the performance monitor, so that a topic's report
/// is among the readers.
pub(super) struct Life {
    clock: ManualClock,
    registry: Registry,
    ticker: Option<Ticker>,
    performance: Performance,
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
        let performance = Performance::register(&registry).expect("a new one has no topics");
        Self {
            clock,
            registry,
            ticker,
            performance,
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
        let latency = self.performance.latency(&name).expect("there is room");
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
        let report = sample.report("performance", None).expect("the topic exists");
        let report = serde_json::to_value(&report).expect("a report is JSON");
        for (name, latency, oracle) in &self.series {
            let seen = sample.view().latency(latency).expect("it is registered");
            self.errors.judge(seen, oracle, self.now);
            let labels = [("operation", name.as_str())];
            let by_name = sample.snapshot.value(OPERATION_DURATION.name(), &labels);
            assert_eq!(by_name, Some(&Value::Histogram(seen.clone())), "by handle and by name");
            assert_eq!(report["operations"][name], in_json(seen), "the report of the topic");
        }
    }

    /// What a fresh reading says by operation, in the words of the performance monitor.
    pub(super) fn summaries(&self) -> Vec<LatencySummary> {
        let names = self.series.iter().map(|(name, ..)| self.performance.latency_percentiles(name));
        names.map(|summary| summary.expect("it is registered")).collect()
    }

    /// What a sample says by series.
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
