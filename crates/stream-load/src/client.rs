//! One reader: its handshake, and what it does as its plan says.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, Interest};
use tokio::net::{TcpSocket, TcpStream};

use crate::frames::{self, Frames};
use crate::plan::{Behaviour, Plan};
use crate::tally::Tally;

/// The maximum size of the response to a handshake, in bytes.
const LONGEST_HEAD: usize = 16 << 10;

/// Connects, behaves as planned, and counts what happens.
pub(crate) async fn run(plan: Plan, index: usize, tally: Rc<RefCell<Tally>>) {
    match connect(&plan, index).await {
        Ok(Upgraded::Yes(stream, frames)) => {
            // An error ends the connection as an end without a close frame does.
            let code = behave(plan.behaviour, stream, frames, index, &tally).await;
            tally.borrow_mut().closed(index, code.unwrap_or_default());
        }
        Ok(Upgraded::No(status)) => tally.borrow_mut().refused(status),
        Err(_) => tally.borrow_mut().refused(0),
    }
}

/// The response to a handshake.
enum Upgraded {
    /// It is a WebSocket now; some frames may have come already.
    Yes(TcpStream, Frames),
    /// It was refused with this status.
    No(u16),
}

async fn connect(plan: &Plan, index: usize) -> io::Result<Upgraded> {
    let socket = TcpSocket::new_v4()?;
    if let Some(bytes) = plan.receive_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    let mut stream = socket.connect(plan.address).await?;
    stream.set_nodelay(true)?;
    let path = plan.paths.get(plan.group(index)).map_or("/", String::as_str);
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        plan.address
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    loop {
        if let Some(end) = head.windows(4).position(|window| window == b"\r\n\r\n") {
            let mut frames = Frames::default();
            frames.extend(&head[end + 4..]);
            let status = head.get(9..12).and_then(|status| std::str::from_utf8(status).ok());
            return Ok(match status.and_then(|status| status.parse().ok()) {
                Some(101) => Upgraded::Yes(stream, frames),
                status => Upgraded::No(status.unwrap_or_default()),
            });
        }
        let mut bytes = [0; 1024];
        let read = stream.read(&mut bytes).await?;
        if read == 0 || head.len() > LONGEST_HEAD {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        head.extend_from_slice(&bytes[..read]);
    }
}

/// Returns the code of the close frame, 0 if there was none.
async fn behave(
    behaviour: Behaviour,
    mut stream: TcpStream,
    frames: Frames,
    index: usize,
    tally: &RefCell<Tally>,
) -> io::Result<u16> {
    match behaviour {
        Behaviour::Read => read(stream, frames, index, tally).await,
        Behaviour::Stall => {
            tally.borrow_mut().connected(index);
            stream.ready(Interest::ERROR).await?;
            Ok(0)
        }
        Behaviour::FloodPings => {
            tally.borrow_mut().connected(index);
            let pings = frames::pings();
            loop {
                stream.write_all(&pings).await?;
                tokio::task::yield_now().await;
            }
        }
    }
}

async fn read(
    mut stream: TcpStream,
    mut frames: Frames,
    index: usize,
    tally: &RefCell<Tally>,
) -> io::Result<u16> {
    loop {
        while let Some(frame) = frames.next() {
            match frame.opcode {
                frames::TEXT => tally.borrow_mut().message(index, frame.payload),
                frames::PING => {
                    let pong = frames::pong(frame.payload);
                    stream.write_all(&pong).await?;
                }
                frames::CLOSE => {
                    let code = frame.payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                    return Ok(code.unwrap_or_default());
                }
                _ => {}
            }
        }
        // One buffer for all readers, since none waits while it holds it.
        stream.readable().await?;
        let read = tally.borrow_mut().with_buffer(|buffer| {
            let read = stream.try_read(buffer)?;
            frames.extend(&buffer[..read]);
            Ok(read)
        });
        match read {
            Ok(0) => return Ok(0),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}
