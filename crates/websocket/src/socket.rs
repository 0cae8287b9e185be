//! A WebSocket of the server, from its first message to its end.
//!
//! One call of [`Socket::event`] writes, reads and keeps the deadlines, so a connection needs one
//! task and no lock. Writing goes first: most wake-ups are for a message to send, and then nothing
//! else is looked at (see [`Signal`]).

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;

use crate::inbound::{Inbound, Received, Text};
use crate::keep_alive::{Due, KeepAlive};
use crate::outbound::{Opcode, Outbound, frame};
use crate::signal::Signal;

/// The limits of a [`Socket`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The maximum size of a message from the client, and of each of its frames; 16 KiB by default.
    ///
    /// The heads of a message's fragments may take as much again.
    pub max_message: usize,
    /// The bytes that are read at once, and allocated for each connection; 128 by default.
    ///
    /// A larger message gets a larger buffer, which the connection then keeps.
    pub read_buffer: usize,
    /// The time between two pings; 15 s by default. The third unanswered one ends the connection.
    pub ping: Duration,
    /// The time in which a write must make progress; 5 s by default.
    pub write_timeout: Duration,
    /// The time in which the client must answer a close frame; 2 s by default.
    pub close_timeout: Duration,
}

impl Rules {
    /// The default limits, also for constants.
    pub const DEFAULT: Self = Self {
        max_message: 16 << 10,
        read_buffer: 128,
        ping: Duration::from_secs(15),
        write_timeout: Duration::from_secs(5),
        close_timeout: Duration::from_secs(2),
    };
}

impl Default for Rules {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// An event on a [`Socket`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The client sent a text.
    Text(Text),
    /// The client sent a binary message.
    Binary(Bytes),
    /// The client sent a ping, which is answered, or a pong.
    Control,
    /// The message that was sent last was handed to the system, and the next one can follow.
    Sent,
}

/// The way in which a WebSocket ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// The client sent a close frame, with this code and reason if it has any.
    Closed(Option<(u16, Box<str>)>),
    /// The connection ended without a close frame.
    Gone,
    /// The client broke a rule, and is told by a close frame with this code and reason.
    Broken {
        /// The code: 1002, 1007, 1008 or 1009.
        code: u16,
        /// The rule, for people.
        reason: &'static str,
    },
    /// The client did not answer two pings.
    Unanswered,
    /// The client did not read for the time that a write may wait.
    Stalled,
}

impl End {
    pub(crate) const PROTOCOL: Self =
        Self::Broken { code: 1002, reason: "a frame breaks the protocol" };
    pub(crate) const NOT_UTF8: Self = Self::Broken { code: 1007, reason: "a text is not UTF-8" };
    pub(crate) const TOO_MANY_FRAGMENTS: Self =
        Self::Broken { code: 1008, reason: "a message has too many fragments" };
    pub(crate) const TOO_LARGE: Self =
        Self::Broken { code: 1009, reason: "a message is too large" };
}

/// A WebSocket of the server over a connection.
///
/// One task polls it: [`Socket::event`] reads, writes, answers pings and keeps the deadlines.
#[derive(Debug)]
pub struct Socket<T> {
    io: T,
    inbound: Inbound,
    outbound: Outbound,
    keep_alive: KeepAlive,
    /// Is raised when there may be something to read, or a deadline has passed.
    signal: Option<Arc<Signal>>,
    rules: &'static Rules,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Socket<T> {
    /// Takes over a connection after its handshake, with the bytes that were read beyond it.
    ///
    /// All connections of a service share their limits, so that none of them holds a copy.
    pub fn new(io: T, already_read: Bytes, rules: &'static Rules) -> Self {
        Self {
            io,
            inbound: Inbound::new(already_read, rules),
            outbound: Outbound::default(),
            keep_alive: KeepAlive::new(rules),
            signal: None,
            rules,
        }
    }

    /// Returns `true` if no message waits to be written.
    pub fn is_free(&self) -> bool {
        self.outbound.is_free()
    }

    /// Sends the frame of a message, as [`text_frame`](crate::text_frame) makes it; it is written by
    /// [`Socket::event`].
    ///
    /// It replaces a message that waits, unless that has been written in part: then the new one is
    /// dropped. So ask [`Socket::is_free`] before.
    pub fn send_frame(&mut self, frame: Bytes) {
        self.outbound.put(frame, || self.keep_alive.joins_message());
    }

    /// Copies a text, which must be UTF-8, into a frame, and sends it as [`Socket::send_frame`] does.
    pub fn send_text(&mut self, text: &[u8]) {
        self.send_frame(frame(Opcode::Text, text));
    }

    /// Does what [`Socket::send_text`] does, with a binary message.
    pub fn send_binary(&mut self, bytes: &[u8]) {
        self.send_frame(frame(Opcode::Binary, bytes));
    }

    /// Waits for the next event, and writes meanwhile; it is cancel-safe.
    ///
    /// # Errors
    /// [`End`], after which only [`Socket::finish`] is of use.
    pub async fn event(&mut self) -> Result<Event, End> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// Does what [`Socket::event`] does, as a poll function.
    pub fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, End>> {
        loop {
            let signal = Signal::of(&mut self.signal, cx);
            let before = self.outbound.position();
            let is_waiting = match self.outbound.poll_write(&mut self.io, cx) {
                Poll::Ready(Ok(is_sent)) => {
                    self.keep_alive.goes_on();
                    if self.outbound.can_retry() {
                        signal.raise();
                    }
                    if is_sent {
                        return Poll::Ready(Ok(Event::Sent));
                    }
                    false
                }
                Poll::Ready(Err(_)) => return Poll::Ready(Err(End::Gone)),
                Poll::Pending => {
                    if self.keep_alive.waits(self.outbound.position() != before) {
                        signal.raise();
                    }
                    true
                }
            };
            if !signal.take() {
                return Poll::Pending;
            }
            let signal = signal.clone();
            let waker = Waker::from(signal.clone());
            let within = &mut Context::from_waker(&waker);
            let Poll::Ready(event) = self.poll_rest(within, is_waiting) else {
                return Poll::Pending;
            };
            // There may be more.
            signal.raise();
            if let Some(event) = event.transpose() {
                return Poll::Ready(event);
            }
        }
    }

    /// Keeps the deadlines and reads; `None` if there is something to write.
    fn poll_rest(
        &mut self,
        cx: &mut Context<'_>,
        is_waiting: bool,
    ) -> Poll<Result<Option<Event>, End>> {
        match self.keep_alive.poll(cx) {
            Poll::Ready(Due::Stalled) => return Poll::Ready(Err(End::Stalled)),
            Poll::Ready(Due::Unanswered) => return Poll::Ready(Err(End::Unanswered)),
            Poll::Ready(Due::Ping) => {
                self.outbound.put_ping();
                return Poll::Ready(Ok(None));
            }
            Poll::Pending => {}
        }
        match self.inbound.poll(&mut self.io, &mut self.outbound, self.rules, cx) {
            Poll::Ready(received) => Poll::Ready(received.map(|it| Some(self.event_of(it)))),
            // The library has put a pong into the buffer.
            Poll::Pending if self.outbound.has_control() && !is_waiting => Poll::Ready(Ok(None)),
            Poll::Pending => Poll::Pending,
        }
    }

    fn event_of(&mut self, received: Received) -> Event {
        match received {
            Received::Text(text) => Event::Text(text),
            Received::Binary(bytes) => Event::Binary(bytes),
            Received::Ping => Event::Control,
            Received::Pong => {
                self.keep_alive.pong();
                Event::Control
            }
        }
    }

    /// Closes the WebSocket: sends a close frame, and waits a limited time for the client's.
    ///
    /// A message that has been written in part is completed first, since a frame cannot be left.
    pub async fn close(mut self, code: u16, reason: &str) {
        self.outbound.put_close(Some(code), reason);
        self.end(async |socket| {
            socket.flush().await?;
            while !matches!(socket.receive().await, Err(End::Closed(_) | End::Gone)) {}
            Ok(())
        })
        .await;
    }

    /// Does what the protocol asks for after an [`End`]: answers the client's close frame, or says
    /// by one which rule the client broke. Drops the connection if it cannot be written to.
    pub async fn finish(mut self, end: End) {
        match end {
            End::Closed(None) => self.outbound.put_close(None, ""),
            End::Closed(Some((code, reason))) => self.outbound.put_close(Some(code), &reason),
            End::Broken { code, reason } => self.outbound.put_close(Some(code), reason),
            End::Gone | End::Unanswered | End::Stalled => return,
        }
        self.end(Self::flush).await;
    }

    /// Runs the last exchange, and ends the connection so that the client can read all of it.
    async fn end(mut self, exchange: impl AsyncFnOnce(&mut Self) -> io::Result<()>) {
        let limit = self.rules.close_timeout;
        let exchange = async {
            exchange(&mut self).await?;
            self.io.shutdown().await?;
            // A connection with unread bytes would be reset, and the client might lose the frame.
            while self.discard().await? > 0 {}
            io::Result::Ok(())
        };
        // A client that does not take part in the end is left.
        let _ = timeout(limit, exchange).await;
    }

    async fn flush(&mut self) -> io::Result<()> {
        poll_fn(|cx| {
            while !self.outbound.is_empty() {
                ready!(self.outbound.poll_write(&mut self.io, cx))?;
            }
            Poll::Ready(Ok(()))
        })
        .await
    }

    async fn receive(&mut self) -> Result<Received, End> {
        match poll_fn(|cx| self.inbound.poll(&mut self.io, &mut self.outbound, self.rules, cx))
            .await
        {
            // The client is told of the first rule only.
            Err(End::Broken { .. }) => Err(End::Gone),
            received => received,
        }
    }

    async fn discard(&mut self) -> io::Result<usize> {
        let mut bytes = [0; 256];
        poll_fn(|cx| {
            let mut read = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut read))?;
            Poll::Ready(Ok(read.filled().len()))
        })
        .await
    }
}
