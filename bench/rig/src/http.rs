//! A small web service, with and without node0 around it, and the clients that call it.

mod client;
mod duplex;
mod floor;
mod loopback;
mod service;
mod wire;

pub use client::Client;
pub use duplex::Duplex;
pub use floor::{FloorFuture, RequestFloor};
pub use loopback::{CONNECTIONS, Loopback, Server, clock};
pub use service::{Answer, Form, Toggled, hello};
pub use wire::{get, write_get};

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

    pub fn path(self) -> &'static str {
        match self {
            Self::Static => "/hello",
            Self::Parameter => "/users/42",
        }
    }
}

/// The body of every answer of [`hello`].
const BODY: &str = "Hello, world!";
