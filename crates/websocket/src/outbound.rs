//! The sending side: one message, and control frames between messages.
//!
//! A server's frames are not masked, so a frame is a header of 2, 4 or 10 bytes and the message as
//! it is. A message that many clients get is framed once, and each of them costs one plain write. A
//! control frame may go between two messages, but not into one, so it waits until the message has
//! been written.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::AsyncWrite;

/// The bit of a frame that ends a message: all of ours do.
const FINAL: u8 = 0x80;
/// The maximum length of a control frame's payload, by the protocol.
const MAX_CONTROL: usize = 125;
/// The room for control frames: a pong and a close frame, or two pongs.
pub(crate) const CONTROL_BYTES: usize = 2 * (2 + MAX_CONTROL);

/// The longest header of a frame.
const LONGEST_HEADER: usize = 10;

/// A ping without a payload.
const PING: [u8; 2] = [FINAL | Opcode::Ping as u8, 0];

/// The kind of a frame, as in the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
}

/// The bytes that wait to be written.
#[derive(Debug, Default)]
pub(crate) struct Outbound {
    message: Option<Waiting>,
    control: Control,
    /// `true` if control frames were not taken for lack of room, and should be tried again.
    has_refused: bool,
    /// `true` once a close frame is queued, after which nothing else may be sent.
    is_closed: bool,
}

/// The frame of a message, perhaps after a ping.
#[derive(Debug)]
struct Waiting {
    has_ping: bool,
    frame: Bytes,
    /// The bytes that were written, those of the ping included.
    written: usize,
}

/// Whole control frames, of which the first may have been written in part.
///
/// It allocates only while a frame waits.
#[derive(Debug, Default)]
struct Control {
    bytes: Vec<u8>,
    written: usize,
}

impl Outbound {
    /// Returns `true` if a message can be taken.
    pub(crate) fn is_free(&self) -> bool {
        self.message.is_none() && !self.is_closed
    }

    /// Takes the frame of a message, with a ping in front of it if `pings` says so; one that is
    /// waiting is replaced, unless it has been written in part.
    pub(crate) fn put(&mut self, frame: Bytes, pings: impl FnOnce() -> bool) {
        let has_begun = self.message.as_ref().is_some_and(|message| message.written > 0);
        if !has_begun && !self.is_closed {
            // The ping of a message that is replaced is counted already, so it must be sent.
            let has_ping = self.message.as_ref().is_some_and(|message| message.has_ping);
            self.message = Some(Waiting { has_ping: has_ping || pings(), frame, written: 0 });
        }
    }

    /// Takes control frames, all of them or none; returns `false` if there is no room.
    pub(crate) fn put_control(&mut self, frames: &[u8]) -> bool {
        // A frame that has begun must be completed, and what waits behind it stays whole.
        let has_room = self.control.bytes.len() + frames.len() <= CONTROL_BYTES;
        let takes = has_room && !self.is_closed;
        if takes {
            self.control.bytes.extend_from_slice(frames);
        }
        self.has_refused = !takes;
        takes
    }

    /// Returns `true` if there is room again for control frames that were refused.
    pub(crate) fn can_retry(&self) -> bool {
        self.has_refused && self.control.bytes.is_empty() && !self.is_closed
    }

    /// Takes a ping without a payload, unless frames that wait show that the client does not read.
    pub(crate) fn put_ping(&mut self) {
        if self.control.bytes.is_empty() {
            self.put_control(&PING);
        }
    }

    /// Takes the last frame, and drops a message that has not begun.
    pub(crate) fn put_close(&mut self, code: Option<u16>, reason: &str) {
        if std::mem::replace(&mut self.is_closed, true) {
            return;
        }
        self.message = self.message.take().filter(|message| message.written > 0);
        let reason = code.map_or("", |_| cut(reason, MAX_CONTROL - 2));
        let code = code.map(u16::to_be_bytes);
        let code = code.as_ref().map_or(&[][..], |code| code);
        let control = &mut self.control.bytes;
        // At most 125 bytes.
        control.extend([FINAL | Opcode::Close as u8, (code.len() + reason.len()) as u8]);
        control.extend_from_slice(code);
        control.extend_from_slice(reason.as_bytes());
    }

    /// Writes what waits. Returns `true` if a message was written to its end, at most one per call.
    pub(crate) fn poll_write<T: AsyncWrite + Unpin>(
        &mut self,
        io: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<bool>> {
        let is_within = self.message.as_ref().is_some_and(|message| message.written > 0);
        if !is_within {
            ready!(self.control.poll_write(io, cx))?;
        }
        let Some(message) = &mut self.message else { return Poll::Ready(Ok(false)) };
        ready!(message.poll_write(io, cx))?;
        self.message = None;
        // Control frames that waited for the end of the message are left to the next call, since
        // this one must not wait any more: it would forget that the message was written.
        Poll::Ready(Ok(true))
    }

    /// Returns the bytes that are left of the control frames, and those written of the message.
    ///
    /// A write that makes progress changes one of them. Their sum would not do: control frames that
    /// are written whole start again at zero.
    pub(crate) fn position(&self) -> (usize, usize) {
        let message = self.message.as_ref().map_or(0, |message| message.written);
        (self.control.bytes.len() - self.control.written, message)
    }

    /// Returns `true` if nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.message.is_none() && self.control.bytes.is_empty()
    }

    /// Returns `true` if control frames wait.
    pub(crate) fn has_control(&self) -> bool {
        !self.control.bytes.is_empty()
    }
}

impl Waiting {
    fn poll_write<T: AsyncWrite + Unpin>(
        &mut self,
        io: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let ping = if self.has_ping { &PING[..] } else { &[] };
        while self.written < ping.len() + self.frame.len() {
            let written = match self.written.checked_sub(ping.len()) {
                Some(begun) => ready!(Pin::new(&mut *io).poll_write(cx, &self.frame[begun..]))?,
                None => {
                    let both = [IoSlice::new(&ping[self.written..]), IoSlice::new(&self.frame)];
                    ready!(Pin::new(&mut *io).poll_write_vectored(cx, &both))?
                }
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += written;
        }
        Pin::new(io).poll_flush(cx)
    }
}

/// Makes the frame of a text, which must be UTF-8, for [`Socket::send_frame`](crate::Socket::send_frame).
///
/// Any number of sockets can share it, so a text for many clients is copied once.
///
/// ```
/// assert_eq!(node0_websocket::text_frame(b"hello"), &b"\x81\x05hello"[..]);
/// ```
pub fn text_frame(text: &[u8]) -> Bytes {
    frame(Opcode::Text, text)
}

/// Makes the frame of a whole message.
pub(crate) fn frame(opcode: Opcode, body: &[u8]) -> Bytes {
    let mut frame = Vec::with_capacity(LONGEST_HEADER + body.len());
    frame.push(FINAL | opcode as u8);
    // The length is in its shortest form.
    match (u8::try_from(body.len()), u16::try_from(body.len())) {
        (Ok(short @ ..126), _) => frame.push(short),
        (_, Ok(medium)) => {
            frame.push(126);
            frame.extend(medium.to_be_bytes());
        }
        _ => {
            frame.push(127);
            frame.extend((body.len() as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(body);
    frame.into()
}

impl Control {
    fn poll_write<T: AsyncWrite + Unpin>(
        &mut self,
        io: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if self.bytes.is_empty() {
            return Poll::Ready(Ok(()));
        }
        while let rest @ [_, ..] = &self.bytes[self.written..] {
            let written = ready!(Pin::new(&mut *io).poll_write(cx, rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += written;
        }
        *self = Self::default();
        Pin::new(io).poll_flush(cx)
    }
}

/// Cuts a text to at most so many bytes, between characters.
fn cut(text: &str, max_bytes: usize) -> &str {
    &text[..text.floor_char_boundary(max_bytes)]
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncReadExt as _;

    use super::*;

    #[test]
    fn the_header_has_the_length_in_its_shortest_form() {
        let check = |len, expected: &[u8]| {
            let frame = text_frame(&vec![b'a'; len]);
            assert_eq!((&frame[..expected.len()], frame.len()), (expected, expected.len() + len));
        };
        check(0, &[0x81, 0]);
        check(125, &[0x81, 125]);
        check(126, &[0x81, 126, 0, 126]);
        check(65_535, &[0x81, 126, 255, 255]);
        check(65_536, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn control_frames_beyond_the_room_are_not_taken() {
        let mut outbound = Outbound::default();
        let pong = [0; 2 + MAX_CONTROL];
        assert!(outbound.put_control(&pong) && outbound.put_control(&pong));
        assert!(!outbound.put_control(&[0x8A, 0]));
        outbound.put_ping();
        assert_eq!(outbound.control.bytes.len(), CONTROL_BYTES);
    }

    #[tokio::test]
    async fn a_replaced_message_leaves_its_ping_to_the_next_one() {
        // A connection that takes a byte at a time, or all at once.
        for room in [1, 64] {
            let (mut io, mut client) = tokio::io::duplex(room);
            let mut outbound = Outbound::default();
            outbound.put(text_frame(b"old"), || true);
            outbound.put(text_frame(b"new"), || false);
            let write = poll_fn(|cx| outbound.poll_write(&mut io, cx));
            let mut received = [0; 7];
            let (written, read) = tokio::join!(write, client.read_exact(&mut received));
            assert!(written.unwrap() && read.is_ok());
            assert_eq!(&received, b"\x89\0\x81\x03new");
        }
    }

    #[tokio::test]
    async fn a_control_frame_that_is_written_whole_is_progress() {
        let mut outbound = Outbound::default();
        // The connection takes the ping, and nothing of the message.
        let (mut io, _client) = tokio::io::duplex(PING.len());
        outbound.put_ping();
        outbound.put(text_frame(b"waits"), || false);
        let before = outbound.position();
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(outbound.poll_write(&mut io, &mut cx).is_pending());
        assert_ne!(outbound.position(), before);
    }

    #[test]
    fn nothing_follows_a_close_frame_and_its_reason_is_cut() {
        let mut outbound = Outbound::default();
        outbound.put(text_frame(b"not begun"), || false);
        outbound.put_close(Some(1008), &"é".repeat(100));
        let closed = outbound.control.bytes.clone();
        assert_eq!(closed[..4], [0x88, 124, 0x03, 0xF0]);
        outbound.put_close(Some(1001), "again");
        outbound.put(text_frame(b"late"), || false);
        assert!(!outbound.put_control(&[0x8A, 0]) && outbound.message.is_none());
        assert_eq!(outbound.control.bytes, closed);
    }
}
