//! The accept loop with clients that are slow, too many or send too much.

use std::future::pending;
use std::net::SocketAddr;
use std::panic::panic_any;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use node0_http_server::{BindError, Shutdown, bind, serve};
use node0_metrics_core::Registry;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

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
    let app = Router::new()
        .route("/", get(async || "hello"))
        .route("/later", get(async || sleep(Duration::from_millis(50)).await))
        .route("/never", get(pending::<&str>))
        .route("/health/live", get(async || "alive"));
    let server = serve(listener, app)
        .shutdown(&shutdown)
        .max_connections(connections)
        .header_timeout(header)
        .metrics(&Registry::new())
        .expect("the names are free");
    tokio::spawn(server.run());
    Running { address, shutdown }
}

impl Running {
    /// Opens a connection.
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("it listens")
    }
}

/// Sends a request on a connection that stays open, and returns the head of its answer.
async fn ask(stream: &mut TcpStream, path: &str) -> std::io::Result<String> {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes()).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"hello") && !answer.ends_with(b"alive") {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
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
async fn the_connection_that_is_idle_for_longest_gives_way() {
    let server = start(2, Duration::from_secs(10)).await;
    let (mut first, mut second) = (server.connect().await, server.connect().await);
    for kept in [&mut second, &mut first] {
        ask(kept, "/").await.expect("it is served");
        // Idle times are compared in milliseconds.
        sleep(Duration::from_millis(5)).await;
    }
    let mut third = server.connect().await;
    ask(&mut third, "/").await.expect("it gets the second one's place");
    ask(&mut first, "/").await.expect("it has been idle for less time");
    ask(&mut second, "/").await.expect_err("it was closed");
}

#[tokio::test]
async fn a_server_full_of_busy_connections_answers_probes_only() {
    let server = start(2, Duration::from_secs(10)).await;
    let mut busy = Vec::new();
    for _ in 0..2 {
        let mut stream = server.connect().await;
        stream.write_all(b"GET /never HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("it is read");
        busy.push(stream);
    }
    let mut refused = exchange(server.address, GET).await;
    // Until both requests have arrived, their connections are none that give way, but have places.
    while refused.starts_with("HTTP/1.1 200") {
        refused = exchange(server.address, GET).await;
    }
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    assert!(refused.to_lowercase().contains("retry-after"), "{refused}");
    for _ in 0..3 {
        let probe = b"GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n";
        let answer = exchange(server.address, probe).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("alive"), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
    drop(busy);
    let mut served = String::new();
    while !served.ends_with("hello") {
        served = exchange(server.address, GET).await;
    }
}

#[tokio::test]
async fn a_client_that_sends_nothing_more_gets_its_answer() {
    let server = start(8, Duration::from_secs(10)).await;
    for path in ["/", "/later"].repeat(10) {
        let mut stream = server.connect().await;
        let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("it is read");
        stream.shutdown().await.expect("the sending side ends");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("it is text");
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_request_ends_soon_after_its_client_is_gone() {
    let listener = bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let (begun, mut begins) = tokio::sync::mpsc::unbounded_channel();
    let app = Router::new().route(
        "/",
        get(async move || {
            let (held, dropped) = tokio::sync::oneshot::channel::<()>();
            begun.send(dropped).expect("the test waits");
            pending::<()>().await;
            drop(held);
        }),
    );
    let server = tokio::spawn(serve(listener, app).run());
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("it is read");
    let dropped = begins.recv().await.expect("the handler runs");
    drop(stream);
    let ended = tokio::time::timeout(Duration::from_secs(20), dropped).await;
    ended.expect("the handler was dropped").expect_err("without an answer");
    server.abort();
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

/// Panics when it is dropped.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("told to, in a destructor");
    }
}

#[tokio::test]
async fn a_handler_whose_panic_panics_when_it_is_dropped_does_not_end_the_server() {
    let listener = bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let shutdown = Shutdown::new();
    let app = Router::new()
        .route("/", get(async || "hello"))
        .route("/panic", get(async || -> &'static str { panic_any(Grenade) }));
    let server = tokio::spawn(serve(listener, app).shutdown(&shutdown).run());
    for _ in 0..2 {
        let answer = exchange(address, b"GET /panic HTTP/1.1\r\nhost: a\r\n\r\n").await;
        assert!(answer.is_empty(), "{answer}");
        assert!(exchange(address, GET).await.ends_with("hello"));
    }
    shutdown.abort();
    server.await.expect("it ends without a panic");
}
