//! A load to run.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// A load to run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    /// The address of the service.
    pub address: SocketAddr,
    /// The paths that the readers ask for in turn; those of one path are a group.
    ///
    /// Such as `/metrics/stream?metrics=cache`.
    pub paths: Vec<String>,
    /// The number of readers.
    pub clients: usize,
    /// The time for which they read after all are connected, in milliseconds.
    pub millis: u64,
    /// The behaviour of all of them.
    pub behaviour: Behaviour,
    /// The size of each socket's receive buffer in bytes; the system's choice if `None`.
    pub receive_buffer: Option<u32>,
}

/// The behaviour of a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Behaviour {
    /// It reads all that comes.
    Read,
    /// It never reads after the handshake.
    Stall,
    /// It never reads, and sends pings as fast as it can.
    FloodPings,
}

impl Plan {
    /// Readers of one path that read all that comes.
    #[must_use]
    pub fn new(address: SocketAddr, path: &str, clients: usize, millis: u64) -> Self {
        let behaviour = Behaviour::Read;
        let paths = vec![path.to_owned()];
        Self { address, paths, clients, millis, behaviour, receive_buffer: None }
    }

    /// Returns the number of the group of a reader.
    pub(crate) fn group(&self, index: usize) -> usize {
        index % self.paths.len().max(1)
    }
}
