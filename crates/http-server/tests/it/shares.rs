//! Clients that take more than their share of the connections.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use node0_http_server::{Shutdown, bind, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

const GREEDY: &str = "127.0.0.1:0";
/// Another address of loopback, which Linux lets a client have without any setting.
const OTHER: &str = "127.0.0.2:0";

/// A running server; dropping it aborts the server.
struct Running {
    address: SocketAddr,
    shutdown: Shutdown,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.abort();
    }
}

async fn start(connections: usize, per_peer: Option<usize>) -> Running {
    let listener = bind("127.0.0.1:0").await.expect("a free port");
    let (address, shutdown) = (listener.local_addr().expect("it is bound"), Shutdown::new());
    let app = Router::new()
        .route("/", get(async || "hello"))
        .route("/never", get(std::future::pending::<&str>))
        .route("/health/live", get(async || "alive"));
    let server = serve(listener, app).shutdown(&shutdown).max_connections(connections);
    let server =
        per_peer.into_iter().fold(server, |server, most| server.max_connections_per_peer(most));
    tokio::spawn(server.run());
    Running { address, shutdown }
}

impl Running {
    /// Connects from an address; sends the beginning of a request.
    async fn send(&self, from: &str, request: &str) -> TcpStream {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(from.parse().expect("an address")).expect("it is of this machine");
        let mut stream = socket.connect(self.address).await.expect("it listens");
        // The server may have hung up already.
        let _ = stream.write_all(request.as_bytes()).await;
        stream
    }

    /// Asks from an address, and returns the answer.
    async fn ask(&self, from: &str, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        let mut stream = self.send(from, &request).await;
        let mut answer = Vec::new();
        let _ = timeout(Duration::from_secs(60), stream.read_to_end(&mut answer)).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Takes as many connections from an address as it can have, with requests that do not end.
    async fn fill(&self, from: &str, connections: usize) -> Vec<TcpStream> {
        let mut busy = Vec::new();
        for _ in 0..connections {
            busy.push(self.send(from, "GET /never HTTP/1.1\r\nhost: a\r\n\r\n").await);
        }
        // Connections whose requests have not arrived are accepted in this order all the same.
        while !self.ask(from, "/").await.starts_with("HTTP/1.1 503") {}
        busy
    }
}

#[tokio::test]
async fn a_client_that_takes_all_it_can_leaves_a_quarter_to_others() {
    let server = start(8, None).await;
    let _busy = server.fill(GREEDY, 6).await;
    assert!(server.ask(OTHER, "/").await.ends_with("hello"));
    let _others = server.fill(OTHER, 2).await;
    for client in [GREEDY, OTHER] {
        let probe = server.ask(client, "/health/live").await;
        assert!(probe.ends_with("alive"), "{probe}");
    }
}

#[tokio::test]
async fn a_client_may_be_given_all_connections() {
    let server = start(4, Some(4)).await;
    let _busy = server.fill(GREEDY, 4).await;
    assert!(server.ask(OTHER, "/").await.starts_with("HTTP/1.1 503"));
}

#[tokio::test]
async fn a_client_that_has_its_share_gives_up_its_own_idle_connection() {
    let server = start(8, Some(1)).await;
    let keep = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
    let mut others = server.send(OTHER, keep).await;
    let mut first = server.send(GREEDY, keep).await;
    for stream in [&mut others, &mut first] {
        let mut answer = Vec::new();
        while !answer.ends_with(b"hello") {
            assert_ne!(stream.read_buf(&mut answer).await.expect("an answer"), 0);
        }
    }
    assert!(server.ask(GREEDY, "/").await.ends_with("hello"));
    assert_eq!(first.read(&mut [0; 8]).await.expect("it was closed"), 0);
    others
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await
        .expect("it is open");
    let mut answer = String::new();
    others.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.ends_with("hello"), "the other client is left alone: {answer}");
}

#[tokio::test]
async fn a_client_that_fills_a_full_server_with_silence_leaves_places_for_probes() {
    let server = start(4, Some(4)).await;
    let _busy = server.fill(GREEDY, 4).await;
    // Each is waited for a second, whether it asks for a probe or not.
    let mut silent = Vec::new();
    for begun in ["", "GET /health/live HTTP/1.1\r\n"].repeat(100) {
        silent.push(server.send(GREEDY, begun).await);
    }
    let probe = server.ask(OTHER, "/health/live").await;
    assert!(probe.ends_with("alive"), "{probe}");
}
