//! Tests through the public API: the server with real sockets, and its shutdown.

mod http2;
mod http2_unread;
mod recording;
mod server;
mod shares;
mod shutdown;
mod slow_bodies;
