//! The tower layer that records requests.
//!
//! The service is wrapped as a whole, by a plain struct, which adds nothing to a
//! request but two readings of the clock and the records. `Router::layer` would
//! box every route once more, which costs five times as much as the recording.

use std::fmt;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::MatchedPath;
use http::{Request, Response};
use http_body::Body;
use metrics_core::{Counter, Latency, RegisterError, Registry};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::matched_route::catch_with_route;
use super::measurement::Measurement;
use super::method::KnownMethod;
use super::recorded_body::RecordedBody;
use super::recorder::{Outcome, Recorder, RouteId};
use super::watched_router::WatchedRouter;

/// Records method, route template, status, duration and requests in flight.
///
/// Every request is recorded once, when its response's body has ended or was
/// given up. For an axum router, [`RequestLayer::wrap`] is the way:
///
/// ```
/// use axum::{Router, routing::get};
/// use http_glue::RequestLayer;
/// use metrics_core::Registry;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let registry = Registry::new();
/// let router = Router::new().route("/orders/{id}", get(|| async { "an order" }));
/// let app = RequestLayer::register(&registry)?.wrap(router);
///
/// let listener = http_glue::bind("127.0.0.1:3000").await?;
/// axum::serve(listener, app.into_make_service()).await?;
/// # Ok(())
/// # }
/// ```
///
/// While [`Registry::set_measuring`] is off, requests pass through unmeasured.
#[derive(Clone, Debug)]
pub struct RequestLayer {
    recorder: Arc<Recorder>,
}

impl RequestLayer {
    /// Registers the metrics of requests.
    ///
    /// # Errors
    /// [`RegisterError`] when the registry is out of names, or one of them is taken.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self { recorder: Arc::new(Recorder::new(registry)?) })
    }

    /// Records all requests into these handles too, as one operation; into none by default.
    ///
    /// [`REQUEST_OPERATION`](crate::REQUEST_OPERATION) and
    /// [`REQUESTS_OPERATION`](crate::REQUESTS_OPERATION) are the names to register them under.
    /// Clones share the handles. The first call decides, a second one changes nothing.
    #[must_use]
    pub fn operation(self, latency: Latency, throughput: Counter) -> Self {
        self.recorder.operation.get_or_init(|| (latency, throughput));
        self
    }

    /// Records all requests to a router, by their route templates.
    pub fn wrap(&self, router: Router) -> WatchedRouter {
        WatchedRouter::new(self.recorder.clone(), router)
    }
}

impl<S> Layer<S> for RequestLayer {
    type Service = RequestWatch<S>;

    /// Records all requests to any service.
    ///
    /// Routes are known where an axum router inside has an
    /// [`ExposeRoute`](crate::ExposeRoute); else they are [`UNMATCHED`](crate::UNMATCHED).
    fn layer(&self, inner: S) -> RequestWatch<S> {
        RequestWatch { inner, recorder: self.recorder.clone() }
    }
}

/// A service whose requests are recorded.
#[derive(Clone, Debug)]
pub struct RequestWatch<S> {
    inner: S,
    recorder: Arc<Recorder>,
}

impl<S, Req, Res> Service<Request<Req>> for RequestWatch<S>
where
    S: Service<Request<Req>, Response = Response<Res>>,
    Res: Body,
{
    type Response = Response<RecordedBody<Res>>;
    type Error = S::Error;
    type Future = RequestFuture<S::Future>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: Request<Req>) -> Self::Future {
        let is_whole = is_outermost(&request);
        if !self.recorder.registry.is_measuring() {
            return RequestFuture::unwatched(self.inner.call(request));
        }
        let method = KnownMethod::of(request.method());
        let mut measurement = Measurement::start(self.recorder.clone(), method, RouteId::UNMATCHED);
        measurement.if_dropped(Outcome::Panicked);
        let inner = self.inner.call(request);
        RequestFuture::watching(inner, measurement, Template::Awaited { is_whole })
    }
}

/// Returns true if no router around this service has matched a part of the request's path.
#[inline]
pub(super) fn is_outermost<B>(request: &Request<B>) -> bool {
    request.extensions().get::<MatchedPath>().is_none()
}

/// The source of the template of a request's route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Template {
    /// It is known before the request starts.
    Known,
    /// An [`ExposeRoute`](crate::ExposeRoute) may expose it in the first poll.
    Awaited { is_whole: bool },
}

pin_project! {
    /// The response of a service whose requests are recorded.
    pub struct RequestFuture<F> {
        #[pin]
        inner: F,
        measurement: Option<Measurement>,
        template: Template,
    }
}

impl<F> RequestFuture<F> {
    pub(super) fn unwatched(inner: F) -> Self {
        Self { inner, measurement: None, template: Template::Known }
    }

    pub(super) fn watching(inner: F, mut measurement: Measurement, template: Template) -> Self {
        measurement.if_dropped(Outcome::Cancelled);
        Self { inner, measurement: Some(measurement), template }
    }
}

impl<F> fmt::Debug for RequestFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestFuture")
            .field("measurement", &self.measurement)
            .finish_non_exhaustive()
    }
}

impl<F, B, E> Future for RequestFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
{
    type Output = Result<Response<RecordedBody<B>>, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(measurement) = this.measurement else {
            return this.inner.poll(cx).map_ok(|response| response.map(RecordedBody::unwatched));
        };
        measurement.if_dropped(Outcome::Panicked);
        let polled = match std::mem::replace(this.template, Template::Known) {
            Template::Known => this.inner.poll(cx),
            Template::Awaited { is_whole } => {
                let (polled, matched) = catch_with_route(|| this.inner.poll(cx));
                if let Some(matched) = matched {
                    measurement.matched(matched.as_str(), is_whole);
                }
                // The panic is recorded as the outcome, and handled by the caller as before.
                polled.unwrap_or_else(|panic| resume_unwind(panic))
            }
        };
        measurement.if_dropped(Outcome::Cancelled);
        let Poll::Ready(result) = polled else { return Poll::Pending };
        let Some(measurement) = this.measurement.take() else { return Poll::Pending };
        Poll::Ready(match result {
            Ok(response) => Ok(RecordedBody::watch(response, measurement)),
            Err(error) => {
                measurement.end(Outcome::Failed);
                Err(error)
            }
        })
    }
}
