//! One step of sampling: poll, tick, tell.

use std::sync::Arc;
use std::time::Duration;

use metrics_core::{AlreadyTicking, Event, Registry, SERIES_FOLDED, Sample, Status, Tick, Ticker};
use tokio::sync::broadcast;

use crate::events::Events;
use crate::poller::{Limits, Poller};

/// How many events a listener may be behind before it loses the oldest.
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
/// clock.advance(Duration::from_secs(1));
/// let sample = sampler.step();
/// assert_eq!(sample.uptime, Duration::from_secs(1));
/// # Ok::<(), metrics_core::AlreadyTicking>(())
/// ```
#[derive(Debug)]
pub struct Sampler {
    ticker: Ticker,
    poller: Poller,
    events: broadcast::Sender<Event>,
    /// How often label sets had been folded at the last look.
    folded: f64,
}

/// Settings for a [`Sampler`].
#[derive(Clone, Copy, Debug)]
#[must_use = "call `build` to get a sampler"]
pub struct SamplerBuilder {
    limits: Limits,
}

impl SamplerBuilder {
    /// How long a poll may take before its monitor is left out; 1 ms by default.
    pub fn poll_budget(mut self, budget: Duration) -> Self {
        self.limits.budget = budget;
        self
    }

    /// How long a poll is waited for at all; 100 ms by default.
    pub fn poll_patience(mut self, patience: Duration) -> Self {
        self.limits.patience = patience;
        self
    }

    /// For how many ticks a monitor is left out after its poll failed; 10 by default.
    pub fn bench_ticks(mut self, ticks: u64) -> Self {
        self.limits.bench_ticks = ticks;
        self
    }

    /// Takes the registry's ticker.
    ///
    /// # Errors
    /// [`AlreadyTicking`] when somebody else has it.
    pub fn build(self, registry: &Registry) -> Result<Sampler, AlreadyTicking> {
        Ok(Sampler {
            ticker: registry.ticker()?,
            poller: Poller::new(registry.clone(), self.limits),
            events: broadcast::Sender::new(EVENT_CAPACITY),
            folded: 0.0,
        })
    }
}

impl Sampler {
    /// A sampler with the default settings.
    ///
    /// # Errors
    /// As [`SamplerBuilder::build`].
    pub fn new(registry: &Registry) -> Result<Self, AlreadyTicking> {
        Self::builder().build(registry)
    }

    /// Settings for a sampler.
    pub fn builder() -> SamplerBuilder {
        let limits = Limits {
            budget: Duration::from_millis(1),
            patience: Duration::from_millis(100),
            bench_ticks: 10,
        };
        SamplerBuilder { limits }
    }

    /// Polls the monitors, ends the registry's tick and tells the listeners.
    pub fn step(&mut self) -> Arc<Sample> {
        self.poller.poll();
        let Tick { sample, changes, .. } = self.ticker.tick();
        self.warn_of_folding(&sample);
        for change in changes {
            let (topic, summary) = (change.topic.name, change.summary.as_str());
            match change.to {
                Status::Healthy => tracing::info!(topic, summary, "healthy"),
                to => tracing::warn!(topic, ?to, summary, "health changed"),
            }
            self.tell(Event::Health(change));
        }
        self.tell(Event::Sample(sample.clone()));
        sample
    }

    /// The events from now on.
    pub fn subscribe(&self) -> Events {
        Events::new(self.events.subscribe())
    }

    pub(crate) fn sender(&self) -> broadcast::WeakSender<Event> {
        self.events.downgrade()
    }

    fn tell(&self, event: Event) {
        // An error says that nobody listens, which is nobody's problem.
        let _ = self.events.send(event);
    }

    fn warn_of_folding(&mut self, sample: &Sample) {
        let family = sample.snapshot.family(SERIES_FOLDED.name());
        let series = family.into_iter().flat_map(|family| family.series());
        let folded = series.map(|(_, value)| value.as_f64()).sum();
        if self.folded == 0.0 && folded > 0.0 {
            let metric = SERIES_FOLDED.name();
            tracing::warn!(metric, "a cap on series is reached: new label values become `_other`");
        }
        self.folded = folded;
    }
}
