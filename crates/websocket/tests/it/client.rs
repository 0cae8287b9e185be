//! A client that writes frames byte by byte, good or bad, and a server that returns each message.

use std::time::Duration;

use bytes::Bytes;
use node0_websocket::{End, Event, Rules, Socket};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;

pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;
/// The bit of a fragment that ends a message.
pub(crate) const FINAL: u8 = 0x80;

pub(crate) struct Client {
    pub(crate) io: DuplexStream,
    pub(crate) server: JoinHandle<End>,
}

/// A frame that the server sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) opcode: u8,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.payload).expect("text")
    }

    /// Returns the code of a close frame.
    pub(crate) fn code(&self) -> Option<u16> {
        assert_eq!(self.opcode, CLOSE, "{self:?}");
        self.payload.first_chunk().map(|code| u16::from_be_bytes(*code))
    }
}

/// Rules under which no time passes, unless a test lets it.
pub(crate) fn rules() -> &'static Rules {
    &Rules::DEFAULT
}

impl Client {
    /// Connects to a server that returns each message, over a pipe of so many bytes.
    pub(crate) fn of_echo(rules: &'static Rules, pipe: usize) -> Self {
        let (io, other) = duplex(pipe);
        let server = tokio::spawn(echo(Socket::new(other, Bytes::new(), rules)));
        Self { io, server }
    }

    /// Sends a frame in one piece: the first byte as given, the payload masked.
    pub(crate) async fn send(&mut self, first: u8, payload: &[u8]) {
        // A server that has hung up is noticed by what the test reads.
        let _ = self.io.write_all(&frame(first, payload)).await;
    }

    pub(crate) async fn receive(&mut self) -> Option<Frame> {
        let mut head = [0; 2];
        self.io.read_exact(&mut head).await.ok()?;
        assert_eq!(head[0] & 0xF0, FINAL, "each frame is whole and without extensions");
        let length = match head[1] {
            short @ ..126 => u64::from(short),
            126 => u64::from(self.io.read_u16().await.ok()?),
            127 => self.io.read_u64().await.ok()?,
            _ => panic!("a server does not mask"),
        };
        let mut payload = vec![0; usize::try_from(length).expect("it fits")];
        self.io.read_exact(&mut payload).await.ok()?;
        Some(Frame { opcode: head[0] & 0x0F, payload })
    }

    pub(crate) async fn ended(self) -> End {
        drop(self.io);
        self.server.await.expect("the server does not panic")
    }
}

/// A masked frame.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [7, 77, 177, 0];
    let mut bytes = vec![first];
    match payload.len() {
        short @ ..126 => bytes.push(0x80 | short as u8),
        medium @ ..65_536 => {
            bytes.push(0x80 | 126);
            bytes.extend((medium as u16).to_be_bytes());
        }
        long => {
            bytes.push(0x80 | 127);
            bytes.extend((long as u64).to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// Returns each message to its sender, as long as there is room for it.
async fn echo(mut socket: Socket<DuplexStream>) -> End {
    let end = loop {
        let message = match socket.event().await {
            Ok(message) => message,
            Err(end) => break end,
        };
        while !socket.is_free() {
            match socket.event().await {
                Ok(_) => {}
                Err(end) => return end,
            }
        }
        match message {
            Event::Text(text) if text.as_str() == "close" => {
                socket.close(1001, "the server stops").await;
                return End::Gone;
            }
            Event::Text(text) => socket.send_text(text.as_bytes()),
            Event::Binary(bytes) => socket.send_binary(&bytes),
            _ => {}
        }
    };
    socket.finish(end.clone()).await;
    end
}

pub(crate) async fn at_most<T>(limit: Duration, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(limit, future).await.expect("it happens in time")
}
