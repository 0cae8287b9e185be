//! Server-sent events.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::service::{SOON, Service};

/// A client of server-sent events.
pub(crate) struct Events {
    stream: TcpStream,
    pub(crate) head: String,
    unread: Vec<u8>,
}

/// One event.
#[derive(Debug)]
pub(crate) struct Event {
    kind: String,
    id: String,
    data: Value,
}

impl Service {
    pub(crate) async fn open_events(&self) -> Events {
        self.events("", "").await
    }

    /// Opens server-sent events with a query and further header lines.
    pub(crate) async fn events(&self, query: &str, headers: &str) -> Events {
        let mut stream = self.connect().await;
        let request = format!(
            "GET /metrics/stream{query} HTTP/1.1\r\nhost: a\r\naccept: text/event-stream\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).await.expect("it is read");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("a head"));
        }
        let head = String::from_utf8(head).expect("text").to_ascii_lowercase();
        Events { stream, head, unread: Vec::new() }
    }
}

impl Events {
    /// Returns the next block of lines; `None` at the end of the body.
    async fn block(&mut self) -> Option<String> {
        loop {
            let text = String::from_utf8(self.unread.clone()).expect("text");
            if let Some((block, rest)) = text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.as_bytes().to_vec());
                self.unread = rest;
                return Some(block);
            }
            let chunk = timeout(SOON, self.chunk()).await.expect("an event in time")?;
            self.unread.extend(chunk);
        }
    }

    async fn chunk(&mut self) -> Option<Vec<u8>> {
        let mut size = Vec::new();
        while !size.ends_with(b"\r\n") {
            size.push(self.stream.read_u8().await.ok()?);
        }
        let size = std::str::from_utf8(&size).expect("a size").trim();
        let size = usize::from_str_radix(size, 16).expect("a size");
        let mut chunk = vec![0; size + 2];
        self.stream.read_exact(&mut chunk).await.expect("a whole chunk");
        chunk.truncate(size);
        (size > 0).then_some(chunk)
    }

    /// Returns the next event, and skips comments.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            let block = self.block().await?;
            let field = |name: &str| {
                block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            };
            let text = |name| field(name).unwrap_or_default().to_owned();
            if let Some(data) = field("data") {
                let data = serde_json::from_str(data).expect("JSON in one line");
                return Some(Event { kind: text("event"), id: text("id"), data });
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_the_same_messages_with_ids() {
    let service = Service::start().await;
    let mut events = service.events("?metrics=database&interval=100", "").await;
    for header in [
        "content-type: text/event-stream",
        "cache-control: no-store, no-transform",
        "x-accel-buffering: no",
    ] {
        assert!(events.head.contains(header), "{}", events.head);
    }
    let retry = events.block().await.expect("a first block");
    let retry: u64 = retry.strip_prefix("retry: ").and_then(|it| it.parse().ok()).expect("a time");
    assert!((1000..5000).contains(&retry), "{retry}");
    let snapshot = events.next().await.expect("an event");
    assert_eq!((snapshot.kind.as_str(), &snapshot.data["type"]), ("snapshot", &"snapshot".into()));
    let epoch = snapshot.data["epoch"].as_str().expect("text").to_owned();
    let id = format!("{epoch}:{}", snapshot.data["seq"]);
    assert_eq!(snapshot.id, id);
    for _ in 0..3 {
        let update = events.next().await.expect("an event");
        assert_eq!(update.kind, "update");
        assert_eq!(update.id, format!("{epoch}:{}", update.data["seq"]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_comes_back_goes_on_or_is_told_that_it_cannot() {
    let service = Service::start().await;
    let id = service.open_events().await.next().await.expect("an event").id;
    // The place of a client that missed nothing gets no snapshot.
    let pass = service.registry.latest().pass;
    service.until(SOON, |service| service.registry.latest().pass > pass).await;
    let check = async |id: &str, resumed: bool| {
        let mut events = service.events("", &format!("last-event-id: {id}\r\n")).await;
        let first = events.next().await.expect("an event");
        assert_eq!(first.kind, "snapshot", "{id}");
        assert_eq!(first.data["resumed"], resumed, "{id}");
    };
    check(&id, true).await;
    check("1:1", false).await;
    check("nonsense", false).await;
    check(&"9".repeat(5000), false).await;
    check("\u{e9}", false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_is_counted() {
    let service = Service::start().await;
    let mut events = service.open_events().await;
    events.next().await.expect("an event");
    assert_eq!(service.clients(), 1.0);
    drop(events);
    service
        .until(SOON, |service| service.clients() == 0.0 && service.closed("client") == 1.0)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_events_end_in_order_when_the_service_stops() {
    let service = Service::start().await;
    let mut events = service.open_events().await;
    events.next().await.expect("an event");
    service.shutdown.begin();
    while events.next().await.is_some() {}
    assert_eq!(service.closed("shutdown"), 1.0);
    let (status, head, _) = service.get("/metrics/stream", &["accept: text/event-stream"]).await;
    assert_eq!(status, 503);
    assert!(head.contains("retry-after: "), "{head}");
    assert_eq!(service.refused("shutdown"), 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_read_is_cut_in_time() {
    let service = Service::with_large_reports().await;
    let mut stream = service.connect_small().await;
    let request =
        "GET /metrics/stream?interval=100 HTTP/1.1\r\nhost: a\r\naccept: text/event-stream\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("it is read");
    service.until(SOON, |service| service.clients() == 1.0).await;
    service.until(Duration::from_secs(20), |service| service.closed("stalled") == 1.0).await;
    service.until(SOON, |service| service.clients() == 0.0).await;
}
