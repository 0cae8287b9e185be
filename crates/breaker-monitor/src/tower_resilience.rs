//! Listens to breakers of [`tower_resilience_circuitbreaker`].
//!
//! Its events say when the state changes, and whether the breaker took a call
//! for a success or a failure; they say neither how long the call took nor that
//! it was cancelled. Its own rate is over a count that does not slide, and its
//! state gauge never clears. So [`watch`] listens, a [`BreakerLayer`] around the
//! breaker measures, and the numbers are ours.
//!
//! The two meet on the thread: the breaker emits its events while its future is
//! polled, so the layer's future notes on entering a poll which circuit it is of,
//! and a listener of the same circuit leaves the verdict there. Only the layer
//! counts calls. So each is counted once, and without the layer none is.
//!
//! ```
//! use breaker_monitor::tower_resilience::{BreakerLayer, watch};
//! use breaker_monitor::{BreakerMonitor, Thresholds};
//! use metrics_core::Registry;
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
//! let metrics = monitor.circuit_metrics(&registry.read(), "payment-service").unwrap();
//! assert_eq!(metrics.successes, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::cell::Cell;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_resilience_circuitbreaker::{
    CircuitBreakerConfigBuilder, CircuitBreakerError, CircuitState,
};
use tower_service::Service;

use crate::call::{Call, Outcome};
use crate::circuit::Circuit;
use crate::layer::{Classify, ErrorsFail};
use crate::state::State;

const REASON: &str = "reported by tower-resilience-circuitbreaker";

/// Has a breaker that is being built tell a circuit its changes of state and its verdicts.
///
/// Listeners of your own stay. Share one breaker among the clones of a service:
/// a layer built without a handle makes a breaker for each service that it
/// wraps, whose states would mix in one circuit.
pub fn watch<C>(
    builder: CircuitBreakerConfigBuilder<C>,
    circuit: &Circuit,
) -> CircuitBreakerConfigBuilder<C> {
    let id = id_of(circuit);
    let states = circuit.clone();
    builder
        .on_state_transition(move |from, to| {
            states.state_changed(state_of(from), state_of(to), REASON);
        })
        .on_success(move |_| leave(id, Verdict::Success))
        .on_failure(move |_| leave(id, Verdict::Failure))
        .on_call_rejected(move || leave(id, Verdict::Rejected))
}

fn state_of(state: CircuitState) -> State {
    match state {
        CircuitState::Closed => State::Closed,
        CircuitState::Open => State::Open,
        CircuitState::HalfOpen => State::HalfOpen,
    }
}

/// What a breaker took a call for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Success,
    Failure,
    Rejected,
}

/// The call that is being polled on this thread.
#[derive(Clone, Copy)]
struct Polled {
    /// The circuit that the call is of; 0 for none.
    circuit: usize,
    verdict: Option<Verdict>,
}

thread_local! {
    static POLLED: Cell<Polled> = const { Cell::new(Polled { circuit: 0, verdict: None }) };
}

/// Tells one circuit from another while both live.
fn id_of(circuit: &Circuit) -> usize {
    Arc::as_ptr(circuit.cells()).addr()
}

/// Leaves a verdict with the call that is being polled, if it is one of this circuit.
fn leave(circuit: usize, verdict: Verdict) {
    let polled = POLLED.get();
    if polled.circuit == circuit {
        POLLED.set(Polled { verdict: Some(verdict), ..polled });
    }
}

/// While it lives, verdicts on one circuit are for one call; calls inside of calls come back to the outer.
struct Polling {
    outer: Polled,
}

impl Polling {
    fn enter(circuit: usize) -> Self {
        Self { outer: POLLED.replace(Polled { circuit, verdict: None }) }
    }

    fn verdict(&self) -> Option<Verdict> {
        POLLED.get().verdict
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        POLLED.set(self.outer);
    }
}

/// Records the calls of a breaker on the [`Circuit`] that watches it, cancelled ones too.
///
/// It goes directly around a breaker that was built by way of [`watch`]. What
/// is a failure is for the breaker to say; which kind, or that it is a timeout,
/// is for the classifier. A rejected call whose fallback answers is rejected.
#[derive(Clone, Debug)]
pub struct BreakerLayer<C = ErrorsFail> {
    circuit: Circuit,
    classifier: C,
}

impl BreakerLayer {
    /// Takes every failure to be of the kind `error`.
    #[must_use]
    pub fn new(circuit: &Circuit) -> Self {
        Self { circuit: circuit.clone(), classifier: ErrorsFail }
    }
}

impl<C> BreakerLayer<C> {
    /// Lets a classifier tell kinds of failure, by the response or the inner service's error.
    #[must_use]
    pub fn classify<New, Response, Error>(self, classifier: New) -> BreakerLayer<New>
    where
        New: Classify<Response, Error>,
    {
        BreakerLayer { circuit: self.circuit, classifier }
    }
}

impl<S, C: Clone> Layer<S> for BreakerLayer<C> {
    type Service = BreakerService<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        BreakerService { inner, circuit: self.circuit.clone(), classifier: self.classifier.clone() }
    }
}

/// The service of a [`BreakerLayer`].
#[derive(Clone, Debug)]
pub struct BreakerService<S, C = ErrorsFail> {
    inner: S,
    circuit: Circuit,
    classifier: C,
}

impl<S, C, Request, Error> Service<Request> for BreakerService<S, C>
where
    S: Service<Request, Error = CircuitBreakerError<Error>>,
    C: Classify<S::Response, Error> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BreakerFuture<S::Future, C>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let call = self.circuit.measure();
        let inner = self.inner.call(request);
        let (circuit, classifier) = (id_of(&self.circuit), self.classifier.clone());
        BreakerFuture { inner, call, circuit, verdict: None, classifier }
    }
}

pin_project! {
    /// A call of a [`BreakerService`]; dropping it early records it as cancelled.
    #[must_use = "a future does nothing unless it is polled"]
    pub struct BreakerFuture<F, C = ErrorsFail> {
        #[pin]
        inner: F,
        // None when it has ended, and while measuring is off.
        call: Option<Call>,
        circuit: usize,
        verdict: Option<Verdict>,
        classifier: C,
    }
}

impl<F, C, Response, Error> Future for BreakerFuture<F, C>
where
    F: Future<Output = Result<Response, CircuitBreakerError<Error>>>,
    C: Classify<Response, Error>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let polling = Polling::enter(*this.circuit);
        let polled = this.inner.poll(cx);
        // A fallback is polled for longer than the rejection it answers for.
        *this.verdict = polling.verdict().or(*this.verdict);
        drop(polling);
        let result = ready!(polled);
        if let Some(call) = this.call.take() {
            call.end(outcome(*this.verdict, &result, this.classifier));
        }
        Poll::Ready(result)
    }
}

/// The breaker's verdict, in the classifier's words.
///
/// There is none where the breaker was not built by way of [`watch`], or was
/// polled elsewhere, such as behind a buffer: then the result has to do.
fn outcome<Response, Error>(
    verdict: Option<Verdict>,
    result: &Result<Response, CircuitBreakerError<Error>>,
    classifier: &impl Classify<Response, Error>,
) -> Outcome {
    let told = match result {
        Ok(response) => Ok(response),
        Err(CircuitBreakerError::Inner(error)) => Err(error),
        Err(CircuitBreakerError::OpenCircuit) => return Outcome::Rejected,
    };
    match (verdict, classifier.classify(told)) {
        (Some(Verdict::Rejected), _) => Outcome::Rejected,
        (Some(Verdict::Success), Outcome::Failure(_)) => Outcome::Success,
        (Some(Verdict::Failure), Outcome::Success) => Outcome::Failure("response"),
        (_, outcome) => outcome,
    }
}

impl<F, C> fmt::Debug for BreakerFuture<F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BreakerFuture")
            .field("call", &self.call)
            .field("verdict", &self.verdict)
            .finish_non_exhaustive()
    }
}
