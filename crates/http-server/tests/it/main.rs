//! Tests through the public API: the server with real sockets, and its shutdown.

mod recording;
mod server;
mod shutdown;
