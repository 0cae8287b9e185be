//! One step of sampling: tick the registry, and send what happened to those who subscribed.

use std::sync::Arc;
use std::time::Duration;

use metrics_core::{
    AlreadyTicking, Desc, Event, GUEST_FAILURES, Labels, Registry, SERIES_FOLDED, Sample, Status,
    Tick, Ticker, Value,
};
use tokio::sync::broadcast;

use crate::events::Events;

/// The events that a subscriber may be behind before it loses the oldest.
const EVENT_CAPACITY: usize = 64;

/// Samples a registry, a step at a time.
///
/// The [`Aggregator`](crate::Aggregator) runs one on its thread. Tests hold one
/// themselves, so that time passes when they say so:
///
/// ```
/// use aggregator::Sampler;
/// use metrics_core::{ManualClock, Registry};
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// let registry = Registry::builder().clock(clock.clock()).build();
/// let mut sampler = Sampler::new(&registry)?;
/// clock.advance(sampler.period());
/// let sample = sampler.step();
/// assert_eq!(sample.uptime, Duration::from_secs(1));
/// # Ok::<(), metrics_core::AlreadyTicking>(())
/// ```
#[derive(Debug)]
pub struct Sampler {
    ticker: Ticker,
    events: broadcast::Sender<Event>,
    /// Whether a cap on series was reached before.
    has_folded: bool,
}

impl Sampler {
    /// Takes the registry's ticker.
    ///
    /// # Errors
    /// [`AlreadyTicking`] when somebody else has it.
    pub fn new(registry: &Registry) -> Result<Self, AlreadyTicking> {
        let events = broadcast::Sender::new(EVENT_CAPACITY);
        Ok(Self { ticker: registry.ticker()?, events, has_folded: false })
    }

    /// The time from one step to the next: the registry's length of a tick.
    pub fn period(&self) -> Duration {
        self.ticker.period()
    }

    /// Ends the registry's tick, and sends its events and then its sample to the subscribers.
    pub fn step(&mut self) -> Arc<Sample> {
        let Tick { sample, events, .. } = self.ticker.tick();
        self.warn_of_folding(&sample);
        warn_of_failures(&sample);
        for event in events {
            log(&event);
            self.send(event);
        }
        self.send(Event::Sample(sample.clone()));
        sample
    }

    /// The events from now on.
    pub fn subscribe(&self) -> Events {
        Events::new(self.events.subscribe())
    }

    pub(crate) fn sender(&self) -> broadcast::WeakSender<Event> {
        self.events.downgrade()
    }

    fn send(&self, event: Event) {
        // An error says that nobody has subscribed, which is nobody's problem.
        let _ = self.events.send(event);
    }

    /// Logs the first time that a cap on series was reached; a flood would fill the log.
    fn warn_of_folding(&mut self, sample: &Sample) {
        if !self.has_folded && risen(sample, &SERIES_FOLDED).next().is_some() {
            self.has_folded = true;
            let metric = SERIES_FOLDED.name();
            tracing::warn!(metric, "a cap on series is reached: new label values become `_other`");
        }
    }
}

/// Logs the calls into guests that failed in the tick.
fn warn_of_failures(sample: &Sample) {
    for labels in risen(sample, &GUEST_FAILURES) {
        let [guest, call, reason] = ["guest", "call", "reason"].map(|key| labels.get(key));
        tracing::warn!(guest, call, reason, "a call failed, and is left out for a while");
    }
}

/// The labels of a counter's series that rose in the tick.
fn risen<'a>(sample: &'a Sample, desc: &Desc) -> impl Iterator<Item = &'a Labels> + use<'a> {
    let family = sample.snapshot.family(desc.name());
    let series = family.into_iter().flat_map(|family| family.series());
    series.filter_map(|(labels, value)| match value {
        Value::Counter(count) if count.delta > 0 => Some(labels),
        _ => None,
    })
}

/// Logs a change of health; a finding is in the summary of one.
fn log(event: &Event) {
    let Event::Health(change) = event else { return };
    let (topic, summary) = (change.topic.name, change.summary.as_str());
    match change.to {
        Status::Healthy => tracing::info!(topic, summary, "healthy"),
        to => tracing::warn!(topic, ?to, summary, "health changed"),
    }
}
