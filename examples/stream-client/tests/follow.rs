//! The client against a server of the test, which breaks off and comes back.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use stream_client::{Backoff, Client, News};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message as Frame};
use tokio_tungstenite::{WebSocketStream, accept_async};

const SNAPSHOT: &str =
    r#"{"type":"snapshot","timestamp":1,"seq":7,"missed":2,"data":{"cache":{}}}"#;

/// A client that is quick to come back, and what it hears.
fn follow(listener: &TcpListener) -> mpsc::UnboundedReceiver<News> {
    let url = format!("ws://{}/metrics/stream", listener.local_addr().expect("its address"));
    let quick = Backoff::new(Duration::from_millis(1), Duration::from_millis(10));
    let client = Client::new(url).topic("cache", Duration::from_millis(500)).backoff(quick);
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(client.follow(move |news| {
        // It fails after the end of the test.
        let _ = sender.send(news);
    }));
    receiver
}

async fn accept(listener: &TcpListener) -> WebSocketStream<TcpStream> {
    let (stream, _) = listener.accept().await.expect("a client");
    let mut socket = accept_async(stream).await.expect("a WebSocket");
    let order = socket.next().await.expect("a message").expect("the client is there");
    let order = order.to_text().expect("a text");
    let order: Value = serde_json::from_str(order).expect("JSON");
    assert_eq!(order, json!({"type": "subscribe", "metrics": ["cache"], "interval": 500}));
    socket
}

async fn broken(news: &mut mpsc::UnboundedReceiver<News>) -> String {
    match news.recv().await.expect("the client runs") {
        News::Broken { reason, .. } => reason,
        News::Message(message) => panic!("{message:?}"),
    }
}

#[tokio::test]
async fn client_comes_back_after_each_kind_of_break() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let mut news = follow(&listener);

    let mut socket = accept(&listener).await;
    socket.send(Frame::text(SNAPSHOT)).await.expect("the client is there");
    let News::Message(message) = news.recv().await.expect("the client runs") else {
        panic!("no message");
    };
    assert_eq!((message.kind.as_str(), message.seq, message.missed), ("snapshot", Some(7), 2));
    let away = CloseFrame { code: CloseCode::Away, reason: "the service stops".into() };
    socket.close(Some(away)).await.expect("the client is there");
    assert_eq!(broken(&mut news).await, "closed with 1001: the service stops");

    drop(accept(&listener).await);
    let reason = broken(&mut news).await;
    assert!(reason.contains("without closing handshake"), "{reason}");

    let mut socket = accept(&listener).await;
    socket.send(Frame::text("no JSON")).await.expect("the client is there");
    let reason = broken(&mut news).await;
    assert!(reason.starts_with("a message cannot be read"), "{reason}");

    accept(&listener).await;
}
