//! The body of a response, which ends the measurement of its request.

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Buf;
use http::{HeaderMap, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::measurement::Measurement;
use crate::method::KnownMethod;
use crate::recorder::Outcome;

pin_project! {
    /// A body that ends the measurement of its request with its last frame.
    ///
    /// A body that is dropped before it was read to its end counts as cancelled.
    #[derive(Debug)]
    pub struct RecordedBody<B> {
        #[pin]
        inner: B,
        measurement: Option<Measurement>,
        status: StatusCode,
        left: Option<u64>,
    }
}

impl<B: Body> RecordedBody<B> {
    /// Wraps a body without a measurement.
    pub(crate) fn unwatched(inner: B) -> Self {
        Self { inner, measurement: None, status: StatusCode::OK, left: None }
    }

    /// Ends the measurement now if the response has no body, else when the body ends.
    pub(crate) fn watch(response: Response<B>, measurement: Measurement) -> Response<Self> {
        match Announced::of(&response, measurement.method()) {
            Some(announced) => response.map(|inner| announced.body(inner, measurement)),
            None => {
                measurement.end(Outcome::Status(response.status()));
                response.map(Self::unwatched)
            }
        }
    }
}

/// Does what [`RecordedBody::watch`] does, and keeps the type of the body.
#[inline]
pub(crate) fn watch_in_place(response: &mut Response<axum::body::Body>, measurement: Measurement) {
    match Announced::of(response, measurement.method()) {
        Some(announced) => {
            // Only the body is moved, since moving the head would cost more than the allocation.
            let body = mem::take(response.body_mut());
            *response.body_mut() = axum::body::Body::new(announced.body(body, measurement));
        }
        None => measurement.end(Outcome::Status(response.status())),
    }
}

/// What the head of a response says of its body.
struct Announced {
    status: StatusCode,
    left: Option<u64>,
}

impl Announced {
    /// Returns `None` if the response has no body.
    #[inline]
    fn of<B: Body>(response: &Response<B>, method: KnownMethod) -> Option<Self> {
        let (status, body) = (response.status(), response.body());
        // A server stops polling once it has sent the announced length, and may never
        // poll for the end of the body. So the remaining bytes are counted here.
        let exact = body.size_hint().exact();
        let left = exact.or_else(|| content_length(response.headers()));
        let is_empty = left == Some(0) || exact.is_none() && body.is_end_stream();
        (!is_empty && !is_bodiless(status, method)).then_some(Self { status, left })
    }

    fn body<B>(self, inner: B, measurement: Measurement) -> RecordedBody<B> {
        let Self { status, left } = self;
        RecordedBody { inner, measurement: Some(measurement), status, left }
    }
}

fn is_bodiless(status: StatusCode, method: KnownMethod) -> bool {
    method == KnownMethod::Head
        || status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// Rarely called: axum's bodies mostly know their length themselves.
#[cold]
fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

impl<B: Body> Body for RecordedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    #[inline]
    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let Some(measurement) = this.measurement else { return this.inner.poll_frame(cx) };
        measurement.if_dropped(Outcome::Panicked);
        let polled = this.inner.as_mut().poll_frame(cx);
        measurement.if_dropped(Outcome::Cancelled);
        let outcome = match &polled {
            Poll::Pending => None,
            Poll::Ready(None) => Some(Outcome::Status(*this.status)),
            Poll::Ready(Some(Err(_))) => Some(Outcome::Failed),
            Poll::Ready(Some(Ok(frame))) => {
                if let (Some(left), Some(data)) = (this.left.as_mut(), frame.data_ref()) {
                    *left = left.saturating_sub(data.remaining() as u64);
                }
                let has_ended = *this.left == Some(0) || this.inner.is_end_stream();
                has_ended.then_some(Outcome::Status(*this.status))
            }
        };
        if let Some(outcome) = outcome
            && let Some(measurement) = this.measurement.take()
        {
            measurement.end(outcome);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
