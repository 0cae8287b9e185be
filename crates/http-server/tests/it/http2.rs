//! HTTP/2 with prior knowledge: the same limits, idle times and shutdown as for HTTP/1.1.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::routing::get;
use http::{Request, StatusCode, Version};
use http_body_util::BodyExt;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use node0_http_server::{Serve, Shutdown, bind, serve};
use node0_metrics_core::Registry;
use node0_request_layer::RequestLayer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

/// Longer than anything in a test takes.
const PATIENCE: Duration = Duration::from_secs(20);

struct Running {
    address: SocketAddr,
    shutdown: Shutdown,
    server: JoinHandle<()>,
}

type Settings = fn(Serve<TcpListener, Router>) -> Serve<TcpListener, Router>;

async fn start(shutdown: Shutdown, settings: Settings) -> Running {
    let app = Router::new()
        .route("/", get(async || "hello"))
        .route("/later", get(async || sleep(Duration::from_millis(300)).await))
        .route("/me", get(async |peer: ConnectInfo<SocketAddr>| peer.0.ip().to_string()));
    let listener = bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let server = settings(serve(listener, app).shutdown(&shutdown));
    Running { address, shutdown, server: tokio::spawn(server.run()) }
}

/// A client's connection, and the task that ends with it.
struct Client {
    requests: SendRequest<Body>,
    connection: JoinHandle<Result<(), hyper::Error>>,
}

impl Running {
    async fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.address).await.expect("it listens");
        let shaken = handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
        let (requests, connection) = shaken.expect("it speaks HTTP/2");
        Client { requests, connection: tokio::spawn(connection) }
    }

    async fn ends(self) {
        timeout(PATIENCE, self.server).await.expect("it ends").expect("no panic");
    }
}

impl Client {
    async fn ask(&mut self, path: &str) -> Result<(StatusCode, String), hyper::Error> {
        self.requests.ready().await?;
        let uri = format!("http://shop.example{path}");
        let request = Request::get(uri).body(Body::empty()).expect("a good request");
        let response = self.requests.send_request(request).await?;
        assert_eq!(response.version(), Version::HTTP_2);
        assert_eq!(response.headers().get("connection"), None, "HTTP/2 has no such header");
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }

    async fn closes(self) {
        let ended = timeout(PATIENCE, self.connection).await.expect("the server closes it");
        // How it is told is no matter here.
        let _ = ended.expect("no panic");
    }
}

#[tokio::test]
async fn many_requests_share_a_connection_and_are_recorded_by_route() {
    let registry = Registry::new();
    let requests = RequestLayer::register(&registry).expect("the names are free");
    let app = Router::new().route("/orders/{id}", get(async || "an order"));
    let listener = bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let shutdown = Shutdown::new();
    let server = serve(listener, app).record(&requests).shutdown(&shutdown);
    let running = Running { address, shutdown, server: tokio::spawn(server.run()) };
    let client = running.connect().await;
    let asked = (0..20).map(|id| {
        let mut client = client.requests.clone();
        async move {
            let uri = format!("http://shop.example/orders/{id}");
            let request = Request::get(uri).body(Body::empty()).expect("a good request");
            let response = client.send_request(request).await.expect("it is answered");
            response.into_body().collect().await.expect("whole").to_bytes()
        }
    });
    for body in futures_util::future::join_all(asked).await {
        assert_eq!(&body[..], b"an order");
    }
    drop(client);
    running.shutdown.abort();
    running.ends().await;
    let sample = registry.read();
    let labels = [
        ("http_request_method", "GET"),
        ("http_route", "/orders/{id}"),
        ("http_response_status_code", "200"),
    ];
    match sample.snapshot.value("http_server_request_duration_seconds", &labels) {
        Some(node0_metrics_core::Value::Histogram(recorded)) => assert_eq!(recorded.count(), 20),
        other => panic!("not recorded: {other:?}"),
    }
}

#[tokio::test]
async fn handlers_learn_the_address_of_their_client() {
    let running = start(Shutdown::new(), Serve::connect_info).await;
    let answer = running.connect().await.ask("/me").await.expect("it is answered");
    assert_eq!(answer, (StatusCode::OK, "127.0.0.1".to_owned()));
}

#[tokio::test]
async fn an_idle_connection_ends_and_a_busy_one_does_not() {
    let settings: Settings = |server| server.idle_timeout(Duration::from_millis(100));
    let running = start(Shutdown::new(), settings).await;
    let mut client = running.connect().await;
    let answered = client.ask("/later").await;
    assert_eq!(answered.expect("it is waited for").0, StatusCode::OK);
    client.closes().await;
    let unused = running.connect().await;
    unused.closes().await;
}

#[tokio::test]
async fn a_connection_that_only_pings_is_idle_and_has_no_half_sent_head() {
    let settings: Settings = |server| server.header_timeout(Duration::from_millis(100));
    let running = start(Shutdown::new(), settings).await;
    let mut stream = TcpStream::connect(running.address).await.expect("it listens");
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.expect("it is read");
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let ping = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
    stream.write_all(&settings).await.expect("it is read");
    for _ in 0..3 {
        stream.write_all(&ping).await.expect("it is read");
        sleep(Duration::from_millis(100)).await;
    }
    let mut answered = Vec::new();
    while !answered.ends_with(&ping[9..]) {
        assert_ne!(stream.read_buf(&mut answered).await.expect("it is open"), 0, "it was closed");
    }
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let running = start(Shutdown::new(), |server| server.max_head_bytes(4096)).await;
    let mut client = running.connect().await;
    let request = Request::get("http://shop.example/").header("x", "y".repeat(8192));
    let request = request.body(Body::empty()).expect("a good request");
    let refused = client.requests.send_request(request).await;
    let status = refused.map(|response| response.status());
    assert!(matches!(status, Err(_) | Ok(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)));
    assert_eq!(client.ask("/").await.expect("others are served").0, StatusCode::OK);
}

#[tokio::test]
async fn a_full_server_says_that_nothing_was_done() {
    let running = start(Shutdown::new(), |server| server.max_connections(1)).await;
    let mut busy = running.connect().await;
    busy.ask("/").await.expect("it is served");
    let answer = tokio::spawn(async move { busy.ask("/later").await });
    sleep(Duration::from_millis(50)).await;
    let refused = running.connect().await.ask("/").await.expect_err("there is no place");
    assert!(format!("{refused:?}").contains("ENHANCE_YOUR_CALM"), "{refused:?}");
    answer.await.expect("no panic").expect("it had a place");
}

#[tokio::test]
async fn a_shutdown_answers_what_has_begun_and_ends_the_connection() {
    let shutdown = Shutdown::new().drain_delay(Duration::from_secs(3600));
    let running = start(shutdown, |server| server).await;
    let mut client = running.connect().await;
    client.ask("/").await.expect("it is served");
    let mut asking =
        Client { requests: client.requests.clone(), connection: tokio::spawn(async { Ok(()) }) };
    let answer = tokio::spawn(async move { asking.ask("/later").await });
    sleep(Duration::from_millis(50)).await;
    running.shutdown.begin();
    let answered = answer.await.expect("no panic").expect("it has begun");
    assert_eq!(answered.0, StatusCode::OK);
    client.closes().await;
    let mut late = running.connect().await;
    late.ask("/").await.expect("in the drain, new connections are served");
    running.shutdown.abort();
    running.ends().await;
}

#[tokio::test]
async fn the_grace_period_cuts_what_does_not_end() {
    let shutdown = Shutdown::new().drain_delay(Duration::ZERO).grace(Duration::from_millis(50));
    let running = start(shutdown, |server| server).await;
    let begun = Instant::now();
    let mut client = running.connect().await;
    client.ask("/").await.expect("it is served");
    let answer = tokio::spawn(async move { client.ask("/later").await });
    sleep(Duration::from_millis(50)).await;
    running.shutdown.begin();
    running.ends().await;
    assert!(answer.await.expect("no panic").is_err());
    assert!(begun.elapsed() < PATIENCE);
}
