//! Returns each message of a WebSocket, over the server and the socket that the stream uses.
//!
//! Autobahn's test suite for servers runs against it. Its argument is the address to listen on; it
//! prints the address on which it listens.

use std::collections::VecDeque;
use std::error::Error;
use std::io::Write as _;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use node0_http_glue::{ApiError, bind, serve};
use node0_websocket::{Event, Handshake, Rules, Socket};

/// The limits for cases with messages of 16 MiB.
static RULES: Rules = Rules { max_message: 64 << 20, read_buffer: 64 << 10, ..Rules::DEFAULT };

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listener = bind(address).await?;
    writeln!(std::io::stdout(), "listening on {}", listener.local_addr()?)?;
    serve(listener, Router::new().fallback(get(open))).run().await;
    Ok(())
}

async fn open(mut request: Request) -> Response {
    let (method, version, headers) = (request.method(), request.version(), request.headers());
    match Handshake::check(method, version, headers) {
        Ok(handshake) => {
            tokio::spawn(echo(hyper::upgrade::on(&mut request)));
            handshake.response(Body::empty())
        }
        Err(error) => {
            ApiError::new(error.status(), "invalid_handshake", error.to_string()).into_response()
        }
    }
}

async fn echo(upgrade: OnUpgrade) {
    let Ok(upgraded) = upgrade.await else { return };
    let mut socket = Socket::new(TokioIo::new(upgraded), Bytes::new(), &RULES);
    // A client of the test suite may send without reading.
    let mut waiting = VecDeque::new();
    let end = loop {
        if socket.is_free() {
            match waiting.pop_front() {
                Some(Event::Text(text)) => socket.send_text(text.as_bytes()),
                Some(Event::Binary(bytes)) => socket.send_binary(&bytes),
                _ => {}
            }
        }
        match socket.event().await {
            Ok(message @ (Event::Text(_) | Event::Binary(_))) => waiting.push_back(message),
            Ok(_) => {}
            Err(end) => break end,
        }
    };
    socket.finish(end).await;
}
