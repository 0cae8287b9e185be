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
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;

use axum::extract::MatchedPath;
use http::Request;
use tower_layer::Layer;
use tower_service::Service;

use crate::measurement::{Holder, Measurement};
use crate::templates::Template;

thread_local! {
    static MATCHED: Cell<Option<MatchedPath>> = const { Cell::new(None) };
}

/// Returns `true` if no outer router has matched a part of the request's path before.
#[inline]
pub(crate) fn is_outermost<B>(request: &Request<B>) -> bool {
    request.extensions().get::<MatchedPath>().is_none()
}

/// A route whose template an [`ExposeRoute`] may expose in the first poll of a request.
#[derive(Debug)]
pub(crate) struct AwaitedRoute {
    /// The template that the path matches, as far as we know.
    pub(crate) expected: Option<Arc<Template>>,
}

impl AwaitedRoute {
    /// Runs the first `poll` of a request, and sets the route that it exposes.
    #[cold]
    pub(crate) fn poll<H: Holder, T>(
        self,
        measurement: &mut Measurement<H>,
        poll: impl FnOnce() -> T,
    ) -> T {
        let (polled, matched) = catch_with_route(poll);
        if let Some(matched) = matched {
            let route = measurement.matched(matched.as_str());
            self.expected.iter().for_each(|template| template.compare(matched.as_str(), route));
        }
        // The panic goes on to the caller; the measurement records it when it is dropped.
        measurement.poll(|| polled.unwrap_or_else(|panic| resume_unwind(panic)))
    }
}

/// Runs `poll`, and returns its result with the template that an [`ExposeRoute`] exposed meanwhile.
///
/// A panic of `poll` is caught and returned as the result, so that the template is not lost.
fn catch_with_route<T>(poll: impl FnOnce() -> T) -> (thread::Result<T>, Option<MatchedPath>) {
    // A recorded router may be nested in a route of another one: the outer template is restored.
    let outer = swap(None);
    let polled = catch_unwind(AssertUnwindSafe(poll));
    (polled, swap(outer))
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
