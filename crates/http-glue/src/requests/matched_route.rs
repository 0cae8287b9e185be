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
//! [`WatchedRouter`] avoids that for most requests.
//!
//! [`RequestFuture`]: crate::RequestFuture
//! [`WatchedRouter`]: crate::WatchedRouter

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};
use std::thread;

use axum::extract::MatchedPath;
use http::Request;
use tower_layer::Layer;
use tower_service::Service;

thread_local! {
    static MATCHED: Cell<Option<MatchedPath>> = const { Cell::new(None) };
}

/// Runs `poll`, and returns its result with the template that an [`ExposeRoute`] exposed meanwhile.
///
/// A panic of `poll` is caught and returned as the result, so that the template is not lost.
pub(super) fn catch_with_route<T>(
    poll: impl FnOnce() -> T,
) -> (thread::Result<T>, Option<MatchedPath>) {
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
