//! The accept loop with clients that are slow, too many or send too much.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http_glue::{BindError, Shutdown, bind, serve};
use metrics_core::Registry;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A running server with one page; dropping it aborts the server.
struct Running {
    address: SocketAddr,
    shutdown: Shutdown,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.abort();
    }
}

async fn start(connections: usize, header: Duration) -> Running {
    let listener = bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let shutdown = Shutdown::new();
    let app = Router::new().route("/", get(async || "hello"));
    let server = serve(listener, app)
        .shutdown(&shutdown)
        .max_connections(connections)
        .header_timeout(header)
        .metrics(&Registry::new())
        .expect("the names are free");
    tokio::spawn(server.run());
    Running { address, shutdown }
}

/// Sends bytes, and reads until the server closes the connection.
async fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let mut answer = Vec::new();
    // The server may close the connection half-way: what was read until then is the result.
    let _ = stream.write_all(bytes).await;
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn a_half_sent_head_is_not_waited_for() {
    let server = start(8, Duration::from_millis(100)).await;
    let half = exchange(server.address, b"GET / HTTP/1.1\r\nhost: a\r\nx-slow: ");
    let answer = tokio::time::timeout(Duration::from_secs(5), half).await;
    assert!(!answer.expect("the server hangs up").contains("200 OK"));
    assert!(exchange(server.address, GET).await.ends_with("hello"));
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let server = start(8, Duration::from_secs(10)).await;
    let long = format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "y".repeat(64 << 10));
    let answer = exchange(server.address, long.as_bytes()).await;
    assert!(answer.is_empty() || answer.contains(" 431 "), "{answer:.80}");
    assert!(exchange(server.address, GET).await.ends_with("hello"));
}

#[tokio::test]
async fn connections_beyond_the_limit_are_turned_away_and_the_others_served() {
    let server = start(2, Duration::from_secs(10)).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(server.address).await.expect("it listens");
        stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("it is read");
        let mut first = [0; 15];
        stream.read_exact(&mut first).await.expect("it is served");
        assert_eq!(&first, b"HTTP/1.1 200 OK");
        held.push(stream);
    }
    let refused = exchange(server.address, GET).await;
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    assert!(refused.to_lowercase().contains("retry-after"), "{refused}");
    drop(held);
    let mut served = String::new();
    while !served.ends_with("hello") {
        served = exchange(server.address, GET).await;
    }
}

#[tokio::test]
async fn a_taken_address_is_named_with_the_remedy() {
    let taken = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = taken.local_addr().expect("it is bound").to_string();
    let error = bind(&address).await.expect_err("it is taken");
    assert!(matches!(error, BindError::Taken { .. }));
    assert!(error.to_string().contains(&address) && error.to_string().contains("port"), "{error}");
    let unusable = bind("no address at all").await.expect_err("it is none");
    assert!(matches!(unusable, BindError::Unusable { .. }), "{unusable}");
}
