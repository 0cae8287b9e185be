//! Streams: responses that last as long as their client stays.
//!
//! Their duration says how long a client stayed, and not how fast the service is. So they count by the
//! time to their head. They are in flight until their body ends, and are recorded then.

use std::time::Duration;

/// Marks a response as a stream: insert it into the extensions of a response without an end.
///
/// The request then counts by the time to the head of its response, as those do whose response is of
/// the type `text/event-stream`, or an upgrade such as to a WebSocket, or a body that
/// [lasts long](crate::RequestLayer::streams_after). It is in flight until its body ends.
///
/// The mark has an effect on bodies of unknown length alone.
///
/// ```
/// use axum::response::{IntoResponse, Response};
/// use node0_request_layer::LongLived;
///
/// fn endless(body: axum::body::Body) -> Response {
///     let mut response = ([("content-type", "application/x-ndjson")], body).into_response();
///     response.extensions_mut().insert(LongLived);
///     response
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LongLived;

/// The time after its head from which on a body of unknown length is a stream, unless the host says
/// otherwise.
pub(crate) const STREAMS_AFTER: Duration = Duration::from_secs(5);

/// The time to the head of a response whose length is unknown.
///
/// It is in microseconds in one word, since a measurement is moved, and most have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeToHead(u32);

impl TimeToHead {
    /// The length of the body is known.
    pub(crate) const NONE: Self = Self(0);
    /// The bit that marks a stream.
    const STREAM: u32 = 1 << 31;

    /// Keeps the time to a head; one of more than half an hour as half an hour.
    pub(crate) fn new(nanos: u64, is_stream: bool) -> Self {
        let micros = u32::try_from(nanos / 1000).unwrap_or(u32::MAX);
        let micros = micros.clamp(1, Self::STREAM - 1);
        Self(if is_stream { micros | Self::STREAM } else { micros })
    }

    #[inline]
    pub(crate) fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Returns the time by which a request counts that took so long in all.
    #[cold]
    pub(crate) fn counted(self, nanos: u64, streams_after: Duration) -> u64 {
        let head = u64::from(self.0 & !Self::STREAM) * 1000;
        let body = Duration::from_nanos(nanos.saturating_sub(head));
        if self.0 & Self::STREAM != 0 || body > streams_after { head.min(nanos) } else { nanos }
    }
}
