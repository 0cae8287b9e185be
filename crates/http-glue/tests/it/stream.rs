//! The stream over real sockets: WebSockets, server-sent events, and clients that mean harm.

mod client;
mod events;
mod handshakes;
mod hostile;
mod limits;
mod load;
mod messages;
mod service;
mod shutdown;
