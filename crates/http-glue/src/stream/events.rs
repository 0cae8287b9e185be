//! A stream as server-sent events.
//!
//! The server writes the body of a response when it can, and would take message after message for a
//! client that does not read. So the last part of each message holds a permit, which it returns when
//! the server has written it and drops it; the next message is taken when the permit is back.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::unfold;
use http::{HeaderName, HeaderValue, header};
use node0_request_layer::LongLived;
use node0_streaming::Message;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout};

use super::endpoint::Reader;
use super::self_metrics::Ending;

/// The media type of server-sent events.
pub(super) const CONTENT_TYPE: &str = "text/event-stream";

/// The time between two comments, which tell proxies that the connection is in use.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// The time in which a client must take a message.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// The least and the most milliseconds after which a client that lost its connection comes back.
const RETRY_MILLIS: Range<u64> = 1000..5000;

const HEADERS: [(HeaderName, HeaderValue); 3] = [
    (header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE)),
    // A proxy that compresses or caches would hold messages back.
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform")),
    // nginx collects the bodies of responses unless it is told not to.
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
];

/// Makes the response with this body.
pub(super) fn response(body: Body) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().extend(HEADERS);
    response.extensions_mut().insert(LongLived);
    response
}

/// Makes the body for a client.
pub(super) fn body(reader: Reader) -> Body {
    let (now, written) = (Instant::now(), Arc::new(Semaphore::new(1)));
    let retry = Bytes::from(format!("retry: {}\n\n", retry_millis()));
    let events = Events {
        reader: Some(reader),
        parts: [Some(retry), None, None],
        written,
        heartbeat: now + HEARTBEAT,
    };
    Body::from_stream(unfold(events, Events::next))
}

/// The state of a body.
#[derive(Debug)]
struct Events {
    /// `None` once the stream has ended.
    reader: Option<Reader>,
    /// The parts of a message that are still to be given to the server.
    parts: [Option<Bytes>; 3],
    /// Has its one permit while no message waits to be written.
    written: Arc<Semaphore>,
    heartbeat: Instant,
}

/// The bytes after the data of an event; the permit is returned when they have been written.
struct EndOfEvent {
    _permit: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for EndOfEvent {
    fn as_ref(&self) -> &[u8] {
        b"\n\n"
    }
}

impl Events {
    /// Returns the next part of the body; `None` at its end.
    async fn next(mut self) -> Option<(io::Result<Bytes>, Self)> {
        loop {
            if let Some(part) = self.parts.iter_mut().find_map(Option::take) {
                return Some((Ok(part), self));
            }
            let ending = self.fill().await?;
            if let Err(ending) = ending {
                self.reader.take()?.end(ending);
                // Nothing is left to be said to a client of a stream that ends in order. An error
                // makes the server cut the connection of one that does not read.
                let is_stalled = ending == Ending::Stalled;
                return is_stalled.then(|| (Err(io::ErrorKind::TimedOut.into()), self));
            }
        }
    }

    /// Waits until the last message has been written and there is another one; `None` after the end.
    async fn fill(&mut self) -> Option<Result<(), Ending>> {
        let reader = self.reader.as_mut()?;
        let written = timeout(WRITE_TIMEOUT, self.written.clone().acquire_owned()).await;
        // The semaphore is never closed.
        let Ok(Ok(permit)) = written else { return Some(Err(Ending::Stalled)) };
        let (first, rest) = tokio::select! {
            message = reader.session.next() => match message {
                Ok(message) => {
                    reader.sent();
                    (head(&message), Some(message.json().clone()))
                }
                Err(close) => return Some(Err(Ending::of_close(close))),
            },
            // A comment.
            () = sleep_until(self.heartbeat) => (Bytes::from_static(b":"), None),
        };
        let end = Bytes::from_owner(EndOfEvent { _permit: permit });
        self.parts = [Some(first), rest, Some(end)];
        self.heartbeat = Instant::now() + HEARTBEAT;
        Some(Ok(()))
    }
}

impl Drop for Events {
    /// The server drops the body of a client that has left.
    fn drop(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.end(Ending::Client);
        }
    }
}

/// Returns what precedes the data of an event.
fn head(message: &Message) -> Bytes {
    let kind = message.kind.word();
    match message.id {
        Some(id) => format!("event: {kind}\nid: {id}\ndata: ").into(),
        None => format!("event: {kind}\ndata: ").into(),
    }
}

/// Picks a time at random, so that clients which lost their connections together do not come back
/// together. The standard library's random seed needs no other crate.
fn retry_millis() -> u64 {
    let random = RandomState::new().hash_one(());
    RETRY_MILLIS.start + random % (RETRY_MILLIS.end - RETRY_MILLIS.start)
}
