//! The steps of a shutdown: readiness, drain delay, grace period.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use node0_http_server::{Readiness, ReadinessStatus, Shutdown, bind, serve};
use node0_metrics_core::Registry;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

async fn get_page(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn readiness_goes_first_and_requests_are_served_through_the_drain() {
    let readiness = Readiness::builder(&Registry::new()).start();
    readiness.started();
    let drain = Duration::from_millis(300);
    let shutdown = Shutdown::new().readiness(&readiness).drain_delay(drain);
    let listener = bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let app = Router::new().route("/", get(async || "hello"));
    let server = tokio::spawn(serve(listener, app).shutdown(&shutdown).run());

    let begun = Instant::now();
    shutdown.begin();
    assert_eq!(readiness.status(), ReadinessStatus::Draining);
    let answer = get_page(address).await.expect("it is still served");
    assert!(answer.ends_with("hello"), "{answer}");
    timeout(Duration::from_secs(5), server).await.expect("it ends").expect("without a panic");
    assert!(begun.elapsed() >= drain);
    assert!(get_page(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn what_does_not_finish_within_the_grace_is_cut() {
    let shutdown = Shutdown::new().drain_delay(Duration::ZERO).grace(Duration::from_millis(200));
    let listener = bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let app = Router::new().route("/", get(std::future::pending::<&str>));
    let server = tokio::spawn(serve(listener, app).shutdown(&shutdown).run());
    let mut stuck = TcpStream::connect(address).await.expect("it listens");
    stuck.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("it is read");

    shutdown.begin();
    timeout(Duration::from_secs(5), server).await.expect("it ends").expect("without a panic");
    let mut rest = Vec::new();
    let read = timeout(Duration::from_secs(5), stuck.read_to_end(&mut rest)).await;
    assert!(read.is_ok(), "the connection is cut");
}

#[tokio::test]
async fn an_abort_ends_at_once() {
    let shutdown = Shutdown::new().drain_delay(Duration::from_secs(3600));
    let listener = bind("127.0.0.1:0").await.expect("a free port");
    let app = Router::new().route("/", get(async || "hello"));
    let server = tokio::spawn(serve(listener, app).shutdown(&shutdown).run());
    shutdown.begin();
    shutdown.abort();
    timeout(Duration::from_secs(5), server).await.expect("it ends").expect("without a panic");
}

/// A server of one page, on connections that its clients keep.
struct Kept {
    address: SocketAddr,
    shutdown: Shutdown,
    server: JoinHandle<()>,
}

impl Kept {
    async fn start(drain: Duration) -> Self {
        let shutdown = Shutdown::new().drain_delay(drain);
        let listener = bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let app = Router::new().route("/", get(async || "hello"));
        let server = tokio::spawn(serve(listener, app).shutdown(&shutdown).run());
        Self { address, shutdown, server }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("it listens")
    }

    async fn ends(self) {
        timeout(Duration::from_secs(5), self.server).await.expect("it ends").expect("no panic");
    }
}

/// Sends a request on a kept connection; returns `true` if its answer announces the end.
async fn announces_end(stream: &mut TcpStream) -> std::io::Result<bool> {
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"hello") {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(String::from_utf8_lossy(&answer).contains("connection: close"))
}

#[tokio::test]
async fn the_first_answer_of_a_shutdown_announces_the_end_of_its_connection() {
    let kept = Kept::start(Duration::from_secs(3600)).await;
    let mut stream = kept.connect().await;
    assert!(!announces_end(&mut stream).await.expect("it is served"));
    kept.shutdown.begin();
    assert!(announces_end(&mut stream).await.expect("it is served"));
    assert_eq!(stream.read(&mut [0]).await.expect("it ends well"), 0);
    assert!(announces_end(&mut kept.connect().await).await.expect("a new one is served too"));
    kept.shutdown.abort();
    kept.ends().await;
}

#[tokio::test]
async fn a_request_that_crosses_the_end_is_answered() {
    let kept = Kept::start(Duration::ZERO).await;
    let mut stream = kept.connect().await;
    announces_end(&mut stream).await.expect("it is served");
    kept.shutdown.begin();
    assert!(announces_end(&mut stream).await.expect("the connection had a last call"));
    kept.ends().await;
}

#[tokio::test]
async fn a_connection_that_waits_to_be_accepted_is_served() {
    let shutdown = Shutdown::new().drain_delay(Duration::ZERO);
    let listener = bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let mut waiting = TcpStream::connect(address).await.expect("the system has accepted it");
    waiting.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("it is kept");
    shutdown.begin();
    let app = Router::new().route("/", get(async || "hello"));
    timeout(Duration::from_secs(5), serve(listener, app).shutdown(&shutdown).run())
        .await
        .expect("it ends");
    let mut answer = String::new();
    waiting.read_to_string(&mut answer).await.expect("it was not cut");
    assert!(answer.ends_with("hello"), "{answer}");
    TcpStream::connect(address).await.expect_err("nobody listens any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_client_that_heeds_the_announcement_loses_a_request() {
    let kept = Kept::start(Duration::from_millis(300)).await;
    let clients: Vec<_> = (0..60)
        .map(|_| {
            let address = kept.address;
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(address).await?;
                let mut answers = 1;
                while !announces_end(&mut stream).await? {
                    answers += 1;
                }
                Ok::<u32, std::io::Error>(answers)
            })
        })
        .collect();
    announces_end(&mut kept.connect().await).await.expect("it is served");
    kept.shutdown.begin();
    kept.ends().await;
    for client in clients {
        client.await.expect("no panic").expect("each request was answered");
    }
}
