//! The server's side of a WebSocket, with bounded memory and shared frames.
//!
//! [`Handshake`] checks the request that asks for the upgrade, and makes the 101. [`Socket`] then
//! takes over the connection. It knows nothing of what the messages mean.
//!
//! It differs from other WebSocket libraries in what it holds for a client:
//!
//! - A message for many clients is one frame that all their sockets share, see [`text_frame`]. For
//!   each of them it is one system call; nothing is copied, and nothing is allocated.
//! - There is at most one message to send. The next one is taken when that one has been written.
//! - A pong waits in a small buffer. If a client sends pings and does not read, the newest pong
//!   replaces the others.
//! - A message from the client has a maximum size, and so has the overhead of its fragments.
//! - A client that does not answer pings, or does not read, is given up after a fixed time.
//!
//! ```
//! use bytes::Bytes;
//! use node0_websocket::{Event, Rules, Socket};
//!
//! # async fn run(io: tokio::io::DuplexStream) {
//! /// Returns each text to its sender.
//! let mut socket = Socket::new(io, Bytes::new(), &Rules::DEFAULT);
//! let end = loop {
//!     match socket.event().await {
//!         Ok(Event::Text(text)) if socket.is_free() => socket.send_text(text.as_bytes()),
//!         Ok(_) => {}
//!         Err(end) => break end,
//!     }
//! };
//! socket.finish(end).await;
//! # }
//! ```
//!
//! Extensions, such as compression, are not supported: an offer of one is ignored, as the protocol
//! allows.

mod handshake;
mod socket;

mod inbound;
mod keep_alive;
mod outbound;
mod signal;

pub use handshake::{Handshake, HandshakeError};
pub use inbound::Text;
pub use outbound::text_frame;
pub use socket::{End, Event, Rules, Socket};
