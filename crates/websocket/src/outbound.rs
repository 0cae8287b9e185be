//! What is sent: one message, and control frames between messages.
//!
//! A server's frames are not masked, so a frame is a header of 2, 4 or 10 bytes and the message as
//! it is. Both go out in one vectored write. A control frame may go between two messages, but not
//! into one, so it waits until the message has been written.

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
    message: Option<Frame>,
    control: Control,
    /// `true` if control frames were not taken for lack of room, and should be tried again.
    has_refused: bool,
    /// `true` once a close frame is queued, after which nothing else may be sent.
    is_closed: bool,
}

/// A message with its header.
#[derive(Debug)]
struct Frame {
    header: Header,
    body: Bytes,
    written: usize,
}

/// The header of a frame, perhaps after a ping.
#[derive(Clone, Copy, Debug)]
struct Header {
    bytes: [u8; PING.len() + 10],
    len: u8,
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

    /// Takes a message, with a ping in front of it if `pings` says so; one that is waiting is
    /// replaced, unless it has been written in part.
    pub(crate) fn put(&mut self, opcode: Opcode, body: Bytes, pings: impl FnOnce() -> bool) {
        let has_begun = self.message.as_ref().is_some_and(|frame| frame.written > 0);
        if !has_begun && !self.is_closed {
            let header = Header::new(opcode, body.len(), pings());
            self.message = Some(Frame { header, body, written: 0 });
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
        self.message = self.message.take().filter(|frame| frame.written > 0);
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
        let is_within = self.message.as_ref().is_some_and(|frame| frame.written > 0);
        if !is_within {
            ready!(self.control.poll_write(io, cx))?;
        }
        let Some(frame) = &mut self.message else { return Poll::Ready(Ok(false)) };
        ready!(frame.poll_write(io, cx))?;
        self.message = None;
        // Control frames that waited for the end of the message are left to the next call, since
        // this one must not wait any more: it would forget that the message was written.
        Poll::Ready(Ok(true))
    }

    /// Returns the number of bytes that are written of what waits; it changes with any progress.
    pub(crate) fn position(&self) -> usize {
        self.message.as_ref().map_or(0, |frame| frame.written) + self.control.written
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

impl Frame {
    fn poll_write<T: AsyncWrite + Unpin>(
        &mut self,
        io: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let header = &self.header.bytes[..self.header.len.into()];
        while self.written < header.len() + self.body.len() {
            let rest = match header.get(self.written..) {
                Some(rest) => [IoSlice::new(rest), IoSlice::new(&self.body)],
                None => {
                    [IoSlice::new(&self.body[self.written - header.len()..]), IoSlice::new(&[])]
                }
            };
            let written = ready!(Pin::new(&mut *io).poll_write_vectored(cx, &rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += written;
        }
        Pin::new(io).poll_flush(cx)
    }
}

impl Header {
    fn new(opcode: Opcode, len: usize, has_ping: bool) -> Self {
        let mut header = Self { bytes: [0; PING.len() + 10], len: 0 };
        if has_ping {
            header.push(&PING);
        }
        header.push(&[FINAL | opcode as u8]);
        let long = len as u64;
        match (u8::try_from(long), u16::try_from(long)) {
            (Ok(short @ ..126), _) => header.push(&[short]),
            (_, Ok(medium)) => {
                header.push(&[126]);
                header.push(&medium.to_be_bytes());
            }
            _ => {
                header.push(&[127]);
                header.push(&long.to_be_bytes());
            }
        }
        header
    }

    fn push(&mut self, bytes: &[u8]) {
        let start = usize::from(self.len);
        self.bytes[start..start + bytes.len()].copy_from_slice(bytes);
        // At most 12.
        self.len += bytes.len() as u8;
    }
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
    use super::*;

    #[test]
    fn the_header_has_the_length_in_its_shortest_form() {
        let check = |len, expected: &[u8]| {
            for ping in [&[][..], &PING] {
                let header = Header::new(Opcode::Text, len, !ping.is_empty());
                let expected = [ping, expected].concat();
                assert_eq!(header.bytes[..header.len.into()], expected, "{len}");
            }
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

    #[test]
    fn nothing_follows_a_close_frame_and_its_reason_is_cut() {
        let mut outbound = Outbound::default();
        outbound.put(Opcode::Text, Bytes::from_static(b"not begun"), || false);
        outbound.put_close(Some(1008), &"é".repeat(100));
        let closed = outbound.control.bytes.clone();
        assert_eq!(closed[..4], [0x88, 124, 0x03, 0xF0]);
        outbound.put_close(Some(1001), "again");
        outbound.put(Opcode::Text, Bytes::from_static(b"late"), || false);
        assert!(!outbound.put_control(&[0x8A, 0]) && outbound.message.is_none());
        assert_eq!(outbound.control.bytes, closed);
    }
}
