//! An axum router whose requests are recorded by route template.
//!
//! The router is kept twice: as the host made it (`plain`), and with a layer in each
//! route that exposes the route's template (`exposing`), which costs one allocation for
//! each request. The first request to a path goes through `exposing`. If the path
//! equals its template (`/orders`, without parameters), the pair is remembered, since
//! the same path always matches the same template: later requests to it go through
//! `plain` and cost one lookup in a table. Paths with parameters, and paths that
//! no route matches, always go through `exposing`.

use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::future::RouteFuture;
use bytes::Bytes;
use http::Request;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::matched_route::ExposeRoute;
use super::measurement::Measurement;
use super::method::KnownMethod;
use super::recorded_body::RecordedBody;
use super::recorder::{Outcome, Recorder, RouteId};
use super::request_layer::{RequestFuture, Template, is_outermost};

/// A router whose requests are recorded; made by [`RequestLayer::wrap`](crate::RequestLayer::wrap).
///
/// Serve it with [`serve`](crate::serve()), or with `axum::serve` through
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
    recorder: Arc<Recorder>,
}

impl WatchedRouter {
    pub(super) fn new(recorder: Arc<Recorder>, router: Router) -> Self {
        let exposing = router.clone().layer(ExposeRoute);
        Self { forms: Arc::new(Forms { plain: router, exposing, recorder }) }
    }

    /// Makes the service that `axum::serve` takes.
    ///
    /// Its responses have axum's own body type. Boxing the recorded body into it costs one more
    /// allocation per request.
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
    type Response = Response<RecordedBody<Body>>;
    type Error = Infallible;
    type Future = RequestFuture<RouteFuture<Infallible>>;

    #[inline]
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Forms { plain, exposing, recorder } = &*self.forms;
        if !recorder.registry.is_measuring() {
            return RequestFuture::unwatched(plain.clone().call(request));
        }
        let is_whole = is_outermost(&request);
        let known = is_whole.then(|| recorder.static_route(request.uri().path())).flatten();
        let (router, route, template) = match known {
            Some(route) => (plain, route, Template::Known),
            None => (exposing, RouteId::UNMATCHED, Template::Awaited { is_whole }),
        };
        let method = KnownMethod::of(request.method());
        let mut measurement = Measurement::start(recorder.clone(), method, route);
        measurement.if_dropped(Outcome::Panicked);
        RequestFuture::watching(router.clone().call(request), measurement, template)
    }
}

/// Makes a [`BoxedRouter`] for each connection of `axum::serve`.
#[derive(Clone, Debug)]
pub struct MakeWatchedRouter {
    router: WatchedRouter,
}

impl<T> Service<T> for MakeWatchedRouter {
    type Response = BoxedRouter;
    type Error = Infallible;
    type Future = Ready<Result<BoxedRouter, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: T) -> Self::Future {
        ready(Ok(BoxedRouter { router: self.router.clone() }))
    }
}

/// A [`WatchedRouter`] whose responses have axum's own body type.
#[derive(Clone, Debug)]
pub struct BoxedRouter {
    router: WatchedRouter,
}

impl Service<Request<Body>> for BoxedRouter {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxedFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> BoxedFuture {
        BoxedFuture { inner: self.router.call(request) }
    }
}

pin_project! {
    /// The response future of a [`BoxedRouter`].
    #[derive(Debug)]
    pub struct BoxedFuture {
        #[pin]
        inner: RequestFuture<RouteFuture<Infallible>>,
    }
}

impl Future for BoxedFuture {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().inner.poll(cx).map_ok(|response| response.map(RecordedBody::boxed))
    }
}
