//! One step of sampling: ticks the registry, and sends its events to the subscribers.
//!
//! The core has no logger, so this is also the place that logs changes of health, alerts, calls into
//! guests that failed, and the first time that a metric reaches its cap on series or that values are
//! not recorded as they are.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use node0_metrics_core::{
    AlertCause, AlertChange, AlreadyTicking, Clock, Desc, Event, GUEST_FAILURES, HealthChange,
    Labels, Registry, SERIES_FOLDED, Sample, Status, Tick, Ticker, VALUES_CLAMPED, VALUES_DROPPED,
    Value,
};

use crate::events::{Channel, Events, Sender};
use crate::metrics::Metrics;
use crate::schedule::Schedule;

/// Samples a registry, a step at a time.
///
/// The [`Aggregator`](crate::Aggregator) runs one on its thread. A test runs one
/// itself, under a clock that it advances:
///
/// ```
/// use node0_aggregator::Sampler;
/// use node0_metrics_core::{ManualClock, Registry};
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// let registry = Registry::builder().clock(clock.clock()).build();
/// let mut sampler = Sampler::new(&registry)?;
/// clock.advance(sampler.period());
/// let sample = sampler.step();
/// assert_eq!(sample.uptime, Duration::from_secs(1));
/// # Ok::<(), node0_metrics_core::AlreadyTicking>(())
/// ```
#[derive(Debug)]
pub struct Sampler {
    ticker: Ticker,
    schedule: Arc<Schedule>,
    sender: Sender,
    /// The metrics that the log has warned of: it says each thing once, so as not to be flooded.
    warned: HashSet<String>,
    metrics: Metrics,
}

impl Sampler {
    /// Takes the registry's ticker.
    ///
    /// # Errors
    /// Returns [`AlreadyTicking`] when the ticker is in use.
    pub fn new(registry: &Registry) -> Result<Self, AlreadyTicking> {
        let ticker = registry.ticker()?;
        let schedule = Arc::new(Schedule::new(ticker.clock().clone()));
        let sender = Sender::new(schedule.clone());
        let metrics = Metrics::new(registry);
        Ok(Self { ticker, schedule, sender, warned: HashSet::new(), metrics })
    }

    /// Returns the time from one step to the next: the length of the registry's tick.
    pub fn period(&self) -> Duration {
        self.ticker.period()
    }

    /// Ends the registry's tick, and sends its events and then its sample to the subscribers.
    pub fn step(&mut self) -> Arc<Sample> {
        self.metrics.count_lost_messages();
        self.metrics.count_clock_steps(self.ticker.clock());
        let Tick { sample, events, .. } = self.ticker.tick();
        self.warn_of_overflow(&sample);
        warn_of_failures(&sample);
        events.iter().for_each(log);
        self.sender.send(events.into_iter().chain([Event::Sample(sample.clone())]).collect());
        sample
    }

    /// Takes a sample without ending the tick, and sends it to those who want samples between ticks.
    pub fn step_between(&mut self) -> Arc<Sample> {
        let sample = self.ticker.read_between();
        self.sender.send_between(sample.clone());
        sample
    }

    /// Subscribes to the events from now on.
    pub fn subscribe(&self) -> Events {
        self.channel().subscribe()
    }

    pub(crate) fn channel(&self) -> Channel {
        self.sender.channel()
    }

    pub(crate) fn schedule(&self) -> &Arc<Schedule> {
        &self.schedule
    }

    pub(crate) fn clock(&self) -> &Clock {
        self.ticker.clock()
    }

    pub(crate) fn note_panic(&self) {
        self.metrics.panics.inc();
        node0_log_relay::log(|| tracing::error!("sampling panicked: it goes on at the next tick"));
    }

    /// Logs the metrics that fold series now, and values that are not recorded as they are.
    fn warn_of_overflow(&mut self, sample: &Sample) {
        for (labels, _) in risen(sample, &SERIES_FOLDED) {
            let metric = labels.get("metric").unwrap_or_default();
            if self.warned.insert(metric.to_owned()) {
                let metric = metric.to_owned();
                node0_log_relay::log(move || {
                    tracing::warn!(
                        metric,
                        "the cap on series is reached: new label values become `_other`"
                    );
                });
            }
        }
        for (desc, what) in [
            (&VALUES_DROPPED, "values are not recorded: they are negative, or no numbers"),
            (&VALUES_CLAMPED, "values are recorded as the largest that there is"),
        ] {
            for (_, values) in risen(sample, desc) {
                let metric = desc.name();
                if self.warned.insert(metric.to_owned()) {
                    let metric = metric.to_owned();
                    node0_log_relay::log(move || tracing::warn!(metric, values, "{what}"));
                }
            }
        }
    }
}

/// Logs the calls into guests that failed during the tick.
fn warn_of_failures(sample: &Sample) {
    for (labels, _) in risen(sample, &GUEST_FAILURES) {
        let labels = labels.clone();
        node0_log_relay::log(move || {
            let [guest, call, reason] = ["guest", "call", "reason"].map(|key| labels.get(key));
            tracing::warn!(guest, call, reason, "a call failed, and is left out for a while");
        });
    }
}

/// Returns each series of a counter that rose during the tick: its labels, and by how much.
fn risen<'a>(sample: &'a Sample, desc: &Desc) -> impl Iterator<Item = (&'a Labels, u64)> + use<'a> {
    let family = sample.snapshot.family(desc.name());
    let series = family.into_iter().flat_map(|family| family.series());
    series.filter_map(|(labels, value)| match value {
        Value::Counter(count) if count.delta > 0 => Some((labels, count.delta)),
        _ => None,
    })
}

/// Logs a change of health, whose summary contains the findings, and news of alerts.
fn log(event: &Event) {
    match event {
        Event::Health(change) => {
            let change = change.clone();
            node0_log_relay::log(move || log_health(&change));
        }
        Event::Alert(change) => {
            let change = change.clone();
            node0_log_relay::log(move || log_alert(&change));
        }
        _ => {}
    }
}

/// Logs an alert that fired or was resolved; one that is only repeated is in the log already.
fn log_alert(AlertChange { cause, alert, .. }: &AlertChange) {
    let (alertname, severity) = (alert.name.as_str(), alert.severity.word());
    let (component, summary) = (alert.component.as_str(), alert.message.as_str());
    match cause {
        AlertCause::Fired => {
            tracing::warn!(alertname, severity, component, summary, "an alert fires");
        }
        AlertCause::Resolved => {
            tracing::info!(alertname, severity, component, summary, "an alert is resolved");
        }
        AlertCause::Repeated => {}
    }
}

fn log_health(change: &HealthChange) {
    let (topic, summary) = (change.topic.name, change.summary.as_str());
    match change.to {
        Status::Healthy => tracing::info!(topic, summary, "healthy"),
        to => tracing::warn!(topic, ?to, summary, "health changed"),
    }
}
