//! Listeners: the sources of connections.

use std::io;
use std::net::SocketAddr;

#[cfg(any(target_os = "android", target_os = "linux"))]
use socket2::SockFilter;
use socket2::SockRef;
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

    /// Refuses connections from now on, but still accepts those that clients have begun to open; by
    /// default it does nothing.
    ///
    /// The server calls it at its end. A connection that waits to be accepted when the listener is
    /// dropped is lost, with the request that its client has sent.
    fn refuse(&mut self) {}

    /// Returns the address of a connection's client; by default there is none.
    ///
    /// It is for [`Serve::max_connections_per_peer`](crate::Serve::max_connections_per_peer), which
    /// does not hold for a connection without an address, and for
    /// [`Serve::connect_info`](crate::Serve::connect_info).
    fn peer(io: &Self::Io) -> Option<SocketAddr> {
        let _ = io;
        None
    }
}

/// The bytes that the system takes for a client beyond what the client's own buffer takes.
///
/// The system's default is 4 MB, so that ten thousand clients which do not read would fill its
/// memory long before a write has to wait. On Linux it is exceeded by less than one write.
const MAX_UNSENT_BYTES: u32 = 64 * 1024;

/// Drops packets that begin a connection: the client sends them again a second later, and is refused by
/// then. Those of connections that have begun pass. The system reads the program from the packet's
/// TCP header on.
#[cfg(any(target_os = "android", target_os = "linux"))]
const WITHOUT_SYN: [SockFilter; 5] = [
    SockFilter::new(0x30, 0, 0, 13),       // load the flags
    SockFilter::new(0x54, 0, 0, 0x12),     // of which SYN and ACK count
    SockFilter::new(0x15, 0, 1, 0x02),     // if it is SYN alone,
    SockFilter::new(0x06, 0, 0, 0),        // drop the packet,
    SockFilter::new(0x06, 0, 0, u32::MAX), // else let it pass
];

impl Listener for TcpListener {
    type Io = tokio::net::TcpStream;

    async fn accept(&mut self) -> io::Result<Self::Io> {
        let (stream, _) = TcpListener::accept(self).await?;
        // Responses are written in few large writes, so waiting to fill a packet (Nagle's
        // algorithm) would only delay them. The option fails only on a socket that is already
        // closed, and then the first read fails too.
        let _ = stream.set_nodelay(true);
        limit_unsent(&stream);
        Ok(stream)
    }

    fn refuse(&mut self) {
        #[cfg(any(target_os = "android", target_os = "linux"))]
        let _ = SockRef::from(&*self).attach_filter(&WITHOUT_SYN);
    }

    fn peer(stream: &tokio::net::TcpStream) -> Option<SocketAddr> {
        stream.peer_addr().ok()
    }
}

/// Sets [`MAX_UNSENT_BYTES`]; where the system has no such option, its default stays.
fn limit_unsent(stream: &tokio::net::TcpStream) {
    #[cfg(any(target_os = "android", target_os = "linux"))]
    let _ = SockRef::from(stream).set_tcp_notsent_lowat(MAX_UNSENT_BYTES);
    #[cfg(not(any(target_os = "android", target_os = "linux")))]
    let _ = SockRef::from(stream).set_send_buffer_size(MAX_UNSENT_BYTES as usize);
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
