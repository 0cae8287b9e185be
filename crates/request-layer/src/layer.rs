//! The tower layer that records requests.
//!
//! A plain struct wraps the service as a whole, so a request costs only two clock
//! readings and the records. `Router::layer` boxes the future of every route once more, which costs
//! nearly three times as much as the recording.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::MatchedPath;
use http::{Request, Response};
use http_body::Body;
use node0_metrics_core::{Counter, Latency, RegisterError, Registry};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::matched_route::{ExposingRoute, ServicePoll};
use crate::measurement::{Holder, Measurement};
use crate::method::KnownMethod;
use crate::recorded_body::RecordedBody;
use crate::recorded_once;
use crate::recorder::{Outcome, Recorder, RouteId};
use crate::route_recorder::{RouteRecorder, Start};
use crate::traces::{FollowedTrace, Traces};
use crate::watched_router::WatchedRouter;

/// Records method, route template, status, duration and requests in flight.
///
/// Each request is recorded once: when the body of its response ends or is
/// dropped. For an axum router, use [`RequestLayer::wrap`]:
///
/// ```
/// use axum::{Router, routing::get};
/// use node0_request_layer::RequestLayer;
/// use node0_metrics_core::Registry;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let registry = Registry::new();
/// let router = Router::new().route("/orders/{id}", get(|| async { "an order" }));
/// let app = RequestLayer::register(&registry)?.wrap(router);
///
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
/// axum::serve(listener, app.into_make_service()).await?;
/// # Ok(())
/// # }
/// ```
///
/// While measuring is switched off by [`Registry::set_measuring`], requests are not recorded.
#[derive(Clone, Debug)]
pub struct RequestLayer {
    recorder: Arc<Recorder>,
}

impl RequestLayer {
    /// Registers the metrics of requests.
    ///
    /// # Errors
    /// [`RegisterError`] when the registry has its maximum of metric names, or when one of
    /// the names is registered with another description.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self { recorder: Arc::new(Recorder::new(registry)?) })
    }

    /// Records all requests into these two handles too, as one operation; into none by default.
    ///
    /// Register the handles under the names [`REQUEST_OPERATION`](crate::REQUEST_OPERATION) and
    /// [`REQUESTS_OPERATION`](crate::REQUESTS_OPERATION). Clones of the layer share them. Only
    /// the first call has an effect.
    #[must_use]
    pub fn operation(self, latency: Latency, throughput: Counter) -> Self {
        self.recorder.operation.get_or_init(|| (latency, throughput));
        self
    }

    /// Counts the requests of the [operation](Self::operation) that failed; by default they are not
    /// counted.
    ///
    /// A request failed if it was answered with a status of 500 or above, or not at all because the
    /// service panicked or its body broke. Clones of the layer share the counter. Only the first call
    /// has an effect.
    #[must_use]
    pub fn failures(self, failures: Counter) -> Self {
        self.recorder.failures.get_or_init(|| failures);
        self
    }

    /// Keeps requests to these routes out of the [operation](Self::operation); they are still recorded
    /// under their route. By default all routes are in.
    ///
    /// Routes are named by their templates, such as `/healthz` and `/files/{*path}`; one that ends in
    /// `*` without braces names all that begin so, such as `/internal/*`. Clones of the layer share
    /// them. Call it before the first request; only the first call has an effect.
    ///
    /// ```
    /// use node0_metrics_core::Registry;
    /// use node0_request_layer::RequestLayer;
    ///
    /// let requests = RequestLayer::register(&Registry::new())?.ignore(["/healthz", "/internal/*"]);
    /// # drop(requests);
    /// # Ok::<(), node0_metrics_core::RegisterError>(())
    /// ```
    #[must_use]
    pub fn ignore<R: Into<Box<str>>>(self, routes: impl IntoIterator<Item = R>) -> Self {
        self.recorder.ignore(routes.into_iter().map(Into::into).collect());
        self
    }

    /// Keeps requests to one more route out of the operation, from now on, and those that have not
    /// ended: for endpoints that say themselves that they are no work of the service.
    pub fn set_aside(&self, template: &str) {
        self.recorder.set_aside(template);
    }

    /// Sets the time after its head from which on a body of unknown length is a stream, and its
    /// request counts by the time to the head; 5 s by default.
    ///
    /// Clones of the layer share it. Only the first call has an effect.
    #[must_use]
    pub fn streams_after(self, length: Duration) -> Self {
        self.recorder.streams_after.get_or_init(|| length);
        self
    }

    /// Makes the trace of a request an exemplar of its duration; by default requests have none.
    ///
    /// Clones of the layer share it. Only the first call has an effect. For timers,
    /// set it in the registry too: see [`Traces`].
    #[must_use]
    pub fn traces(self, traces: Traces) -> Self {
        self.recorder.traces.get_or_init(|| traces);
        self
    }

    /// Returns what a server needs to record the requests to a router by itself.
    pub fn routes(&self, router: &Router) -> RouteRecorder {
        RouteRecorder::new(self.recorder.clone(), router)
    }

    /// Records all requests to a router, by their route templates.
    pub fn wrap(&self, router: Router) -> WatchedRouter {
        WatchedRouter::new(self.recorder.clone(), router)
    }
}

impl<S> Layer<S> for RequestLayer {
    type Service = RequestWatch<S>;

    /// Records all requests to any HTTP service.
    ///
    /// As a layer of an axum router, `router.layer(requests)`, it knows the routes that were added
    /// before, nested ones too. Then the router boxes the future of each request once more: a request
    /// takes 130 to 160 ns more than without the layer, instead of 100 to 120 ns with
    /// [`RequestLayer::wrap`] and 45 ns in http-glue's server. If the router is wrapped as well, or
    /// the server records it, only that is recorded, and the layer does nothing.
    ///
    /// Around another service, route templates are known if that contains an axum router with an
    /// [`ExposeRoute`](crate::ExposeRoute) layer; otherwise every request has the route
    /// [`UNMATCHED`](crate::UNMATCHED).
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use node0_metrics_core::Registry;
    /// use node0_request_layer::RequestLayer;
    ///
    /// let requests = RequestLayer::register(&Registry::new())?;
    /// let app: Router = Router::new().route("/orders/{id}", get(|| async { "tea" })).layer(requests);
    /// # Ok::<(), node0_metrics_core::RegisterError>(())
    /// ```
    fn layer(&self, inner: S) -> RequestWatch<S> {
        self.recorder.places.add_layer();
        RequestWatch { inner, recorder: self.recorder.clone() }
    }
}

/// A service whose requests are recorded; made by `RequestLayer::layer`.
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
        let is_recorded = self.recorder.registry.is_measuring()
            && !recorded_once::is_marked(&request, &self.recorder);
        let mut measurement = match is_recorded {
            false => Measurement::none(),
            true => {
                let method = Some(KnownMethod::of(request.method()));
                // A layer of an axum router is called once the router has matched the path.
                let matched = request.extensions().get::<MatchedPath>();
                let route = matched.map(|matched| self.recorder.route(matched.as_str()));
                let start = Start { method, route: route.unwrap_or(RouteId::UNMATCHED) };
                let now = self.recorder.now();
                Measurement::start(self.recorder.clone(), now, start)
            }
        };
        let trace = match self.recorder.traces.get() {
            Some(traces) if measurement.is_recording() => traces.follow(request.headers()),
            _ => None,
        };
        measurement.begin_poll();
        let inner = self.inner.call(request);
        measurement.end_poll();
        RequestFuture { inner, measurement, is_polled: false, trace: trace.map(Box::new) }
    }
}

pin_project! {
    /// The response future of a service whose requests are recorded.
    pub struct RequestFuture<F> {
        #[pin]
        inner: F,
        measurement: Measurement,
        is_polled: bool,
        trace: Option<Box<FollowedTrace>>,
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
        let measurement = this.measurement;
        let route = match mem::replace(this.is_polled, true) {
            false => ExposingRoute::Yes(None),
            true => ExposingRoute::No,
        };
        let poll = match (route, this.trace.as_deref_mut()) {
            (ExposingRoute::No, None) => ServicePoll::begin(measurement),
            (route, trace) => ServicePoll::begin_exposing(measurement, route, trace),
        };
        let polled = this.inner.poll(cx);
        poll.end();
        let Poll::Ready(result) = polled else { return Poll::Pending };
        Poll::Ready(match result {
            Ok(response) => Ok(RecordedBody::watch(response, measurement)),
            Err(error) => {
                measurement.end(Outcome::Failed);
                Err(error)
            }
        })
    }
}
