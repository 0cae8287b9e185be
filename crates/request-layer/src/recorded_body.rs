//! The body of a response, which ends the measurement of its request.

use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Buf;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::long_lived::LongLived;
use crate::measurement::{Holder, Measurement};
use crate::recorder::{Outcome, Recorder};

pin_project! {
    /// A body that ends the measurement of its request with its last frame.
    ///
    /// A body that is dropped before it was read to its end counts as cancelled.
    #[derive(Debug)]
    pub struct RecordedBody<B, H = Arc<Recorder>>
    where
        H: Holder,
    {
        #[pin]
        inner: B,
        measurement: Measurement<H>,
        status: StatusCode,
        // The bytes that are still to come, if their number is known.
        left: Option<u64>,
    }
}

impl<B: Body, H: Holder> RecordedBody<B, H> {
    /// Moves a measurement into the body of its response.
    ///
    /// Ends it now if the response has no body.
    #[inline]
    pub fn watch(response: Response<B>, measurement: &mut Measurement<H>) -> Response<Self> {
        let (status, left) = (response.status(), announced(&response, measurement));
        response.map(|inner| Self { inner, measurement: measurement.take(), status, left })
    }
}

/// Does what [`RecordedBody::watch`] does, and keeps the type of the body.
///
/// The head of the response is not moved, which would cost more than the allocation for the body.
#[inline]
pub(crate) fn watch_in_place(
    response: &mut Response<axum::body::Body>,
    measurement: &mut Measurement,
) {
    let (status, left) = (response.status(), announced(response, measurement));
    if measurement.is_recording() {
        let (inner, measurement) = (mem::take(response.body_mut()), measurement.take());
        let body = RecordedBody { inner, measurement, status, left };
        *response.body_mut() = axum::body::Body::new(body);
    }
}

/// Returns the number of bytes of the body; ends the measurement if there is no body.
#[inline]
fn announced<B: Body, H: Holder>(
    response: &Response<B>,
    measurement: &mut Measurement<H>,
) -> Option<u64> {
    if !measurement.is_recording() {
        return None;
    }
    let (status, body) = (response.status(), response.body());
    // A server stops polling once it has sent the announced length, and may never
    // poll for the end of the body. So the remaining bytes are counted.
    let exact = body.size_hint().exact();
    let left = exact.or_else(|| length_of_unsized(response, measurement));
    let is_empty = left == Some(0) || exact.is_none() && body.is_end_stream();
    if is_empty || measurement.is_head() || is_bodiless(status) {
        measurement.end(Outcome::Status(status));
    }
    left
}

/// Returns `true` if no frame follows on this result; counts the bytes that are left.
fn is_last<D: Buf, E>(polled: &Poll<Option<Result<Frame<D>, E>>>, left: &mut Option<u64>) -> bool {
    match polled {
        Poll::Pending => false,
        Poll::Ready(None | Some(Err(_))) => true,
        Poll::Ready(Some(Ok(frame))) => {
            let bytes = frame.data_ref().map_or(0, |data| data.remaining() as u64);
            *left = left.map(|left| left.saturating_sub(bytes));
            *left == Some(0)
        }
    }
}

fn is_bodiless(status: StatusCode) -> bool {
    status.is_informational() || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// Returns the length of a body that does not know it itself, as few of axum's do; if nobody knows it,
/// the response may be a stream.
#[cold]
fn length_of_unsized<B, H: Holder>(
    response: &Response<B>,
    measurement: &mut Measurement<H>,
) -> Option<u64> {
    let length = content_length(response.headers());
    if length.is_none() {
        let is_marked = response.extensions().get::<LongLived>().is_some();
        measurement.set_head(is_marked || is_event_stream(response.headers()));
    }
    length
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).map_or(&[][..], HeaderValue::as_bytes);
    let media_type = media_type.split(|byte| *byte == b';').next().unwrap_or_default();
    media_type.trim_ascii().eq_ignore_ascii_case(b"text/event-stream")
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

impl<B: Body, H: Holder> Body for RecordedBody<B, H> {
    type Data = B::Data;
    type Error = B::Error;

    #[inline]
    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let is_recording = this.measurement.begin_poll();
        // The frame stays where the inner body writes it. To move it right then, for example out
        // of a branch of its own, would take longer than all records of a request.
        let polled = this.inner.as_mut().poll_frame(cx);
        if is_recording {
            this.measurement.end_poll();
            if this.inner.is_end_stream() || is_last(&polled, this.left) {
                let status = *this.status;
                this.measurement.end_with(|| match &polled {
                    Poll::Ready(Some(Err(_))) => Outcome::Failed,
                    _ => Outcome::Status(status),
                });
            }
        }
        polled
    }

    #[inline]
    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    #[inline]
    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
