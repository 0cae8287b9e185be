//! The service under axum's server and behind TLS, with its layers.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use axum_server::tls_rustls::RustlsConfig;
use layered_service::{app, end_with};
use node0::Monitoring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use testbed::http;

/// Returns the line of a page that counts the requests to a route with a status.
fn counted(page: &str, route: &str, status: &str) -> String {
    let wanted = [format!("http_route=\"{route}\""), format!("_status_code=\"{status}\"")];
    let is_it = |line: &&str| {
        line.starts_with("http_server_request_duration_seconds_count")
            && wanted.iter().all(|label| line.contains(label))
    };
    let line = page.lines().find(is_it).unwrap_or_else(|| panic!("no {wanted:?} in\n{page}"));
    line.rsplit(' ').next().unwrap_or_default().to_owned()
}

// The test's own task may block: others serve.
#[tokio::test(flavor = "multi_thread")]
async fn layers_and_recording_go_together() {
    let monitoring = Monitoring::builder().build().expect("the defaults are right");
    let listener = node0::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let service = app(&monitoring).expect("there is room");
    let service = service.into_make_service_with_connect_info::<SocketAddr>();
    let shutdown = monitoring.shutdown();
    let closing = shutdown.clone();
    let server = axum::serve(listener, service);
    let server = server.with_graceful_shutdown(async move { closing.closing().await });
    let server = tokio::spawn(async move { server.await });

    let order = http::Request::get("/orders/7").header("accept-encoding", "gzip");
    let order = order.header("origin", "https://shop.example").send(address).expect("an answer");
    assert_eq!(order.status, 200);
    assert_eq!(order.header("content-encoding"), Some("gzip"));
    assert_eq!(order.header("access-control-allow-origin"), Some("*"));
    assert_eq!(http::get(address, "/me").expect("an answer").text(), "127.0.0.1");
    assert_eq!(http::get(address, "/broken").expect("an answer").status, 502);
    assert_eq!(http::get(address, "/health/ready").expect("an answer").status, 200);

    let page = http::get(address, "/metrics").expect("an answer").text();
    assert_eq!(counted(&page, "/orders/{id}", "200"), "1");
    assert_eq!(counted(&page, "/broken", "502"), "1");
    assert!(page.contains("operation_failures_total{operation=\"http:requests\"} 1\n"), "{page}");
    assert!(page.contains("operations_total{operation=\"http:requests\"} 3\n"), "{page}");
    shutdown.abort();
    server.await.expect("no panic").expect("it ends");
}

/// Sends a request over TLS, and returns the answer.
fn ask_by_tls(address: SocketAddr, certificate: CertificateDer<'static>, path: &str) -> String {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("it is one");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.expect("it has them").with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("it is set up");
    let stream = TcpStream::connect(address).expect("it listens");
    let mut stream = StreamOwned::new(connection, stream);
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it is read");
    let mut answer = String::new();
    // The server may close the connection without a last word of TLS.
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn axum_server_serves_the_same_behind_tls() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let (certificate, key) = (made.cert.der().clone(), made.signing_key.serialize_der());
    // Both rustls and axum-server then know which implementation of TLS to take.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let tls = RustlsConfig::from_der(vec![certificate.to_vec()], key).await.expect("a good pair");

    let monitoring = Monitoring::builder().build().expect("the defaults are right");
    let service = app(&monitoring).expect("there is room");
    let service = service.into_make_service_with_connect_info::<SocketAddr>();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    listener.set_nonblocking(true).expect("it can be");
    let shutdown = monitoring.shutdown().drain_delay(Duration::ZERO);
    let closing = shutdown.clone();
    let handle = end_with(async move { closing.closing().await });
    let server = axum_server::from_tcp_rustls(listener, tls).expect("a listener").handle(handle);
    let server = tokio::spawn(server.serve(service));

    let ask = |path: &str| ask_by_tls(address, certificate.clone(), path);
    let me = ask("/me");
    assert!(me.starts_with("HTTP/1.1 200") && me.ends_with("127.0.0.1"), "{me}");
    assert!(ask("/orders/7").starts_with("HTTP/1.1 200"));
    let page = ask("/metrics");
    assert_eq!(counted(&page, "/me", "200"), "1");
    assert_eq!(counted(&page, "/orders/{id}", "200"), "1");
    shutdown.begin();
    server.await.expect("no panic").expect("it ends");
}
