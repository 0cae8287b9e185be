//! The layer over `metrics` that services write themselves: a count and a duration for each
//! request, by method, route and status.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::extract::MatchedPath;
use http::{Method, Request, Response};
use pin_project_lite::pin_project;
use rig::stopwatch;
use tower_layer::Layer;
use tower_service::Service;

/// Records requests by the macros of `metrics`.
#[derive(Clone, Copy)]
pub(super) struct Record;

impl<S> Layer<S> for Record {
    type Service = Recorded<S>;

    fn layer(&self, inner: S) -> Recorded<S> {
        Recorded { inner }
    }
}

#[derive(Clone)]
pub(super) struct Recorded<S> {
    inner: S,
}

impl<S, B, R> Service<Request<B>> for Recorded<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Recording<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let start = stopwatch::now();
        let method = request.method().clone();
        let route = request.extensions().get::<MatchedPath>().cloned();
        Recording { inner: self.inner.call(request), start, method, route }
    }
}

pin_project! {
    pub(super) struct Recording<F> {
        #[pin]
        inner: F,
        start: Instant,
        method: Method,
        route: Option<MatchedPath>,
    }
}

impl<F, R, E> Future for Recording<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let result = ready!(this.inner.poll(cx));
        if let Ok(response) = &result {
            let route = this.route.as_ref().map_or("unmatched", MatchedPath::as_str);
            let labels = [
                ("method", this.method.to_string()),
                ("route", route.to_owned()),
                ("status", response.status().as_u16().to_string()),
            ];
            metrics::counter!("layer_requests_total", &labels).increment(1);
            metrics::histogram!("layer_request_seconds", &labels).record(this.start.elapsed());
        }
        Poll::Ready(result)
    }
}
