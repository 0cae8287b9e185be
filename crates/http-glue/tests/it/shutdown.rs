//! The steps of a shutdown: readiness, drain delay, grace period.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http_glue::{Readiness, ReadinessStatus, Shutdown, bind, serve};
use metrics_core::Registry;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

async fn get_page(address: std::net::SocketAddr) -> std::io::Result<String> {
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
