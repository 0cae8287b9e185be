//! The body of a request, whose client has to go on sending it.
//!
//! A service that reads a body waits for the client. A client that sends a byte now and then would
//! hold the request and its connection for as long as it likes, at no cost to itself. So each wait is
//! limited, and all of them together. A client that sends too slowly is the service's error when it
//! reads, and gets a 408.
//!
//! Once the service answers, nothing is limited any more: it may exchange messages with its client
//! for hours, as gRPC does.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use node0_metrics_core::Counter;
use tokio::time::{Instant, Sleep, sleep};

/// The time that the clients of a server may take for the bodies of their requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimits {
    /// The longest wait for more of a body.
    pub(crate) wait: Duration,
    /// The longest time that a body is waited for in all.
    pub(crate) whole: Duration,
}

/// The body of a request to a service of [`serve`](crate::serve()).
///
/// Reading it fails once its client is too slow, see [`Serve::body_timeout`](crate::Serve::body_timeout).
#[derive(Debug)]
pub struct RequestBody {
    incoming: Incoming,
    /// `None` if there is no body.
    waits: Option<Waits>,
}

/// A body that could not be read to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestBodyError {
    /// The connection ended, or what the client sent is malformed.
    #[error("the request's body cannot be read")]
    Connection(#[source] hyper::Error),
    /// The client sent nothing for too long, or took too long in all.
    #[error("the client sends the request's body too slowly")]
    TooSlow,
}

/// The state of a request, as its body and its answer share it.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    has_answer: AtomicBool,
    is_too_slow: AtomicBool,
}

/// The waits for the client.
#[derive(Debug)]
struct Waits {
    limits: BodyLimits,
    exchange: Arc<Exchange>,
    refused: Counter,
    /// The time of all waits that have ended.
    waited: Duration,
    /// The present wait: its beginning, and a timer for its limit.
    present: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl Exchange {
    /// Notes that the service answers; returns `true` if its client was too slow.
    pub(crate) fn answer(&self) -> bool {
        self.has_answer.store(true, Ordering::Relaxed);
        self.is_too_slow.load(Ordering::Relaxed)
    }
}

impl RequestBody {
    /// Limits a body, if there is one, and sets what it shares with its answer.
    #[inline]
    pub(crate) fn limit(
        incoming: Incoming,
        limits: BodyLimits,
        refused: &Counter,
        shared: &mut Option<Arc<Exchange>>,
    ) -> Self {
        if incoming.is_end_stream() {
            return Self { incoming, waits: None };
        }
        let exchange = shared.insert(Arc::default()).clone();
        let (refused, waited) = (refused.clone(), Duration::ZERO);
        let waits = Waits { limits, exchange, refused, waited, present: None };
        Self { incoming, waits: Some(waits) }
    }
}

impl Waits {
    /// Waits for the client; ready if it takes too long.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<RequestBodyError> {
        if self.exchange.has_answer.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        let limit = self.limits.wait.min(self.limits.whole.saturating_sub(self.waited));
        let begin = || (Instant::now(), Box::pin(sleep(limit)));
        let (_, timer) = self.present.get_or_insert_with(begin);
        if timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        if !self.exchange.is_too_slow.swap(true, Ordering::Relaxed) {
            self.refused.inc();
        }
        Poll::Ready(RequestBodyError::TooSlow)
    }

    /// Notes that the client sent something.
    fn end(&mut self) {
        if let Some((start, _)) = self.present.take() {
            self.waited = self.waited.saturating_add(start.elapsed());
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = RequestBodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        let polled = Pin::new(&mut self.incoming).poll_frame(cx);
        let polled = polled.map_err(RequestBodyError::Connection);
        match &mut self.waits {
            Some(waits) if polled.is_pending() => waits.poll(cx).map(|error| Some(Err(error))),
            Some(waits) => {
                waits.end();
                polled
            }
            None => polled,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
