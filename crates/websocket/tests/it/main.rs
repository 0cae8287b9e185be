//! The WebSocket as its users see it, over a connection in memory.

mod autobahn;
mod client;
mod closing;
mod limits;
mod messages;
