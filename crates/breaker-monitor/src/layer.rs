//! A tower layer that records the calls of a service, with a breaker in it or without.
//!
//! A call lasts from `call` to the end of its future. If the future is dropped before, the call
//! is counted as cancelled; so is a call that panics, since it has no result to classify. An
//! error of `poll_ready` belongs to no call and is only passed on.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::call::{Call, Outcome};
use crate::circuit::Circuit;
use crate::verdict::Slot;

/// Turns the result of a call into its outcome.
///
/// Implement it for a type of your own, or pass a closure that takes a result of references.
pub trait Classify<Response, Error> {
    /// Returns the outcome of a result.
    fn classify(&self, result: Result<&Response, &Error>) -> Outcome;
}

impl<F, Response, Error> Classify<Response, Error> for F
where
    F: Fn(Result<&Response, &Error>) -> Outcome,
{
    fn classify(&self, result: Result<&Response, &Error>) -> Outcome {
        self(result)
    }
}

/// Classifies every error as a failure of the kind `error`, and everything else as a success.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErrorsFail;

impl<Response, Error> Classify<Response, Error> for ErrorsFail {
    fn classify(&self, result: Result<&Response, &Error>) -> Outcome {
        result.map_or(Outcome::Failure("error"), |_| Outcome::Success)
    }
}

/// Records each call of a service on a [`Circuit`]; costs two clock readings a call.
///
/// Nothing is recorded while measuring is switched off
/// ([`Registry::set_measuring`](node0_metrics_core::Registry::set_measuring)).
///
/// ```
/// use node0_breaker_monitor::{BreakerMonitor, Outcome, RecordLayer, Thresholds};
/// use node0_metrics_core::Registry;
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let registry = Registry::new();
/// let monitor = BreakerMonitor::register(&registry)?;
/// let circuit = monitor.circuit("payment-service", Thresholds::default())?;
///
/// let layer = RecordLayer::new(&circuit).classify(|result: Result<&u16, &&str>| match result {
///     Ok(status) if *status < 500 => Outcome::Success,
///     Ok(_) => Outcome::Failure("response"),
///     Err(error) if *error == "deadline" => Outcome::Timeout,
///     Err(_) => Outcome::Failure("connect"),
/// });
/// let service = layer.layer(service_fn(|status| async move { Ok::<u16, &str>(status) }));
/// service.clone().oneshot(204).await?;
/// service.oneshot(503).await?;
///
/// let metrics = monitor.metrics(&registry.read(), "payment-service").unwrap();
/// assert_eq!((metrics.successes, metrics.failures), (1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RecordLayer<C = ErrorsFail> {
    pub(crate) circuit: Circuit,
    classifier: C,
}

impl RecordLayer {
    /// Records on a circuit; every error is a failure of the kind `error`.
    #[must_use]
    pub fn new(circuit: &Circuit) -> Self {
        Self::with(circuit.clone(), ErrorsFail)
    }
}

impl<C> RecordLayer<C> {
    /// Replaces the classifier of results; [`ErrorsFail`] by default.
    #[must_use]
    pub fn classify<New, Response, Error>(self, classifier: New) -> RecordLayer<New>
    where
        New: Classify<Response, Error>,
    {
        RecordLayer::with(self.circuit, classifier)
    }

    pub(crate) fn with(circuit: Circuit, classifier: C) -> Self {
        Self { circuit, classifier }
    }
}

impl<S, C: Clone> Layer<S> for RecordLayer<C> {
    type Service = RecordService<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        RecordService { inner, circuit: self.circuit.clone(), classifier: self.classifier.clone() }
    }
}

/// The service of a [`RecordLayer`].
#[derive(Clone, Debug)]
pub struct RecordService<S, C = ErrorsFail> {
    inner: S,
    circuit: Circuit,
    classifier: C,
}

impl<S, C, Request> Service<Request> for RecordService<S, C>
where
    S: Service<Request>,
    C: Classify<S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = RecordFuture<S::Future, C>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // Starts before the inner call, which may already do its work there.
        let call = self.circuit.0.registry.is_measuring().then(|| self.circuit.start());
        let inner = self.inner.call(request);
        let slot = Slot::new(&self.circuit);
        RecordFuture { inner, call, slot, classifier: self.classifier.clone() }
    }
}

pin_project! {
    /// A call of a [`RecordService`]; dropping it early records it as cancelled.
    #[derive(Debug)]
    #[must_use = "a future does nothing unless it is polled"]
    pub struct RecordFuture<F, C = ErrorsFail> {
        #[pin]
        inner: F,
        // `None` after the end, and while measuring is off.
        call: Option<Call>,
        // Kept between polls: a fallback is polled for longer than the rejection that it answers.
        slot: Slot,
        classifier: C,
    }
}

impl<F, C, Response, Error> Future for RecordFuture<F, C>
where
    F: Future<Output = Result<Response, Error>>,
    C: Classify<Response, Error>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let polling = this.slot.enter();
        let polled = this.inner.poll(cx);
        drop(polling);
        let result = ready!(polled);
        if let Some(call) = this.call.take() {
            call.end(this.slot.settle(this.classifier.classify(result.as_ref())));
        }
        Poll::Ready(result)
    }
}
