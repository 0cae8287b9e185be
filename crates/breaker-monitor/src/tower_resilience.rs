//! Listens to breakers of [`tower_resilience_circuitbreaker`].
//!
//! The events of such a breaker report changes of state, and that a call succeeded, failed or was
//! rejected. They lack durations and cancellations. So two parts work together: [`watch`] listens
//! to the events, and a [`BreakerLayer`] around the breaker times the calls. Only the layer
//! counts calls, so without it no call is counted.
//!
//! The breaker's own numbers are not used, since the window of its failure rate does not slide
//! and its gauges of former states are not reset.
//!
//! ```
//! use node0_breaker_monitor::tower_resilience::{BreakerLayer, watch};
//! use node0_breaker_monitor::{BreakerMonitor, Thresholds};
//! use node0_metrics_core::Registry;
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_resilience_circuitbreaker::CircuitBreakerLayer;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! let registry = Registry::new();
//! let monitor = BreakerMonitor::register(&registry)?;
//! let circuit = monitor.circuit("payment-service", Thresholds::default())?;
//!
//! let breaker = watch(CircuitBreakerLayer::standard(), &circuit).build()?;
//! let service = ServiceBuilder::new()
//!     .layer(BreakerLayer::new(&circuit))
//!     .layer(breaker)
//!     .service(service_fn(|order: u32| async move { Ok::<u32, std::io::Error>(order) }));
//! assert_eq!(service.oneshot(7).await?, 7);
//!
//! let metrics = monitor.metrics(&registry.read(), "payment-service").unwrap();
//! assert_eq!(metrics.successes, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use tower_layer::Layer;
use tower_resilience_circuitbreaker::{
    CircuitBreakerConfigBuilder, CircuitBreakerError, CircuitState,
};

use crate::call::Outcome;
use crate::circuit::Circuit;
use crate::layer::{Classify, ErrorsFail, RecordLayer, RecordService};
use crate::state::State;

const REASON: &str = "reported by tower-resilience-circuitbreaker";

/// Adds listeners to the builder of a breaker, which report its events to a circuit.
///
/// Your own listeners stay. Share one breaker among the clones of a service: a layer that is
/// built without a handle creates a breaker for each service that it wraps, and their states
/// would be mixed in one circuit.
pub fn watch<C>(
    builder: CircuitBreakerConfigBuilder<C>,
    circuit: &Circuit,
) -> CircuitBreakerConfigBuilder<C> {
    let [states, success, failure, rejected] = std::array::from_fn(|_| circuit.clone());
    builder
        .on_state_transition(move |from, to| {
            states.state_changed(state_of(from), state_of(to), REASON);
        })
        .on_success(move |_| success.leave_verdict(Outcome::Success))
        .on_failure(move |_| failure.leave_verdict(Outcome::Failure("response")))
        .on_call_rejected(move || rejected.leave_verdict(Outcome::Rejected))
}

fn state_of(state: CircuitState) -> State {
    match state {
        CircuitState::Closed => State::Closed,
        CircuitState::Open => State::Open,
        CircuitState::HalfOpen => State::HalfOpen,
    }
}

/// Records the calls of a breaker on the [`Circuit`] that watches it, cancelled ones too.
///
/// Put it directly around a breaker that was built with [`watch`]. The breaker decides which
/// calls are failures; the classifier names the kind of a failure, or calls it a timeout. A
/// rejected call that a fallback answers counts as rejected.
///
/// If the breaker was not built with [`watch`], or is polled elsewhere, such as behind a buffer,
/// only the classifier decides.
#[derive(Clone, Debug)]
pub struct BreakerLayer<C = ErrorsFail> {
    record: RecordLayer<InnerErrors<C>>,
}

impl BreakerLayer {
    /// Records on a circuit; every failure is of the kind `error`.
    #[must_use]
    pub fn new(circuit: &Circuit) -> Self {
        Self { record: RecordLayer::with(circuit.clone(), InnerErrors(ErrorsFail)) }
    }
}

impl<C> BreakerLayer<C> {
    /// Names failures by the response, or by the inner service's error.
    #[must_use]
    pub fn classify<New, Response, Error>(self, classifier: New) -> BreakerLayer<New>
    where
        New: Classify<Response, Error>,
    {
        BreakerLayer { record: RecordLayer::with(self.record.circuit, InnerErrors(classifier)) }
    }
}

impl<S, C: Clone> Layer<S> for BreakerLayer<C> {
    type Service = RecordService<S, InnerErrors<C>>;

    fn layer(&self, inner: S) -> Self::Service {
        self.record.layer(inner)
    }
}

/// The classifier of a [`BreakerLayer`]: shows errors of the inner service to another classifier.
#[derive(Clone, Copy, Debug)]
pub struct InnerErrors<C>(C);

impl<C, Response, Error> Classify<Response, CircuitBreakerError<Error>> for InnerErrors<C>
where
    C: Classify<Response, Error>,
{
    fn classify(&self, result: Result<&Response, &CircuitBreakerError<Error>>) -> Outcome {
        match result {
            Ok(response) => self.0.classify(Ok(response)),
            Err(CircuitBreakerError::Inner(error)) => self.0.classify(Err(error)),
            Err(CircuitBreakerError::OpenCircuit) => Outcome::Rejected,
        }
    }
}
