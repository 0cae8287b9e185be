//! The floor of a request: what any layer does that times requests.
//!
//! A layer has to return a future of its own, which holds the one of the router and what it knows
//! of the request, and then a body of its own, to see its end. `axum::serve` takes boxed bodies
//! only. The second floor also reads the clock twice, and records into one latency and one counter
//! whose handles it holds. Neither knows a route, a method or a status, or counts requests in
//! flight.

use std::convert::Infallible;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::response::Response;
use bytes::Bytes;
use http::Request;
use http_body::{Body, Frame, SizeHint};
use metrics_core::{Counter, Desc, Latency, Moment, RegisterError, Registry};
use pin_project_lite::pin_project;
use tower_service::Service;

const DURATION: Desc = Desc::latency("floor_duration_seconds", "Requests.");
const REQUESTS: Desc = Desc::counter("floor_requests_total", "Requests.");

/// A router with a future around its own.
#[derive(Clone, Debug)]
pub struct RequestFloor {
    router: Router,
    records: Arc<Records>,
}

#[derive(Debug)]
struct Records {
    registry: Registry,
    duration: Latency,
    requests: Counter,
}

/// What a layer keeps of a request that has not ended.
#[derive(Debug)]
struct Running {
    records: Arc<Records>,
    start: Option<Moment>,
}

impl RequestFloor {
    /// # Errors
    /// Fails when the registry has the names already.
    pub fn new(registry: &Registry, router: Router) -> Result<Self, RegisterError> {
        let duration = registry.latency(&DURATION, &[])?;
        let requests = registry.counter(&REQUESTS, &[])?;
        let records = Arc::new(Records { registry: registry.clone(), duration, requests });
        Ok(Self { router, records })
    }

    /// Calls the router; with `records` it also reads the clock and records.
    #[inline]
    pub fn call<B>(
        &mut self,
        request: Request<B>,
        records: bool,
    ) -> FloorFuture<<Router as Service<Request<B>>>::Future>
    where
        Router: Service<Request<B>>,
    {
        let start = records.then(|| self.records.registry.clock().now());
        let running = Some(Running { records: self.records.clone(), start });
        FloorFuture { inner: self.router.call(request), running }
    }
}

pin_project! {
    /// The future of a [`RequestFloor`].
    #[derive(Debug)]
    pub struct FloorFuture<F> {
        #[pin]
        inner: F,
        running: Option<Running>,
    }
}

impl<F> Future for FloorFuture<F>
where
    F: Future<Output = Result<Response, Infallible>>,
{
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let mut polled = this.inner.poll(cx);
        if let Poll::Ready(Ok(response)) = &mut polled {
            let inner = mem::take(response.body_mut());
            *response.body_mut() =
                axum::body::Body::new(FloorBody { inner, running: this.running.take() });
        }
        polled
    }
}

pin_project! {
    /// The body of a response.
    struct FloorBody {
        #[pin]
        inner: axum::body::Body,
        running: Option<Running>,
    }
}

impl Body for FloorBody {
    type Data = Bytes;
    type Error = axum::Error;

    #[inline]
    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut this = self.project();
        let polled = this.inner.as_mut().poll_frame(cx);
        if this.inner.is_end_stream() {
            this.running.take().iter().for_each(Running::end);
        }
        polled
    }

    #[inline]
    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    #[inline]
    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Running {
    #[inline]
    fn end(&self) {
        if let Self { records, start: Some(start) } = self {
            let clock = records.registry.clock();
            records.duration.record_nanos(clock.nanos_between(*start, clock.now()));
            records.requests.inc();
        }
    }
}
