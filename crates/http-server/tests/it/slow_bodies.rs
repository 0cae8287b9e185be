//! Clients that send the body of a request too slowly.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::Response;
use axum::routing::post;
use futures_util::StreamExt;
use node0_http_server::{REQUESTS_REFUSED, Shutdown, bind, serve};
use node0_metrics_core::{Registry, Value};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(50);

/// A server of three routes, whose limits are set; dropping it aborts the server.
struct Running {
    registry: Registry,
    shutdown: Shutdown,
    stream: TcpStream,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.abort();
    }
}

/// Starts a server with limits on one wait and on all, and connects to it.
async fn start(wait: Duration, whole: Duration) -> Running {
    let (registry, shutdown) = (Registry::new(), Shutdown::new());
    let app = Router::new()
        .route("/read", post(async |body: Bytes| format!("{} bytes", body.len())))
        // Answers at once, and then returns what the client sends.
        .route("/echo", post(async |body: Body| Response::new(body)))
        .route("/ignore", post(async || "ignored"));
    let listener = bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let server = serve(listener, app).shutdown(&shutdown).body_timeout(wait).request_timeout(whole);
    tokio::spawn(server.metrics(&registry).expect("the names are free").run());
    let stream = TcpStream::connect(address).await.expect("it listens");
    Running { registry, shutdown, stream }
}

impl Running {
    async fn send(&mut self, bytes: &str) {
        self.stream.write_all(bytes.as_bytes()).await.expect("it is read");
    }

    async fn post(&mut self, path: &str, begun: &str) {
        let head = format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n{begun}");
        self.send(&head).await;
    }

    /// Reads until the answer ends in these bytes.
    async fn until(&mut self, end: &str) -> String {
        let mut answer = Vec::new();
        let reading = async {
            while !answer.ends_with(end.as_bytes()) {
                assert_ne!(self.stream.read_buf(&mut answer).await.expect("an answer"), 0);
            }
        };
        timeout(LONG, reading).await.expect("it answers");
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Reads until the server closes the connection.
    async fn rest(&mut self) -> String {
        let mut answer = Vec::new();
        let reading = self.stream.read_to_end(&mut answer);
        timeout(LONG, reading).await.expect("the server hangs up").expect("it closes");
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn refused(&self) -> f64 {
        let labels = [("reason", "body_timeout")];
        let sample = self.registry.read();
        sample.snapshot.value(REQUESTS_REFUSED.name(), &labels).map_or(f64::NAN, Value::as_f64)
    }
}

#[tokio::test]
async fn a_client_that_stops_sending_gets_a_408_and_its_connection_is_closed() {
    for begun in ["", "half"] {
        let mut server = start(SHORT, LONG).await;
        server.post("/read", begun).await;
        let answer = server.rest().await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.contains("connection: close\r\n"), "{answer}");
        assert_eq!(server.refused(), 1.0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_a_byte_now_and_then_is_waited_for_no_longer_in_all() {
    let mut server = start(Duration::from_secs(10), Duration::from_secs(30)).await;
    server.post("/read", "").await;
    let mut sent = 0;
    // Each byte comes in time, and all of them would take 50 s.
    let start = tokio::time::Instant::now();
    let answer = loop {
        let mut answer = [0; 1024];
        match timeout(Duration::from_secs(5), server.stream.read(&mut answer)).await {
            Ok(read) => {
                break String::from_utf8_lossy(&answer[..read.expect("it closes")]).into_owned();
            }
            Err(_) => server.send("x").await,
        }
        sent += 1;
        assert!(sent < 10, "it is waited for");
    };
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(start.elapsed() >= Duration::from_secs(25), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_body_that_arrives_is_read_and_so_is_the_next_on_the_connection() {
    let mut server = start(LONG, LONG).await;
    for _ in 0..3 {
        server.post("/read", "half").await;
        server.send(" and a").await;
        assert!(server.until("10 bytes").await.starts_with("HTTP/1.1 200 "));
    }
    assert_eq!(server.refused(), 0.0);
}

#[tokio::test]
async fn a_service_that_does_not_read_the_body_waits_for_none() {
    let mut server = start(SHORT, SHORT).await;
    server.post("/ignore", "").await;
    let answer = server.until("ignored").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(server.refused(), 0.0);
}

#[tokio::test(start_paused = true)]
async fn a_client_may_be_silent_for_long_once_the_service_answers() {
    let mut server = start(SHORT, SHORT).await;
    server.post("/echo", "half").await;
    assert!(server.until("half").await.starts_with("HTTP/1.1 200 "));
    tokio::time::sleep(Duration::from_secs(3600)).await;
    server.send(" and a").await;
    server.until(" and a").await;
    assert_eq!(server.refused(), 0.0);
}

#[tokio::test]
async fn a_request_over_http2_fails_alone() {
    let (registry, shutdown) = (Registry::new(), Shutdown::new());
    let app =
        Router::new().route("/read", post(async |body: Bytes| format!("{} bytes", body.len())));
    let listener = bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let server = serve(listener, app).shutdown(&shutdown).body_timeout(SHORT);
    tokio::spawn(server.metrics(&registry).expect("the names are free").run());
    let stream = TcpStream::connect(address).await.expect("it listens");
    let io = hyper_util::rt::TokioIo::new(stream);
    let executor = hyper_util::rt::TokioExecutor::new();
    let connecting = hyper::client::conn::http2::handshake(executor, io).await;
    let (mut client, connection) = connecting.expect("it speaks HTTP/2");
    tokio::spawn(connection);
    let request = |body: Body| {
        http::Request::post(format!("http://{address}/read")).body(body).expect("a request")
    };
    let (held, rest) = mpsc::unbounded_channel::<Result<Bytes, std::convert::Infallible>>();
    let rest =
        futures_util::stream::unfold(rest, async |mut rest| Some((rest.recv().await?, rest)));
    let slow = client.send_request(request(Body::from_stream(rest.boxed()))).await;
    assert_eq!(slow.expect("an answer").status(), 408);
    let quick = client.send_request(request(Body::from("all"))).await;
    assert_eq!(quick.expect("the connection goes on").status(), 200);
    drop(held);
    shutdown.abort();
}
