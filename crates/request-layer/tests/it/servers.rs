//! A watched router under the servers of others.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::get;
use node0_metrics_core::Registry;
use node0_request_layer::RequestLayer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[tokio::test]
async fn handlers_of_a_watched_router_learn_the_address_of_their_client() {
    let me = get(async |peer: ConnectInfo<SocketAddr>| peer.0.to_string());
    let layer = RequestLayer::register(&Registry::new()).expect("the names are free");
    let watched = layer.wrap(Router::new().route("/me", me));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let service = watched.into_make_service_with_connect_info::<SocketAddr>();
    let server = tokio::spawn(async move { axum::serve(listener, service).await });
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let asked = b"GET /me HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    stream.write_all(asked).await.expect("it is read");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("it is text");
    let me = stream.local_addr().expect("it is connected").to_string();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(&me), "{answer}");
    server.abort();
}
