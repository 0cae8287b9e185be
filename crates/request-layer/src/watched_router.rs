//! An axum router whose requests are recorded by route template.
//!
//! The router is kept twice: as the host made it (`plain`), and with a layer in each route that
//! exposes the route's template (`exposing`), which costs three allocations for each request. The
//! first request to a template goes through `exposing`. Later ones go through `plain`: a path
//! that equals its template (`/orders`, without parameters) is found in a hash table, and one with
//! parameters by [`Templates`]. Paths that no route matches always go through `exposing`.

use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::response::Response;
use axum::routing::future::RouteFuture;
use bytes::Bytes;
use http::Request;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::matched_route::{AwaitedRoute, ExposeRoute, is_outermost};
use crate::measurement::Measurement;
use crate::method::KnownMethod;
use crate::recorded_body::watch_in_place;
use crate::recorder::{Outcome, Recorder, RouteId};
use crate::templates::Templates;

/// A router whose requests are recorded; made by [`RequestLayer::wrap`](crate::RequestLayer::wrap).
///
/// Serve it with http-glue's `serve`, or with `axum::serve` through
/// [`WatchedRouter::into_make_service`].
///
/// If the router contains another one as a service (by `nest_service` or as a
/// fallback), the templates of the inner router are not known. Join the two with
/// `Router::merge`, or wrap the inner router instead of the outer one: if both are
/// wrapped, a request to the inner one is recorded twice.
#[derive(Clone)]
pub struct WatchedRouter {
    forms: Arc<Forms>,
}

struct Forms {
    plain: Router,
    exposing: Router,
    templates: Templates,
    recorder: Arc<Recorder>,
}

impl WatchedRouter {
    pub(crate) fn new(recorder: Arc<Recorder>, router: Router) -> Self {
        let exposing = router.clone().layer(ExposeRoute);
        let templates = Templates::of(&router);
        Self { forms: Arc::new(Forms { plain: router, exposing, templates, recorder }) }
    }

    /// Makes the service that `axum::serve` takes.
    pub fn into_make_service(self) -> MakeWatchedRouter {
        MakeWatchedRouter { router: self }
    }
}

impl fmt::Debug for WatchedRouter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchedRouter").finish_non_exhaustive()
    }
}

impl<B> Service<Request<B>> for WatchedRouter
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = WatchedFuture;

    #[inline]
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, request: Request<B>) -> WatchedFuture {
        let (router, measurement, awaited) = self.forms.start(&request);
        // A router runs no handler and no layer before the first poll, so nothing panics here.
        WatchedFuture { inner: router.clone().call(request), measurement, awaited }
    }
}

impl Forms {
    /// Starts the measurement of a request, and chooses the router that answers it.
    #[inline]
    fn start<B>(
        &self,
        request: &Request<B>,
    ) -> (&Router, Option<Measurement>, Option<AwaitedRoute>) {
        let recorder = &self.recorder;
        if !recorder.registry.is_measuring() {
            return (&self.plain, None, None);
        }
        let method = KnownMethod::of(request.method());
        let start = |route| Some(Measurement::start(recorder.clone(), method, route));
        let is_whole = is_outermost(request);
        let path = request.uri().path();
        if is_whole && let Some(route) = recorder.static_route(path) {
            return (&self.plain, start(route), None);
        }
        let template = is_whole.then(|| self.templates.at(path)).flatten();
        if let Some(route) = template.and_then(|template| template.route()) {
            return (&self.plain, start(route), None);
        }
        let awaited = AwaitedRoute { is_whole, expected: template.cloned() };
        (&self.exposing, start(RouteId::UNMATCHED), Some(awaited))
    }
}

pin_project! {
    /// The response future of a [`WatchedRouter`].
    pub struct WatchedFuture {
        #[pin]
        inner: RouteFuture<Infallible>,
        measurement: Option<Measurement>,
        awaited: Option<AwaitedRoute>,
    }
}

impl fmt::Debug for WatchedFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchedFuture")
            .field("measurement", &self.measurement)
            .finish_non_exhaustive()
    }
}

impl Future for WatchedFuture {
    type Output = Result<Response, Infallible>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(measurement) = this.measurement else { return this.inner.poll(cx) };
        measurement.if_dropped(Outcome::Panicked);
        let mut polled = match this.awaited.take() {
            None => this.inner.poll(cx),
            Some(awaited) => awaited.poll(measurement, || this.inner.poll(cx)),
        };
        measurement.if_dropped(Outcome::Cancelled);
        // The response stays where it is: moving it would cost as much as the records.
        if let Poll::Ready(Ok(response)) = &mut polled
            && let Some(measurement) = this.measurement.take()
        {
            watch_in_place(response, measurement);
        }
        polled
    }
}

/// Makes a [`WatchedRouter`] for each connection of `axum::serve`.
#[derive(Clone, Debug)]
pub struct MakeWatchedRouter {
    router: WatchedRouter,
}

impl<T> Service<T> for MakeWatchedRouter {
    type Response = WatchedRouter;
    type Error = Infallible;
    type Future = Ready<Result<WatchedRouter, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: T) -> Self::Future {
        ready(Ok(self.router.clone()))
    }
}
