//! A client of a WebSocket that sends any bytes in place of frames.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use node0_websocket::{End, Event, Rules, Socket};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Limits that an input can reach.
static RULES: Rules = Rules { max_message: 1 << 10, ..Rules::DEFAULT };

/// Takes bytes as frames, and returns each message to its sender.
///
/// The first byte says how many bytes can be read at a time.
///
/// # Panics
///
/// Panics when what the server sends is no sequence of frames, or is longer than what it answers to.
pub fn web_socket(data: &[u8]) {
    let [piece, frames @ ..] = data else { return };
    let written = Rc::new(RefCell::new(Vec::new()));
    let connection = Connection {
        unread: frames.to_vec(),
        piece: usize::from(*piece).max(1),
        written: written.clone(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime without I/O");
    runtime.block_on(echo(connection));
    check(&written.borrow(), frames.len());
}

async fn echo(connection: Connection) {
    let mut socket = Socket::new(connection, Bytes::new(), &RULES);
    let end = loop {
        match socket.event().await {
            Ok(Event::Text(text)) if socket.is_free() => {
                assert!(text.as_str().len() <= RULES.max_message);
                socket.send_text(text.as_bytes());
            }
            Ok(Event::Binary(bytes)) if socket.is_free() => {
                assert!(bytes.len() <= RULES.max_message);
                socket.send_binary(&bytes);
            }
            Ok(_) => {}
            Err(end) => break end,
        }
    };
    if let End::Broken { code, .. } = end {
        assert!([1002, 1007, 1008, 1009].contains(&code), "{code}");
    }
    socket.finish(end).await;
}

/// Checks that these bytes are whole frames of a server, of which a close frame is the last.
fn check(mut written: &[u8], read: usize) {
    /// The longest close frame: its code and reason.
    const LONGEST_CLOSE: usize = 127;
    assert!(written.len() <= read + LONGEST_CLOSE, "it says more than it heard");
    let mut is_closed = false;
    while let [first, second, rest @ ..] = written {
        assert!(!is_closed, "a frame follows the close frame");
        assert_eq!(first & 0xF0, 0x80, "each frame is whole");
        assert_eq!(second & 0x80, 0, "a server does not mask");
        let (length, rest) = match second & 0x7F {
            126 => {
                let (length, rest) = rest.split_at(2);
                (usize::from(length[0]) << 8 | usize::from(length[1]), rest)
            }
            127 => panic!("no message is as long"),
            length => (usize::from(length), rest),
        };
        is_closed = first & 0x0F == 8;
        written = &rest[length..];
    }
    assert!(written.is_empty(), "half a frame");
}

/// A connection whose client has sent all that it will send.
struct Connection {
    unread: Vec<u8>,
    piece: usize,
    written: Rc<RefCell<Vec<u8>>>,
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let length = this.unread.len().min(this.piece).min(buffer.remaining());
        buffer.put_slice(&this.unread[..length]);
        this.unread.drain(..length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.written.borrow_mut().extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
