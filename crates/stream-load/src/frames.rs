//! The frames that a server sends, and the few that a reader answers with.

/// The opcodes of RFC 6455, section 5.2.
pub(crate) const TEXT: u8 = 1;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
const PONG: u8 = 10;

/// The bytes that were read and not yet taken apart.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    bytes: Vec<u8>,
    start: usize,
}

/// A whole frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) opcode: u8,
    pub(crate) payload: &'a [u8],
}

impl Frames {
    /// Adds bytes that were read.
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Takes the next frame; `None` if it is not whole yet.
    ///
    /// node0 sends each message in one frame.
    pub(crate) fn next(&mut self) -> Option<Frame<'_>> {
        let [first, second, rest @ ..] = self.bytes.get(self.start..)? else { return None };
        let (length, head) = match second & 0x7F {
            126 => (u64::from(u16::from_be_bytes(*rest.first_chunk()?)), 4),
            127 => (u64::from_be_bytes(*rest.first_chunk()?), 10),
            short => (u64::from(short), 2),
        };
        let from = self.start + head;
        let end = from.checked_add(usize::try_from(length).ok()?)?;
        let payload = self.bytes.get(from..end)?;
        self.start = end;
        Some(Frame { opcode: first & 0x0F, payload })
    }
}

/// Returns a pong with this payload, masked by zeros, which leave it as it is.
pub(crate) fn pong(payload: &[u8]) -> Vec<u8> {
    masked(PONG, payload)
}

/// Returns many pings.
pub(crate) fn pings() -> Vec<u8> {
    masked(PING, &[b'x'; 125]).repeat(64)
}

fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len().min(125);
    let mut frame = vec![0x80 | opcode, 0x80 | length as u8, 0, 0, 0, 0];
    frame.extend_from_slice(&payload[..length]);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_taken_as_they_become_whole() {
        let mut frames = Frames::default();
        let long = [vec![0x81, 126, 0x01, 0x00], vec![b'a'; 256]].concat();
        frames.extend(&[0x89, 1, b'p']);
        frames.extend(&long[..100]);
        assert_eq!(frames.next(), Some(Frame { opcode: PING, payload: b"p" }));
        assert_eq!(frames.next(), None);
        frames.extend(&long[100..]);
        assert_eq!(frames.next().map(|frame| frame.payload.len()), Some(256));
        assert_eq!(frames.next(), None);
    }
}
