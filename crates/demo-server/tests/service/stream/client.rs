//! A WebSocket client, made of a library that the demo does not use for what it sends.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;
use testbed::Deadline;
use tungstenite::client::IntoClientRequest as _;
use tungstenite::handshake::HandshakeError;
use tungstenite::http::{HeaderName, HeaderValue};
use tungstenite::protocol::{Message, WebSocket};
use tungstenite::{ClientHandshake, Error};

/// The longest time that a client waits for one message.
const PATIENCE: Duration = Duration::from_secs(10);

/// A client with an open stream.
pub(super) struct Client {
    socket: WebSocket<TcpStream>,
}

impl Client {
    /// Opens a stream of the demo with this query, such as `?metrics=cache`.
    pub(super) fn open(address: SocketAddr, query: &str) -> Self {
        Self::try_open(address, query, &[])
            .unwrap_or_else(|status| panic!("`{query}` is refused: {status}"))
    }

    /// Opens a stream with these headers, or returns the status of the refusal.
    pub(super) fn try_open(
        address: SocketAddr,
        query: &str,
        headers: &[(&str, &str)],
    ) -> Result<Self, u16> {
        let url = format!("ws://{address}/metrics/stream{query}");
        let mut request = url.into_client_request().expect("an address");
        for (name, value) in headers {
            let name = HeaderName::try_from(*name).expect("a name");
            request.headers_mut().insert(name, HeaderValue::try_from(*value).expect("a value"));
        }
        let stream = TcpStream::connect(address).expect("the demo listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
        stream.set_nodelay(true).expect("a socket");
        let handshake = ClientHandshake::start(stream, request, None).expect("a request");
        match handshake.handshake() {
            Ok((socket, _)) => Ok(Self { socket }),
            Err(HandshakeError::Failure(Error::Http(response))) => Err(response.status().as_u16()),
            Err(other) => panic!("{other}"),
        }
    }

    /// Sends a text.
    pub(super) fn say(&mut self, text: &str) {
        self.socket.send(Message::text(text)).expect("the stream is open");
    }

    /// Sends any message; the server may have closed the stream already.
    pub(super) fn send(&mut self, message: Message) {
        let _ = self.socket.send(message);
    }

    /// Sends bytes in place of frames.
    pub(super) fn send_raw(&mut self, bytes: &[u8]) {
        // The server may have closed the stream already.
        let _ = std::io::Write::write_all(self.socket.get_mut(), bytes);
    }

    /// Waits for the next message, or the code with which the stream is closed.
    pub(super) fn next(&mut self) -> Result<Value, u16> {
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    return Ok(serde_json::from_str(&text).expect("a message is JSON"));
                }
                Ok(Message::Close(Some(close))) => return Err(close.code.into()),
                Ok(Message::Close(None)) => return Err(1005),
                Ok(_) => {}
                Err(error) => panic!("neither a message nor a close frame came: {error}"),
            }
        }
    }

    /// Waits for the next message of a stream that stays open.
    pub(super) fn hear(&mut self) -> Value {
        self.next().unwrap_or_else(|code| panic!("closed with {code}"))
    }

    /// Waits for a message of this type and returns it; others are dropped.
    pub(super) fn hear_type(&mut self, kind: &str) -> Value {
        let found = Deadline::seconds(20).poll(|| {
            let message = self.hear();
            (message["type"] == kind).then_some(message)
        });
        found.unwrap_or_else(|| panic!("no message `{kind}` came"))
    }

    /// Waits until the stream is closed, and returns the code.
    pub(super) fn closed(&mut self) -> u16 {
        let code = Deadline::seconds(20).poll(|| self.next().err());
        code.expect("the stream is closed")
    }
}

/// Returns the names of the topics in a message, sorted.
pub(super) fn topics(message: &Value) -> Vec<&str> {
    let data = message["data"].as_object();
    data.map(|data| data.keys().map(String::as_str).collect()).unwrap_or_default()
}
