//! The stream as server-sent events.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use super::assert_valid;
use crate::demo::Demo;

/// A client of server-sent events.
///
/// It speaks HTTP/1.0, in which a body is not cut into chunks.
pub(super) struct Events {
    lines: BufReader<TcpStream>,
}

#[derive(Debug)]
pub(super) struct Event {
    pub(super) kind: String,
    pub(super) id: Option<String>,
    pub(super) message: Value,
}

impl Events {
    pub(super) fn open(address: SocketAddr, query: &str, last: Option<&str>) -> Self {
        let mut stream = TcpStream::connect(address).expect("the demo listens");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a limit");
        let last = last.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
        let request = format!(
            "GET /metrics/stream{query} HTTP/1.0\r\nHost: {address}\r\n\
             Accept: text/event-stream\r\n{last}\r\n"
        );
        stream.write_all(request.as_bytes()).expect("the demo reads");
        let mut events = Self { lines: BufReader::new(stream) };
        let head: Vec<String> =
            std::iter::from_fn(|| Some(events.line()).filter(|line| !line.is_empty())).collect();
        assert!(head[0].contains(" 200 "), "{head:?}");
        for header in [
            "content-type: text/event-stream",
            "cache-control: no-store, no-transform",
            "x-accel-buffering: no",
        ] {
            // A proxy keeps the last one for itself.
            let is_there = head.iter().any(|line| line.eq_ignore_ascii_case(header));
            let is_proxied = head.iter().any(|line| line.starts_with("Server: nginx"));
            assert!(is_there || is_proxied, "no `{header}` in {head:?}");
        }
        events
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line comes in time");
        line.trim_end().to_owned()
    }

    /// Waits for the next event; comments and `retry` are left out.
    pub(super) fn next(&mut self) -> Event {
        let (mut kind, mut id, mut data) = (String::new(), None, String::new());
        loop {
            let line = self.line();
            match line.split_once(": ") {
                Some(("event", value)) => value.clone_into(&mut kind),
                Some(("id", value)) => id = Some(value.to_owned()),
                Some(("data", value)) => value.clone_into(&mut data),
                _ if line.is_empty() && !data.is_empty() => {
                    let message = serde_json::from_str(&data).expect("data is JSON");
                    return Event { kind, id, message };
                }
                _ => {}
            }
        }
    }
}

#[test]
fn events_are_the_messages_with_their_types_and_ids() {
    let demo = Demo::start(&[]);
    let mut events = Events::open(demo.address, "?metrics=system&interval=200", None);
    let heard: Vec<Event> = (0..5).map(|_| events.next()).collect();
    assert_valid(heard.iter().map(|event| &event.message));
    let kinds: Vec<&str> = heard.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["snapshot", "update", "update", "update", "update"]);
    let epoch = heard[0].message["epoch"].as_str().expect("an epoch");
    for event in &heard {
        assert_eq!(event.message["type"], event.kind);
        assert_eq!(event.id, Some(format!("{epoch}:{}", event.message["seq"])));
    }
}

#[test]
fn stream_resumes_without_a_duplicate_or_says_that_it_cannot() {
    let demo = Demo::start(&[]);
    let query = "?metrics=system&interval=200";
    let mut events = Events::open(demo.address, query, None);
    let first = events.next();
    assert!(first.message.get("resumed").is_none(), "{first:?}");
    let last = events.next();
    drop(events);
    let mut events = Events::open(demo.address, query, last.id.as_deref());
    let resumed = events.next();
    assert_ne!(resumed.id, last.id, "it has that one already");
    assert!(resumed.kind == "update" || resumed.message["resumed"] == true, "{resumed:?}");
    assert!(resumed.message["seq"].as_u64() > last.message["seq"].as_u64());

    let epoch = first.message["epoch"].as_str().expect("an epoch");
    for unknown in ["0:1", "nonsense", &format!("{epoch}:99999999999")] {
        let first = Events::open(demo.address, query, Some(unknown)).next();
        assert_eq!((first.kind.as_str(), &first.message["resumed"]), ("snapshot", &false.into()));
    }
}
