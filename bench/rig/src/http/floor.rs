//! The floor of a request: what any layer does that times requests.
//!
//! A layer has to return a future of its own, which holds the one of the router and what it knows
//! of the request. The second floor also reads the clock twice, and records into one latency and
//! one counter whose handles it holds. Neither knows a route, a method or a status, counts
//! requests in flight or waits for the end of the body.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::response::Response;
use http::Request;
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
        let polled = this.inner.poll(cx);
        if polled.is_ready()
            && let Some(Running { records, start: Some(start) }) = this.running.take()
        {
            let clock = records.registry.clock();
            records.duration.record_nanos(clock.nanos_between(start, clock.now()));
            records.requests.inc();
        }
        polled
    }
}
