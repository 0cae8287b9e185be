//! A small web service, with and without node0 around it, and the clients that call it.

mod duplex;
mod floor;
mod loopback;
mod service;

pub use duplex::Duplex;
pub use floor::{FloorFuture, RequestFloor};
pub use loopback::{Loopback, Server};
pub use service::{Answer, Form, Toggled, hello};

/// The path of a request.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// A path that equals its template.
    Static,
    /// A path with a parameter.
    Parameter,
}

impl Target {
    pub const ALL: [Self; 2] = [Self::Static, Self::Parameter];

    pub fn name(self) -> &'static str {
        match self {
            Self::Static => "static path",
            Self::Parameter => "path with a parameter",
        }
    }

    /// The head of the request.
    fn head(self) -> Vec<u8> {
        let path = match self {
            Self::Static => "/hello",
            Self::Parameter => "/users/42",
        };
        format!(
            "GET {path} HTTP/1.1\r\nhost: localhost\r\nuser-agent: bench/1\r\naccept: */*\r\n\r\n"
        )
        .into_bytes()
    }
}

/// The body of every answer, by whose end a client knows that the answer is whole.
const BODY: &str = "Hello, world!";
