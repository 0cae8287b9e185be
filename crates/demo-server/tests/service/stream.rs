//! The demo's stream: what a dashboard sees, the limits, and the end of the demo.

use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use testbed::Deadline;
use testbed::deadline::Stopwatch;
use testbed::http::Request;
use testbed::process::Signal;
use tungstenite::{Error, Message, WebSocket};

use crate::demo::Demo;

/// A dashboard that reads the stream.
struct Dashboard {
    socket: WebSocket<TcpStream>,
}

impl Dashboard {
    fn open(demo: &Demo, query: &str) -> Self {
        Self::try_open(demo, query).unwrap_or_else(|error| panic!("no handshake: {error}"))
    }

    fn try_open(demo: &Demo, query: &str) -> Result<Self, String> {
        let stream = TcpStream::connect(demo.address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("an option");
        let url = format!("ws://{}/metrics/stream{query}", demo.address);
        let opened = tungstenite::client(url, stream);
        opened.map(|(socket, _)| Self { socket }).map_err(|error| error.to_string())
    }

    fn next(&mut self) -> Value {
        loop {
            match self.socket.read().expect("the stream goes on") {
                Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
                Message::Close(frame) => panic!("closed: {frame:?}"),
                _ => {}
            }
        }
    }

    fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next();
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// Reads until the demo closes, and returns the code.
    fn closed(mut self) -> u16 {
        let mut code = None;
        loop {
            match self.socket.read() {
                Ok(Message::Close(frame)) => code = frame.map(|frame| frame.code.into()),
                Ok(_) => {}
                Err(Error::ConnectionClosed) => return code.expect("a close frame with a code"),
                Err(error) => panic!("an unclean end: {error}"),
            }
        }
    }
}

#[test]
fn a_dashboard_gets_a_snapshot_updates_and_alerts() {
    let demo = Demo::start(&[]);
    let mut dashboard = Dashboard::open(&demo, "?metrics=performance,cache&interval=1000");
    let snapshot = dashboard.next();
    assert_eq!(snapshot["type"], "snapshot");
    for topic in ["performance", "cache"] {
        assert!(snapshot["data"][topic].is_object(), "{topic}");
    }
    let mut times = Vec::new();
    while times.len() < 5 {
        let update = dashboard.next_of("update");
        times.push(update["timestamp"].as_i64().expect("milliseconds"));
    }
    for pair in times.windows(2) {
        assert!((750..=1250).contains(&(pair[1] - pair[0])), "{times:?}");
    }

    let subscribe = json!({ "type": "subscribe", "metrics": ["circuit-breaker"], "interval": 500 });
    dashboard.socket.send(Message::text(subscribe.to_string())).expect("it is sent");
    assert_eq!(dashboard.next_of("subscribed")["data"]["interval"], 500);
    let (watch, mut beats) = (Stopwatch::start(), 0);
    while watch.elapsed() < Duration::from_secs(5) {
        beats += u32::from(dashboard.next()["type"] == "update");
    }
    assert!(beats >= 8, "{beats} updates in 5 s at 500 ms");

    let fault = Request::new("POST", "/chaos/failing-payments");
    assert_eq!(demo.send(&fault).status, 200);
    let order = json!({ "customer": "ann", "items": [{ "sku": "tea", "quantity": 2 }] });
    let order = Request::new("POST", "/orders").json(&order);
    let watch = Stopwatch::start();
    // The breaker needs calls to open.
    let alert = loop {
        demo.send(&order);
        let message = dashboard.next();
        if message["type"] == "alert" {
            break message;
        }
        assert!(watch.elapsed() < Duration::from_secs(20), "no alert");
    };
    assert_eq!(alert["data"]["state"], "firing", "{alert}");
}

#[test]
fn events_are_streamed_to_those_who_accept_them() {
    let demo = Demo::start(&[]);
    let plain = demo.get("/metrics/stream");
    assert_eq!(plain.status, 426, "{}", plain.text());
    assert_eq!(plain.json().expect("JSON")["error"]["code"], "upgrade_required");
    let index = demo.json("/metrics/openapi.json");
    let described = &index["paths"]["/metrics/stream"]["get"]["responses"];
    for status in ["101", "200", "400", "403", "405", "426", "503"] {
        assert!(described[status].is_object(), "{status}");
    }
}

#[test]
fn clients_beyond_the_limits_get_a_503() {
    let all = ["--stream-max-clients", "1"];
    let per_ip = ["--stream-max-clients-per-ip", "1"];
    for flags in [all, per_ip] {
        let demo = Demo::start(&flags);
        let first = Dashboard::open(&demo, "");
        let refused = Dashboard::try_open(&demo, "").map(drop).expect_err("there is no place");
        assert!(refused.contains("503"), "{flags:?}: {refused}");
        drop(first);
        let opens = || Dashboard::try_open(&demo, "").is_ok();
        assert!(Deadline::seconds(5).until(opens), "{flags:?}: the place is free again");
    }
}

#[test]
fn a_stop_closes_every_stream_at_once() {
    let mut demo = Demo::start(&["--drain", "1s"]);
    let mut dashboards: Vec<_> = (0..20).map(|_| Dashboard::open(&demo, "")).collect();
    for dashboard in &mut dashboards {
        dashboard.next_of("snapshot");
    }
    let watch = Stopwatch::start();
    demo.process.signal(Signal::TERM).expect("it runs");
    for dashboard in dashboards {
        assert_eq!(dashboard.closed(), 1001);
    }
    assert!(watch.elapsed() < Duration::from_secs(1), "longer than the drain");
    assert!(demo.process.wait(Deadline::seconds(6)).expect("it ends").success());
}
