//! The body of a response, which ends the measurement of its request.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Buf;
use http::{HeaderMap, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::measurement::Measurement;
use super::method::KnownMethod;
use super::recorder::Outcome;

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
    pub(super) fn unwatched(inner: B) -> Self {
        Self { inner, measurement: None, status: StatusCode::OK, left: None }
    }

    /// Ends the measurement now if the response has no body, else when the body ends.
    pub(super) fn watch(response: Response<B>, measurement: Measurement) -> Response<Self> {
        let status = response.status();
        let (head, inner) = response.into_parts();
        // A server stops polling once it has sent the announced length, and may never
        // poll for the end of the body. So the remaining bytes are counted here.
        let left = inner.size_hint().exact().or_else(|| content_length(&head.headers));
        let is_empty = left == Some(0) || inner.is_end_stream();
        if is_empty || is_bodiless(status, measurement.method()) {
            measurement.end(Outcome::Status(status));
            return Response::from_parts(head, Self::unwatched(inner));
        }
        let body = Self { inner, measurement: Some(measurement), status, left };
        Response::from_parts(head, body)
    }
}

impl RecordedBody<axum::body::Body> {
    /// Converts it into axum's own body, boxed only if it has a measurement.
    pub(super) fn boxed(self) -> axum::body::Body {
        match self.measurement {
            None => self.inner,
            Some(_) => axum::body::Body::new(self),
        }
    }
}

fn is_bodiless(status: StatusCode, method: KnownMethod) -> bool {
    method == KnownMethod::Head
        || status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

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
