//! An axum router whose requests are recorded by route template.
//!
//! The router is kept in two forms. In one, every route exposes its template,
//! which costs an allocation for each request. The other is the router as the
//! host made it. The template that matches a path depends on the path alone, so
//! it needs to be found once: a path that equals its template (`/orders`, without
//! parameters) goes through the second form from then on, and costs no more than
//! a look into a table of such paths. Paths with parameters, and those that
//! no route matches, go through the first form.

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
/// It is served by [`serve`](crate::serve()), or by `axum::serve` through
/// [`WatchedRouter::into_make_service`].
///
/// The templates of a router inside another one, by `nest_service` or as a
/// fallback, are not known: wrap the inner router, or merge the two.
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
    /// It has axum's own body in its responses, which costs an allocation more per request.
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

/// Hands a [`WatchedRouter`] to each connection of `axum::serve`.
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

/// A [`WatchedRouter`] with axum's own body in its responses.
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
    /// The response of a [`BoxedRouter`].
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
