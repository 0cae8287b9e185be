//! Listeners: the sources of connections.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, ToSocketAddrs};

/// Accepts connections.
///
/// This trait is for hosts to implement, for transports other than TCP.
pub trait Listener: Send + 'static {
    /// A connection.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Waits for the next connection; dropping the future loses none.
    fn accept(&mut self) -> impl Future<Output = io::Result<Self::Io>> + Send;
}

impl Listener for TcpListener {
    type Io = tokio::net::TcpStream;

    async fn accept(&mut self) -> io::Result<Self::Io> {
        let (stream, _) = TcpListener::accept(self).await?;
        // Answers are written whole, so delaying a packet to fill it gains nothing. A
        // socket that refuses the option is closed already, which the first read shows.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }
}

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// Another process listens there.
    #[error(
        "{address} is taken: stop what listens there, or choose another port (0 picks a free one)"
    )]
    Taken {
        /// The address.
        address: String,
        /// The error of the system.
        source: io::Error,
    },
    /// The process has no right to listen there.
    #[error("{address} is not allowed: choose a port above 1023")]
    Forbidden {
        /// The address.
        address: String,
        /// The error of the system.
        source: io::Error,
    },
    /// The address is not one of this machine, or none at all.
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
/// [`BindError`], which names the address and what to do.
pub async fn bind(address: impl ToSocketAddrs + ToString) -> Result<TcpListener, BindError> {
    let name = address.to_string();
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => BindError::Taken { address: name, source },
        io::ErrorKind::PermissionDenied => BindError::Forbidden { address: name, source },
        _ => BindError::Unusable { address: name, source },
    })
}
