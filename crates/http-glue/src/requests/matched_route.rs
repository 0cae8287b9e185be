//! How a route's template gets out of axum's router.
//!
//! axum tells the template (its `MatchedPath`) only to what runs inside a
//! route, and has dropped it when the response comes out. A small layer inside
//! reads it there, and leaves it in a slot of the thread: axum calls a route in
//! the very poll that starts the request, so the [`RequestFuture`] around the
//! router finds it in the slot when that poll returns. That needs no
//! allocation, and the template is known even of a request that is cancelled.
//!
//! What does cost is that axum boxes each layered route once more: some 150 ns.
//! [`WatchedRouter`] spares most requests that.
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

/// Runs `poll`, and returns the template that a [`TellRoute`] left in it, also when it panicked.
pub(super) fn told_by<T>(poll: impl FnOnce() -> T) -> (thread::Result<T>, Option<MatchedPath>) {
    // A watched router within another's route: the outer slot is put back.
    let outer = swap(None);
    let polled = catch_unwind(AssertUnwindSafe(poll));
    (polled, swap(outer))
}

fn swap(matched: Option<MatchedPath>) -> Option<MatchedPath> {
    // The slot is gone only in destructors of a thread that ends.
    MATCHED.try_with(|slot| slot.replace(matched)).ok().flatten()
}

/// Tells a [`RequestLayer`](crate::RequestLayer) around an axum router which route took the request.
///
/// [`RequestLayer::wrap`](crate::RequestLayer::wrap) applies it; only a router
/// that is layered by other means needs it, outermost:
/// `router.layer(TellRoute)`.
#[derive(Clone, Copy, Debug)]
pub struct TellRoute;

impl<S> Layer<S> for TellRoute {
    type Service = TellRouteService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TellRouteService { inner }
    }
}

/// The service of a [`TellRoute`].
#[derive(Clone, Debug)]
pub struct TellRouteService<S> {
    inner: S,
}

impl<S, B> Service<Request<B>> for TellRouteService<S>
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
