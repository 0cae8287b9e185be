//! Exposes the template of a matched route to the layer around axum's router.
//!
//! axum provides the template (its `MatchedPath`) only to code inside a route, and
//! drops it before the response leaves the router. So a small layer inside each
//! route copies it into a thread-local slot. axum calls the route during the first
//! poll of the request, so the [`RequestFuture`] around the router finds the
//! template in the slot when that poll returns. This needs no allocation, and
//! the template is known even if the request is cancelled later.
//!
//! The cost is that axum boxes the future of each layered route once more: about 140 ns.
//! [`WatchedRouter`] avoids that for all requests but the first to each template.
//!
//! [`RequestFuture`]: crate::RequestFuture
//! [`WatchedRouter`]: crate::WatchedRouter

use std::cell::Cell;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::MatchedPath;
use http::Request;
use tower_layer::Layer;
use tower_service::Service;

use crate::measurement::{Holder, Measurement};
use crate::route_recorder::Routes;
use crate::trace_scope::Scope;
use crate::traces::FollowedTrace;

thread_local! {
    static MATCHED: Cell<Option<MatchedPath>> = const { Cell::new(None) };
}

/// Returns `true` if no outer router has matched a part of the request's path before.
#[inline]
pub(crate) fn is_outermost<B>(request: &Request<B>) -> bool {
    request.extensions().get::<MatchedPath>().is_none()
}

/// A poll of a request's service that may expose the route of the request, or its trace.
///
/// Dropping it sets both in the measurement, also when the poll panics.
#[must_use = "dropping it records a panic"]
#[derive(Debug)]
pub struct ServicePoll<'m, H: Holder> {
    measurement: &'m mut Measurement<H>,
    exposing: Option<Exposing<'m>>,
}

/// A poll after which what was exposed is taken from its slot.
#[derive(Debug)]
struct Exposing<'m> {
    route: Option<ExposedRoute>,
    /// The trace, and the scope around this poll.
    trace: Option<(&'m mut FollowedTrace, Scope)>,
}

#[derive(Debug)]
struct ExposedRoute {
    /// The route that was in the slot before: a recorded router may be nested in a route of another.
    outer: Option<MatchedPath>,
    guess: Option<Guess>,
}

/// The path of a request whose template is compared with the one that axum names.
#[derive(Debug)]
pub(crate) struct Guess {
    pub(crate) routes: Arc<Routes>,
    /// `None` if the path matches no template, as far as we know.
    pub(crate) path: Option<Box<str>>,
}

/// Tells whether the first poll of a service, or a later one, begins.
#[derive(Debug)]
pub(crate) enum ExposingRoute {
    /// The route is exposed, and compared with the guess if there is one.
    Yes(Option<Guess>),
    No,
}

impl<'m, H: Holder> ServicePoll<'m, H> {
    /// Begins a poll of a service whose route is known, or not asked for.
    #[inline(always)]
    pub(crate) fn begin(measurement: &'m mut Measurement<H>) -> Self {
        measurement.begin_poll();
        Self { measurement, exposing: None }
    }

    /// Begins a poll of a service that exposes its route, or its trace.
    #[cold]
    pub(crate) fn begin_exposing(
        measurement: &'m mut Measurement<H>,
        route: ExposingRoute,
        trace: Option<&'m mut FollowedTrace>,
    ) -> Self {
        measurement.begin_poll();
        let exposing = measurement.is_recording().then(|| Exposing {
            route: match route {
                ExposingRoute::Yes(guess) => Some(ExposedRoute { outer: swap(None), guess }),
                ExposingRoute::No => None,
            },
            trace: trace.map(|trace| {
                let outer = trace.begin();
                (trace, outer)
            }),
        });
        Self { measurement, exposing }
    }

    /// Ends a poll that did not panic.
    #[inline(always)]
    pub fn end(self) {
        self.measurement.end_poll();
    }
}

impl<H: Holder> Drop for ServicePoll<'_, H> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(exposing) = self.exposing.take() {
            exposing.end(self.measurement);
        }
    }
}

impl Exposing<'_> {
    #[cold]
    fn end<H: Holder>(self, measurement: &mut Measurement<H>) {
        if let Some((trace, outer)) = self.trace
            && let Some(context) = trace.end(outer)
        {
            measurement.set_trace(context);
        }
        if let Some(route) = self.route {
            route.end(measurement);
        }
    }
}

impl ExposedRoute {
    fn end<H: Holder>(self, measurement: &mut Measurement<H>) {
        let Some(matched) = swap(self.outer) else { return };
        let route = measurement.matched(matched.as_str());
        if let Some(Guess { routes, path: Some(path) }) = &self.guess
            && let Some(template) = routes.templates.at(path)
        {
            template.compare(matched.as_str(), route);
        }
    }
}

fn swap(matched: Option<MatchedPath>) -> Option<MatchedPath> {
    // The slot is gone only while a thread ends and runs its destructors.
    MATCHED.try_with(|slot| slot.replace(matched)).ok().flatten()
}

/// Exposes the route of a request to a [`RequestLayer`](crate::RequestLayer) around the router.
///
/// [`RequestLayer::wrap`](crate::RequestLayer::wrap) applies it by itself. Add it as
/// the outermost layer, `router.layer(ExposeRoute)`, if you put the router into a
/// `RequestLayer` as a plain service.
#[derive(Clone, Copy, Debug)]
pub struct ExposeRoute;

impl<S> Layer<S> for ExposeRoute {
    type Service = ExposeRouteService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ExposeRouteService { inner }
    }
}

/// The service of an [`ExposeRoute`].
#[derive(Clone, Debug)]
pub struct ExposeRouteService<S> {
    inner: S,
}

impl<S, B> Service<Request<B>> for ExposeRouteService<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        if let Some(matched) = request.extensions().get::<MatchedPath>() {
            swap(Some(matched.clone()));
        }
        self.inner.call(request)
    }
}
