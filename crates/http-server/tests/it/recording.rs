//! A server that records the requests to its router.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use http::Request;
use node0_http_server::{RequestBody, Shutdown, bind, serve};
use node0_metrics_core::{ManualClock, Measuring, Registry, Value};
use node0_request_layer::{ACTIVE_REQUESTS, REQUEST_DURATION, RequestLayer, UNMATCHED};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tower_service::Service;

/// A server that records into a registry with a manual clock; dropping it aborts the server.
struct Recorded {
    clock: ManualClock,
    registry: Registry,
    address: SocketAddr,
    shutdown: Shutdown,
}

impl Drop for Recorded {
    fn drop(&mut self) {
        self.shutdown.abort();
    }
}

impl Recorded {
    async fn start(router: Router) -> Self {
        Self::start_with(|_| router).await
    }

    /// Starts a server of a router that may use the layer itself.
    async fn start_with(router: impl FnOnce(&RequestLayer) -> Router) -> Self {
        let clock = ManualClock::new();
        let registry = Registry::builder().clock(clock.clock()).build();
        let layer = RequestLayer::register(&registry).expect("the names are free");
        let listener = bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let shutdown = Shutdown::new();
        let router = router(&layer);
        tokio::spawn(serve(listener, router).record(&layer).shutdown(&shutdown).run());
        Self { clock, registry, address, shutdown }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("it listens")
    }

    /// Sends requests on one connection, and returns all that the server answers.
    async fn send(&self, requests: &[(&str, &str)]) -> String {
        let mut stream = self.connect().await;
        for (place, (method, path)) in requests.iter().enumerate() {
            let close = if place + 1 == requests.len() { "connection: close\r\n" } else { "" };
            let head = format!("{method} {path} HTTP/1.1\r\nhost: a\r\n{close}\r\n");
            stream.write_all(head.as_bytes()).await.expect("it is read");
        }
        let mut answer = Vec::new();
        // The connection of a handler that panics is reset: what was read until then is the answer.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Returns the count and the sum in seconds of one series.
    fn of(&self, method: &str, route: &str, status: &str) -> (u64, f64) {
        let labels = [
            ("http_request_method", method),
            ("http_route", route),
            ("http_response_status_code", status),
        ];
        match self.registry.read().snapshot.value(REQUEST_DURATION.name(), &labels) {
            Some(Value::Histogram(all)) => (all.total().count(), all.total().sum()),
            _ => (0, 0.0),
        }
    }

    fn active(&self) -> f64 {
        let sample = self.registry.read();
        let family = sample.snapshot.family(ACTIVE_REQUESTS.name());
        family.into_iter().flat_map(|family| family.series()).map(|(_, value)| value.as_f64()).sum()
    }
}

#[tokio::test]
async fn requests_are_recorded_by_their_templates() {
    let router = Router::new()
        .route("/orders", get(async || "all"))
        .route("/orders/{id}", get(async |Path(id): Path<String>| id));
    let recorded = Recorded::start(router).await;
    let paths = ["/orders", "/orders/1", "/orders/2?x=y", "/nothing", "/orders"];
    let answer = recorded.send(&paths.map(|path| ("GET", path))).await;
    assert_eq!(answer.matches(" 200 OK").count(), 4, "{answer}");
    recorded.send(&[("HEAD", "/orders"), ("POST", "/orders")]).await;
    for (method, route, status, count) in [
        ("GET", "/orders", "200", 2),
        ("GET", "/orders/{id}", "200", 2),
        ("GET", UNMATCHED, "404", 1),
        ("HEAD", "/orders", "200", 1),
        ("POST", "/orders", "405", 1),
    ] {
        assert_eq!(recorded.of(method, route, status).0, count, "{method} {route} {status}");
    }
    assert_eq!(recorded.active(), 0.0);
}

#[tokio::test]
async fn a_layer_of_the_served_router_records_nothing() {
    let orders = Router::new().route("/orders/{id}", get(async || "an order"));
    let recorded = Recorded::start_with(|layer| orders.layer(layer.clone())).await;
    recorded.send(&[("GET", "/orders/1"), ("GET", "/orders/2")]).await;
    assert_eq!(recorded.of("GET", "/orders/{id}", "200").0, 2);
}

#[tokio::test]
async fn a_request_ends_with_its_body() {
    let (tx, rx) = mpsc::channel::<Result<Bytes, Infallible>>(1);
    let rx = std::sync::Mutex::new(Some(rx));
    let rx = std::sync::Arc::new(rx);
    let handler = move || async move {
        let rx = rx.lock().expect("no panic").take().expect("one request");
        Body::from_stream(futures_util::stream::unfold(rx, async |mut rx| {
            rx.recv().await.map(|chunk| (chunk, rx))
        }))
    };
    let recorded = Recorded::start(Router::new().route("/stream", get(handler))).await;
    let mut stream = recorded.connect().await;
    stream.write_all(b"GET /stream HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("it is read");
    tx.send(Ok(Bytes::from_static(b"part"))).await.expect("it streams");
    let mut answer = Vec::new();
    while !answer.ends_with(b"part\r\n") {
        stream.read_buf(&mut answer).await.expect("an answer");
    }
    assert_eq!((recorded.active(), recorded.of("GET", "/stream", "200").0), (1.0, 0));
    recorded.clock.advance(Duration::from_secs(2));
    drop(tx);
    while !answer.ends_with(b"0\r\n\r\n") {
        stream.read_buf(&mut answer).await.expect("the end");
    }
    assert_eq!((recorded.active(), recorded.of("GET", "/stream", "200")), (0.0, (1, 2.0)));
}

#[tokio::test]
async fn a_request_that_is_given_up_counts_as_cancelled() {
    let (tx, mut rx) = mpsc::channel::<()>(1);
    let handler = move || {
        let tx = tx.clone();
        async move {
            tx.send(()).await.expect("the test waits");
            std::future::pending::<()>().await;
        }
    };
    let recorded = Recorded::start(Router::new().route("/never", get(handler))).await;
    let mut stream = recorded.connect().await;
    stream.write_all(b"GET /never HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("it is read");
    rx.recv().await.expect("it is called");
    recorded.clock.advance(Duration::from_secs(3));
    recorded.shutdown.abort();
    // The server has dropped the request once it closes the connection.
    let _ = stream.read_to_end(&mut Vec::new()).await;
    assert_eq!(recorded.of("GET", "/never", "cancelled"), (1, 3.0));
    assert_eq!(recorded.active(), 0.0);
}

#[tokio::test]
async fn a_handler_that_panics_counts_as_such() {
    let router = Router::new().route("/bomb", get(async || -> &str { panic!("told to") }));
    let recorded = Recorded::start(router).await;
    // The first goes through the layer in the route, the second does not.
    for count in [1, 2] {
        recorded.send(&[("GET", "/bomb")]).await;
        assert_eq!(recorded.of("GET", "/bomb", "panicked").0, count);
    }
    assert_eq!(recorded.active(), 0.0);
}

#[tokio::test]
async fn nothing_is_recorded_while_measuring_is_off() {
    let recorded = Recorded::start(Router::new().route("/", get(async || "hello"))).await;
    recorded.registry.set_measuring(Measuring::Off);
    assert!(recorded.send(&[("GET", "/"), ("GET", "/")]).await.ends_with("hello"));
    recorded.registry.set_measuring(Measuring::On);
    recorded.send(&[("GET", "/")]).await;
    assert_eq!(recorded.of("GET", "/", "200").0, 1);
}

/// A service that is ready only when it is asked a second time, and then once.
#[derive(Clone)]
struct Hesitant {
    is_asked: bool,
}

impl Service<Request<RequestBody>> for Hesitant {
    type Response = Response;
    type Error = Infallible;
    type Future = Ready<Result<Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if self.is_asked {
            return Poll::Ready(Ok(()));
        }
        self.is_asked = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn call(&mut self, _: Request<RequestBody>) -> Self::Future {
        assert!(self.is_asked, "it is ready");
        self.is_asked = false;
        ready(Ok(Response::new(Body::from("at last"))))
    }
}

#[tokio::test]
async fn a_service_that_is_not_ready_is_waited_for() {
    let listener = bind("127.0.0.1:0").await.expect("a free port");
    let mut stream = {
        let address = listener.local_addr().expect("it is bound");
        let shutdown = Shutdown::new();
        tokio::spawn(serve(listener, Hesitant { is_asked: false }).shutdown(&shutdown).run());
        TcpStream::connect(address).await.expect("it listens")
    };
    for _ in 0..2 {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("it is read");
        let mut answer = Vec::new();
        while !answer.ends_with(b"at last") {
            assert_ne!(stream.read_buf(&mut answer).await.expect("an answer"), 0);
        }
    }
}
