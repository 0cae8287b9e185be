//! The transport of a connection, which notes what is read and written.

use std::future::poll_fn;
use std::io::{IoSlice, Result};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use node0_metrics_core::InFlight;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::activity::Kind;
use crate::connection::{Connection, Rules};
use crate::places::Place;

/// The time that a request goes on after its client has ended the sending side.
///
/// Most clients that do so are gone, and their requests should end. But some only have nothing more
/// to send, as `nc -N`, and wait for the answer. Until something is written, the two look alike.
const AFTER_THE_END: Duration = Duration::from_secs(1);

/// The first bytes of a connection of HTTP/2.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The bytes that are read to tell the protocol: most first requests come whole with them.
const FIRST_BYTES: usize = 1024;

/// The protocol that a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

/// The transport of a connection, with its place and its count among open connections.
///
/// All three are dropped together, also when an upgraded connection ends.
pub(crate) struct Transport<T> {
    io: T,
    connection: Arc<Connection>,
    /// The bytes that were read to tell the protocol, and are still to be handed on.
    begun: Vec<u8>,
    /// Runs once the client has ended its sending side during a request.
    after_the_end: Option<Pin<Box<Sleep>>>,
    /// `true` while a write waits until the client reads.
    is_stalled: bool,
    _place: Place,
    _open: InFlight,
}

impl<T> Transport<T> {
    pub(crate) fn new(io: T, connection: Arc<Connection>, place: Place, rules: &Rules) -> Self {
        let open = rules.metrics.connections.enter();
        let begun = Vec::new();
        Self {
            io,
            connection,
            begun,
            after_the_end: None,
            is_stalled: false,
            _place: place,
            _open: open,
        }
    }

    /// Notes whether a write waits.
    ///
    /// Most never do. Then what the timer reads is left alone: it lies elsewhere, and for thousands of
    /// connections that are written to once a second it would come from memory each time.
    fn note_write(&mut self, is_waiting: bool) {
        if is_waiting || self.is_stalled {
            self.is_stalled = is_waiting;
            self.connection.activity.wrote(is_waiting);
        }
    }

    /// Keeps the end of the client's data back for a time while a request is answered.
    #[cold]
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if self.connection.activity.kind() != Kind::Busy {
            return Poll::Ready(Ok(()));
        }
        let timer = self.after_the_end.get_or_insert_with(|| Box::pin(sleep(AFTER_THE_END)));
        timer.as_mut().poll(cx).map(Ok)
    }
}

impl<T: AsyncRead + Unpin> Transport<T> {
    /// Reads until it is clear which protocol the client speaks.
    ///
    /// hyper-util's builder for both protocols does the same, but has no limit on the size of heads.
    pub(crate) async fn protocol(&mut self) -> Result<Protocol> {
        loop {
            let count = poll_fn(|cx| self.poll_begin(cx)).await?;
            let compared = self.begun.len().min(HTTP2_PREFACE.len());
            if self.begun[..compared] != HTTP2_PREFACE[..compared] || count == 0 {
                self.connection.activity.read();
                return Ok(Protocol::Http1);
            }
            if compared == HTTP2_PREFACE.len() {
                self.connection.activity.speaks_http2();
                return Ok(Protocol::Http2);
            }
        }
    }

    /// Reads the first bytes; a connection that has sent nothing holds no buffer for them.
    fn poll_begin(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize>> {
        let mut bytes = [MaybeUninit::uninit(); FIRST_BYTES];
        let mut read = ReadBuf::uninit(&mut bytes);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut read))?;
        self.begun.extend_from_slice(read.filled());
        Poll::Ready(Ok(read.filled().len()))
    }

    /// Hands on the bytes that were read to tell the protocol.
    #[cold]
    fn hand_on(&mut self, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let count = self.begun.len().min(buffer.remaining());
        buffer.put_slice(&self.begun[..count]);
        self.begun.drain(..count);
        if self.begun.is_empty() {
            self.begun = Vec::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Transport<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        if !self.begun.is_empty() {
            return self.hand_on(buffer);
        }
        let before = buffer.filled().len();
        match Pin::new(&mut self.io).poll_read(cx, buffer) {
            Poll::Ready(Ok(())) if buffer.filled().len() == before => self.poll_end(cx),
            Poll::Ready(result) => {
                self.connection.activity.read();
                Poll::Ready(result)
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Transport<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.note_write(polled.is_pending());
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write_vectored(cx, slices);
        self.note_write(polled.is_pending());
        polled
    }
}
