//! The settings of the facade, in any order.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use node0::{CheckStatus, Exporter, Monitoring, Naming, NotReady, ReadinessStatus, bind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[test]
fn naming_and_exposition_can_be_set_in_either_order() {
    let prefixed = || Exporter::builder().prefix("shop").unwrap();
    let both = Monitoring::builder().naming(Naming::Both);
    let either = [
        both.exposition(prefixed()),
        Monitoring::builder().exposition(prefixed()).naming(Naming::Both),
    ];
    for settings in either {
        let monitoring = settings.build().expect("the settings are good");
        monitoring.performance().record_latency("work", Duration::from_millis(3));
        let page = monitoring.export();
        for name in ["shop_operation_duration_seconds_count", "shop_latency_ms_work_count"] {
            assert!(page.contains(name), "no {name} in\n{page}");
        }
    }
}

#[tokio::test]
async fn at_the_limit_of_connections_probes_are_answered() {
    let monitoring = Monitoring::builder().max_connections(1).build().expect("good settings");
    let router = Router::new()
        .route("/never", get(std::future::pending::<&str>))
        .merge(monitoring.routes().expect("its paths are free"));
    let listener = bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let serving = monitoring.clone();
    let server = tokio::spawn(async move { serving.serve(listener, router).await });
    let mut busy = TcpStream::connect(address).await.expect("it listens");
    busy.write_all(b"GET /never HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("it is read");
    for (path, status) in [("/metrics", "503"), ("/health/live", "200"), ("/health/ready", "200")] {
        let mut answer = String::new();
        while !answer.starts_with(&format!("HTTP/1.1 {status}")) {
            answer = ask(address, path).await;
        }
    }
    server.abort();
}

#[tokio::test]
async fn a_client_has_the_time_and_the_share_that_the_settings_say() {
    let monitoring = Monitoring::builder()
        .http(|http| http.body_timeout(Duration::from_millis(50)).max_connections_per_peer(1))
        .build()
        .expect("good settings");
    let router = Router::new()
        .route("/never", get(std::future::pending::<&str>))
        .route("/read", post(async |_: String| "read"));
    let listener = bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let serving = monitoring.clone();
    let server = tokio::spawn(async move { serving.serve(listener, router).await });
    let mut slow = TcpStream::connect(address).await.expect("it listens");
    let head = b"POST /read HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf";
    slow.write_all(head).await.expect("it is read");
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.expect("it is text");
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    let mut busy = TcpStream::connect(address).await.expect("it listens");
    busy.write_all(b"GET /never HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("it is read");
    while !ask(address, "/never").await.starts_with("HTTP/1.1 503") {}
    server.abort();
}

#[tokio::test]
async fn under_any_server_a_service_is_ready_as_soon_as_its_checks_pass() {
    let monitoring = Monitoring::builder().build().expect("good settings");
    let routes = monitoring.routes().expect("its paths are free");
    let listener = bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let shutdown = monitoring.shutdown().drain_delay(Duration::ZERO);
    let closing = shutdown.clone();
    let server = axum::serve(listener, monitoring.watch(routes).into_make_service());
    let server = server.with_graceful_shutdown(async move { closing.closing().await });
    let server = tokio::spawn(async move { server.await });
    let mut answer = String::new();
    while !answer.contains(r#""status":"ready""#) {
        answer = ask(address, "/health/ready").await;
    }
    shutdown.begin();
    assert!(monitoring.shutdown().has_begun(), "there is one shutdown");
    server.await.expect("no panic").expect("it ends");
}

#[tokio::test]
async fn a_host_that_says_when_it_has_started_is_waited_for() {
    let monitoring = Monitoring::builder()
        .readiness(|readiness| {
            readiness
                .waits_for_started()
                .check_fn("bank", async || Err(NotReady::new("it is closed")))
        })
        .build()
        .expect("good settings");
    let readiness = monitoring.readiness();
    while readiness.report().checks["bank"].status == CheckStatus::Unknown {
        tokio::task::yield_now().await;
    }
    assert_eq!(readiness.status(), ReadinessStatus::Starting);
    readiness.started();
    assert_eq!(readiness.status(), ReadinessStatus::NotReady);
}

#[tokio::test]
async fn the_shutdown_of_the_monitoring_ends_what_it_serves() {
    let monitoring = Monitoring::builder().build().expect("good settings");
    let listener = bind("127.0.0.1:0").await.expect("a free port");
    let serving = monitoring.clone();
    let server = tokio::spawn(async move { serving.serve(listener, Router::new()).await });
    monitoring.shutdown().abort();
    server.await.expect("no panic").expect("the registry has room");
}

/// Sends a request, and returns the answer.
async fn ask(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("it is read");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("it is text");
    answer
}
