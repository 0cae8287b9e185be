//! Listeners: the sources of connections.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, ToSocketAddrs};

/// A source of connections, such as a TCP socket.
///
/// Hosts implement it for transports other than TCP.
pub trait Listener: Send + 'static {
    /// The type of its connections.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Waits for the next connection; it is cancel-safe: dropping the future loses no connection.
    fn accept(&mut self) -> impl Future<Output = io::Result<Self::Io>> + Send;
}

impl Listener for TcpListener {
    type Io = tokio::net::TcpStream;

    async fn accept(&mut self) -> io::Result<Self::Io> {
        let (stream, _) = TcpListener::accept(self).await?;
        // Responses are written in few large writes, so waiting to fill a packet (Nagle's
        // algorithm) would only delay them. The option fails only on a socket that is already
        // closed, and then the first read fails too.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }
}

/// The reason why the server cannot listen on an address.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// Another socket listens on the address.
    #[error(
        "{address} is taken: stop what listens there, or choose another port (0 picks a free one)"
    )]
    Taken {
        /// The address.
        address: String,
        /// The error of the system.
        source: io::Error,
    },
    /// The process may not listen on this port.
    #[error("{address} is not allowed: choose a port above 1023")]
    Forbidden {
        /// The address.
        address: String,
        /// The error of the system.
        source: io::Error,
    },
    /// The address does not belong to this machine, or is no valid address.
    #[error(
        "{address} cannot be listened on: use an address of this machine, such as 127.0.0.1:3000"
    )]
    Unusable {
        /// The address.
        address: String,
        /// The error of the system.
        source: io::Error,
    },
}

/// Listens on an address such as `127.0.0.1:3000`; port 0 picks a free one.
///
/// # Errors
/// [`BindError`], whose message names the address and the remedy.
pub async fn bind(address: impl ToSocketAddrs + ToString) -> Result<TcpListener, BindError> {
    let name = address.to_string();
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => BindError::Taken { address: name, source },
        io::ErrorKind::PermissionDenied => BindError::Forbidden { address: name, source },
        _ => BindError::Unusable { address: name, source },
    })
}
