//! A registry with a manual clock and a monitor, for the other tests.

use std::sync::Arc;
use std::time::Duration;

use node0_breaker_monitor::{BreakerMonitor, Circuit, CircuitMetrics, State, Thresholds};
use node0_metrics_core::{ManualClock, Registry, RegistryBuilder, Sample, Ticker, Value};

/// A registry that ticks when told, with a monitor.
pub(crate) struct Bench {
    pub(crate) clock: ManualClock,
    pub(crate) registry: Registry,
    pub(crate) monitor: BreakerMonitor,
    ticker: Ticker,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(Registry::builder())
    }

    pub(crate) fn with(settings: RegistryBuilder) -> Self {
        let clock = ManualClock::new();
        let registry = settings.clock(clock.clock()).build();
        Self {
            monitor: BreakerMonitor::register(&registry).unwrap(),
            ticker: registry.ticker().unwrap(),
            clock,
            registry,
        }
    }

    pub(crate) fn circuit(&self, name: &str) -> Circuit {
        self.monitor.circuit(name, Thresholds::default()).unwrap()
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// Ends a tick of one second.
    pub(crate) fn tick(&mut self) -> Arc<Sample> {
        self.pass(Duration::from_secs(1));
        self.tick_now()
    }

    /// Ends the tick at once.
    pub(crate) fn tick_now(&mut self) -> Arc<Sample> {
        self.ticker.tick().sample
    }

    /// The numbers of a circuit in a fresh sample.
    pub(crate) fn metrics(&self, circuit: &str) -> CircuitMetrics {
        self.monitor.metrics(&self.registry.read(), circuit).unwrap()
    }
}

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The value of the series with exactly these labels.
#[track_caller]
pub(crate) fn number(sample: &Sample, name: &str, labels: &[(&str, &str)]) -> f64 {
    let value = sample.snapshot.value(name, labels);
    value.unwrap_or_else(|| panic!("no {name} {labels:?}")).as_f64()
}

/// The exact sum of a latency in milliseconds.
#[track_caller]
pub(crate) fn sum_millis(sample: &Sample, circuit: &str) -> f64 {
    let name = "circuit_breaker_call_duration_seconds";
    match sample.snapshot.value(name, &[("circuit", circuit)]) {
        Some(Value::Histogram(histogram)) => histogram.sum() * 1000.0,
        other => panic!("{other:?}"),
    }
}

/// Calls by outcome: success, failure, timeout, rejected, cancelled.
pub(crate) fn outcomes(sample: &Sample, circuit: &str) -> [u64; 5] {
    ["success", "failure", "timeout", "rejected", "cancelled"].map(|outcome| {
        let labels = [("circuit", circuit), ("outcome", outcome)];
        number(sample, "circuit_breaker_calls_total", &labels) as u64
    })
}

/// The state whose gauge is 1, while the others are 0.
#[track_caller]
pub(crate) fn one_hot(sample: &Sample, circuit: &str) -> State {
    let states = [State::Closed, State::Open, State::HalfOpen];
    let value = |state: State| {
        let labels = [("circuit", circuit), ("state", state.label())];
        number(sample, "circuit_breaker_state", &labels)
    };
    let values = states.map(value);
    assert_eq!(values.iter().sum::<f64>(), 1.0, "{values:?}");
    let on = values.iter().position(|value| *value == 1.0);
    states[on.unwrap_or_else(|| panic!("{values:?}"))]
}

/// Returns the number of changes of a circuit from one state to another.
pub(crate) fn transitions(sample: &Sample, circuit: &str, from: State, to: State) -> u64 {
    let labels = [("circuit", circuit), ("from", from.label()), ("to", to.label())];
    number(sample, "circuit_breaker_transitions_total", &labels) as u64
}

/// The changes of state of a circuit in all.
pub(crate) fn all_transitions(sample: &Sample, circuit: &str) -> u64 {
    let family = sample.snapshot.family("circuit_breaker_transitions_total").unwrap();
    let own = family.series().filter(|(labels, _)| labels.get("circuit") == Some(circuit));
    own.map(|(_, value)| value.as_f64() as u64).sum()
}
