//! `/metrics/stream`: the messages of a [`Streaming`](node0_streaming::Streaming) over HTTP.
//!
//! The same messages go out over a WebSocket, and as server-sent events to clients that accept those.
//! [`Streaming`](node0_streaming::Streaming) says what a reader gets and when. This module says who may
//! read, carries the messages, and gives up readers that do not take them.
//!
//! A client that does not read holds a fixed number of bytes: see [`StreamEndpoint`].

mod endpoint;

mod clients;
mod events;
mod self_metrics;
mod web_socket;

pub use endpoint::StreamEndpoint;
pub use self_metrics::{STREAM_CLOSED, STREAM_DESCS, STREAM_MESSAGES, STREAM_REFUSED};
