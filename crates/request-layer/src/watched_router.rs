//! An axum router whose requests are recorded by route template.
//!
//! A future around the router's own holds the measurement until there is a response, and the body
//! of the response holds it from then on. [`RouteRecorder`] says how the template is known.

use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::Request as AxumRequest;
use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use axum::response::Response as AxumResponse;
use axum::routing::future::RouteFuture;
use axum::{Router, ServiceExt};
use bytes::Bytes;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::measurement::{Holder, Measurement};
use crate::recorded_body::{RecordedBody, watch_in_place};
use crate::recorder::Recorder;
use crate::route_recorder::{FollowedRoute, RouteRecorder};

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
    router: Router,
    routes: RouteRecorder,
}

impl WatchedRouter {
    pub(crate) fn new(recorder: Arc<Recorder>, router: Router) -> Self {
        // axum makes routes of handlers when it has the state, else again for each request.
        let router = router.with_state(());
        let routes = RouteRecorder::new(recorder, &router);
        Self { router, routes }
    }

    /// Makes the service that `axum::serve` takes, and axum-server.
    pub fn into_make_service(self) -> MakeWatchedRouter {
        MakeWatchedRouter { service: self.into_axum_service() }
    }

    /// Makes the service that `axum::serve` takes, and gives each request the address of its client,
    /// as axum's `ConnectInfo`.
    ///
    /// ```
    /// use axum::{Router, extract::ConnectInfo, routing::get};
    /// use node0_metrics_core::Registry;
    /// use node0_request_layer::RequestLayer;
    /// use std::net::SocketAddr;
    ///
    /// let me = async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.to_string();
    /// let app = RequestLayer::register(&Registry::new())?.wrap(Router::new().route("/me", get(me)));
    /// let service = app.into_make_service_with_connect_info::<SocketAddr>();
    /// # drop(service);
    /// # Ok::<(), node0_metrics_core::RegisterError>(())
    /// ```
    pub fn into_make_service_with_connect_info<C>(
        self,
    ) -> IntoMakeServiceWithConnectInfo<AxumService, C> {
        ServiceExt::<AxumRequest>::into_make_service_with_connect_info(self.into_axum_service())
    }

    /// Makes a service that answers with axum's type of body.
    pub fn into_axum_service(self) -> AxumService {
        AxumService { router: self }
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
    type Future = WatchedFuture;

    #[inline]
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, mut request: Request<B>) -> WatchedFuture {
        let (start, route) = self.routes.start(&mut request);
        let measurement = match start.method {
            None => Measurement::none(),
            Some(_) => {
                let recorder = self.routes.recorder().clone();
                let now = recorder.now();
                Measurement::start(recorder, now, start)
            }
        };
        let mut exposing = None;
        let router = match route.is_followed() {
            true => exposing.insert(self.routes.exposing().clone()),
            false => &mut self.router,
        };
        // A router runs no handler and no layer before the first poll, so nothing panics here.
        WatchedFuture { inner: router.call(request), measurement, route }
    }
}

pin_project! {
    /// The response future of a [`WatchedRouter`].
    pub struct WatchedFuture {
        #[pin]
        inner: RouteFuture<Infallible>,
        measurement: Measurement,
        route: FollowedRoute,
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
    type Output = Result<Response<RecordedBody<Body>>, Infallible>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let poll = this.route.begin_poll(this.measurement);
        let polled = this.inner.poll(cx);
        poll.end();
        polled.map_ok(|response| RecordedBody::watch(response, this.measurement))
    }
}

/// Makes an [`AxumService`] for each connection of `axum::serve`.
#[derive(Clone, Debug)]
pub struct MakeWatchedRouter {
    service: AxumService,
}

impl<T> Service<T> for MakeWatchedRouter {
    type Response = AxumService;
    type Error = Infallible;
    type Future = Ready<Result<AxumService, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: T) -> Self::Future {
        ready(Ok(self.service.clone()))
    }
}

/// A [`WatchedRouter`] that answers with axum's own type of body.
///
/// `axum::serve` takes no other. axum's body is a boxed one, so each response costs one more
/// allocation than with http-glue's `serve`.
#[derive(Clone, Debug)]
pub struct AxumService {
    router: WatchedRouter,
}

impl<B> Service<Request<B>> for AxumService
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = AxumResponse;
    type Error = Infallible;
    type Future = AxumFuture;

    #[inline]
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, request: Request<B>) -> AxumFuture {
        AxumFuture { inner: self.router.call(request) }
    }
}

pin_project! {
    /// The response future of an [`AxumService`].
    #[derive(Debug)]
    pub struct AxumFuture {
        #[pin]
        inner: WatchedFuture,
    }
}

impl Future for AxumFuture {
    type Output = Result<AxumResponse, Infallible>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project().inner.project();
        let poll = this.route.begin_poll(this.measurement);
        let mut polled = this.inner.poll(cx);
        poll.end();
        if let Poll::Ready(Ok(response)) = &mut polled {
            watch_in_place(response, this.measurement);
        }
        polled
    }
}
