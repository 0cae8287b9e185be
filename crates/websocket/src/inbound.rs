//! The receiving side: messages, put together from frames by the library.
//!
//! The library reads and writes through one adapter. It reads from the connection with the size of
//! buffer that it was given, and keeps no more than one message. What it writes are pongs alone, and
//! they go into the buffer of control frames: while that is full, the library keeps the newest pong.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, ReadBuf};
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Message, Utf8Bytes};

use crate::outbound::{CONTROL_BYTES, Outbound};
use crate::socket::{End, Rules};

/// A text that a client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(Utf8Bytes);

impl Text {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns the bytes of the text.
    pub fn as_bytes(&self) -> &[u8] {
        self.as_str().as_bytes()
    }
}

/// A message or a control frame of a client.
#[derive(Debug)]
pub(crate) enum Received {
    Text(Text),
    Binary(Bytes),
    Ping,
    Pong,
}

#[derive(Debug)]
pub(crate) struct Inbound {
    // Boxed, since a connection's task moves once on its way to the heap.
    context: Box<WebSocketContext>,
    /// The bytes read since the last whole message or control frame.
    unfinished: usize,
}

impl Inbound {
    pub(crate) fn new(already_read: Bytes, rules: &Rules) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(rules.read_buffer)
            // Each control frame is written at once, into our buffer.
            .write_buffer_size(0)
            .max_write_buffer_size(CONTROL_BYTES)
            .max_message_size(Some(rules.max_message))
            .max_frame_size(Some(rules.max_message));
        let context =
            WebSocketContext::from_partially_read(already_read.into(), Role::Server, Some(config));
        Self { context: Box::new(context), unfinished: 0 }
    }

    /// Reads what the client sent; pongs go to `outbound`.
    pub(crate) fn poll<T: AsyncRead + Unpin>(
        &mut self,
        io: &mut T,
        outbound: &mut Outbound,
        rules: &Rules,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Received, End>> {
        // A message, once more as much for the heads of its fragments, and one reading ahead.
        let max_unfinished = rules.max_message.saturating_mul(2).saturating_add(rules.read_buffer);
        let Self { context, unfinished } = self;
        let mut adapter = Adapter { io, cx, outbound, unfinished, max_unfinished };
        let received = match context.read(&mut adapter) {
            Ok(Message::Text(text)) => Ok(Received::Text(Text(text))),
            Ok(Message::Binary(bytes)) => Ok(Received::Binary(bytes)),
            Ok(Message::Ping(_)) => Ok(Received::Ping),
            Ok(Message::Pong(_)) => Ok(Received::Pong),
            Ok(Message::Close(frame)) => {
                let frame = frame.map(|frame| (frame.code.into(), frame.reason.as_str().into()));
                Err(End::Closed(frame))
            }
            // `read` returns no single frames.
            Ok(Message::Frame(_)) => Err(End::PROTOCOL),
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                return Poll::Pending;
            }
            Err(error) => Err(end(&error, *unfinished > max_unfinished)),
        };
        // A control frame within a message costs little more than itself, and its sender is counted
        // by the caller.
        *unfinished = 0;
        Poll::Ready(received)
    }
}

/// Returns how an error ends the connection.
fn end(error: &Error, is_overrun: bool) -> End {
    use tungstenite::error::ProtocolError;
    match error {
        Error::Capacity(_) => End::TOO_LARGE,
        Error::Utf8(_) => End::NOT_UTF8,
        Error::Io(_) if is_overrun => End::TOO_MANY_FRAGMENTS,
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => End::Gone,
        Error::Protocol(_) => End::PROTOCOL,
        _ => End::Gone,
    }
}

/// The connection as the library sees it.
struct Adapter<'a, 'w, T> {
    io: &'a mut T,
    cx: &'a mut Context<'w>,
    outbound: &'a mut Outbound,
    unfinished: &'a mut usize,
    max_unfinished: usize,
}

impl<T: AsyncRead + Unpin> Read for Adapter<'_, '_, T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if *self.unfinished > self.max_unfinished {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut read = ReadBuf::new(buffer);
        match Pin::new(&mut *self.io).poll_read(self.cx, &mut read) {
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
            Poll::Ready(Err(error)) => Err(error),
            Poll::Ready(Ok(())) => {
                let bytes = read.filled().len();
                *self.unfinished += bytes;
                Ok(bytes)
            }
        }
    }
}

impl<T> Write for Adapter<'_, '_, T> {
    fn write(&mut self, frames: &[u8]) -> io::Result<usize> {
        match self.outbound.put_control(frames) {
            true => Ok(frames.len()),
            false => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
