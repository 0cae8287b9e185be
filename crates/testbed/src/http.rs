//! A plain HTTP/1.1 client for tests, which shows the bytes on the wire.
//!
//! Tests must see details that a client library hides: the spelling of headers, the end
//! of the connection, the answer to a malformed request line. A library would also share
//! its bugs with a server that is built on the same parts. So this client is written
//! after the specification. It blocks, uses a connection per request or the one that it is given,
//! and limits the time of every read and the size of every answer.

use std::fmt;
use std::io::{self, Read, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

mod parse;

/// The longest time that one read or write may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest answer that is read, in bytes.
const MAX_ANSWER: u64 = 64 * 1024 * 1024;

/// An answer, as it was on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The header fields in their order and spelling.
    pub headers: Vec<(String, String)>,
    /// The body, with chunks joined.
    pub body: Vec<u8>,
}

/// An exchange that gave no well-formed answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// Connecting, writing or reading failed.
    #[error("the exchange with {address} failed")]
    Io {
        /// The server.
        address: SocketAddr,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The answer is not HTTP/1.
    #[error("{address} answered with a malformed {part}: {bytes:?}")]
    Malformed {
        /// The server.
        address: SocketAddr,
        /// The part that is malformed.
        part: &'static str,
        /// The beginning of the answer.
        bytes: String,
    },
}

impl Response {
    /// Returns the first header field called `name`, in any case of letters.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let field = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        field.map(|(_, value)| value.as_str())
    }

    /// Returns the body as text; bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Parses the body as JSON.
    ///
    /// # Errors
    ///
    /// Fails when it is not JSON.
    pub fn json(&self) -> Result<serde_json::Value, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }
}

/// A request that is built up and then sent.
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    /// Starts a request; `target` is sent as it is, unescaped.
    pub fn new(method: &str, target: &str) -> Self {
        let (method, target) = (method.to_owned(), target.to_owned());
        Self { method, target, headers: Vec::new(), body: Vec::new() }
    }

    /// Starts a GET request.
    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// Adds a header field.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends this JSON value as the body, with its content type.
    pub fn json(mut self, body: &serde_json::Value) -> Self {
        self.body = body.to_string().into_bytes();
        self.header("Content-Type", "application/json")
    }

    /// Sends the request on a connection of its own and reads the whole answer.
    ///
    /// # Errors
    ///
    /// Fails when the exchange fails or the answer is not HTTP/1.
    pub fn send(&self, address: SocketAddr) -> Result<Response, HttpError> {
        let closing = self.clone().header("Connection", "close");
        closing.exchange(&mut connect(address)?, address)
    }

    /// Sends the request on a connection that stays open, and reads the whole answer.
    ///
    /// # Errors
    ///
    /// Fails as for [`Self::send`].
    pub fn send_on(&self, stream: &mut TcpStream) -> Result<Response, HttpError> {
        let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
        let address = stream.peer_addr();
        let address = address.map_err(|source| HttpError::Io { address: unknown, source })?;
        self.exchange(stream, address)
    }

    fn exchange(&self, stream: &mut TcpStream, address: SocketAddr) -> Result<Response, HttpError> {
        let io = |source| HttpError::Io { address, source };
        stream.write_all(&self.to_bytes(address)).map_err(io)?;
        let mut answer = Vec::new();
        parse::response(stream, &mut answer, self.method == "HEAD").map_err(|problem| match problem
        {
            parse::Problem::Io(source) => io(source),
            parse::Problem::Malformed(part) => {
                HttpError::Malformed { address, part, bytes: beginning(&answer) }
            }
        })
    }

    fn to_bytes(&self, address: SocketAddr) -> Vec<u8> {
        use fmt::Write as _;
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        let has_host = self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host"));
        // Writing to a string cannot fail.
        if !has_host {
            let _ = write!(head, "Host: {address}\r\n");
        }
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if !self.body.is_empty() {
            let _ = write!(head, "Content-Length: {}\r\n", self.body.len());
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// Sends a GET and reads the whole answer.
///
/// # Errors
///
/// Fails when the exchange fails or the answer is not HTTP/1.
pub fn get(address: SocketAddr, target: &str) -> Result<Response, HttpError> {
    Request::get(target).send(address)
}

/// Sends bytes as they are, closes the sending side, and returns the whole answer.
///
/// A server may reset the connection on malformed input; this ends the answer and is no
/// error.
///
/// # Errors
///
/// Fails when the server cannot be reached or does not close the connection in time.
pub fn send_raw(address: SocketAddr, bytes: &[u8]) -> Result<Vec<u8>, HttpError> {
    let mut stream = connect(address)?;
    let written = stream.write_all(bytes).and_then(|()| stream.shutdown(Shutdown::Write));
    let mut answer = Vec::new();
    let read = (&mut stream).take(MAX_ANSWER).read_to_end(&mut answer);
    match written.and(read.map(drop)) {
        Err(source) if !ends_the_answer(source.kind()) => Err(HttpError::Io { address, source }),
        _ => Ok(answer),
    }
}

/// Percent-encodes text for use as one query value.
#[must_use]
pub fn encode_query(value: &str) -> String {
    use fmt::Write as _;
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn connect(address: SocketAddr) -> Result<TcpStream, HttpError> {
    let io = |source| HttpError::Io { address, source };
    let stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(io)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(io)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(io)?;
    Ok(stream)
}

fn ends_the_answer(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected};
    matches!(kind, BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected)
}

fn beginning(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned()
}
