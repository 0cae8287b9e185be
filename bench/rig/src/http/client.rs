//! A client with one connection, which costs as little as can be.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::wire;

/// The limit for an answer, beyond which something is broken.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection to a server on this machine.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Client {
    /// # Errors
    /// Fails when the server does not listen.
    pub fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).context("cannot reach the server")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, answer: Vec::new() })
    }

    /// Sends a request, whose answer is taken by [`Client::receive`].
    ///
    /// # Errors
    /// Fails when the server has closed the connection.
    pub fn send(&mut self, request: &[u8]) -> Result<()> {
        self.stream.write_all(request).context("cannot send a request")
    }

    /// Returns the body of the next answer.
    ///
    /// # Errors
    /// Fails when there is no answer in time, or when it is no success.
    pub fn receive(&mut self) -> Result<&[u8]> {
        wire::read(&mut self.stream, &mut self.answer)
    }

    /// Requests a path, and returns the body of the answer.
    ///
    /// # Errors
    /// As [`Client::send`] and [`Client::receive`].
    pub fn fetch(&mut self, path: &str) -> Result<&[u8]> {
        self.send(&wire::get(path))?;
        self.receive()
    }
}
