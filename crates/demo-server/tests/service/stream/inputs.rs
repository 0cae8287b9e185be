//! Malformed and hostile input: the table of docs/streaming.md, row by row.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;
use testbed::Deadline;
use testbed::deadline::Stopwatch;
use tungstenite::protocol::Message;

use super::client::Client;
use super::{assert_valid, part};
use crate::demo::Demo;

/// What a client gets for an input.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Error(String),
    Close(u16),
    Status(u16),
    Ignored,
    HungUp,
}

/// Returns the rows of the table: an input and its outcome.
fn rows() -> Vec<(&'static str, Outcome)> {
    let rows = part("inputs").lines().filter_map(|line| {
        let cells = line.strip_prefix("| ")?.strip_suffix(" |")?;
        let (input, outcome) = cells.rsplit_once(" | ")?;
        let outcome = match outcome.split_once(' ') {
            Some(("error", code)) => Outcome::Error(code.trim_matches('`').to_owned()),
            Some(("close", code)) => Outcome::Close(code.parse().expect("a code")),
            Some(("status", code)) => Outcome::Status(code.parse().expect("a status")),
            _ if outcome == "it is ignored" => Outcome::Ignored,
            _ if outcome == "the server hangs up after 10 seconds" => Outcome::HungUp,
            _ => return None,
        };
        Some((input, outcome))
    });
    rows.collect()
}

/// A frame with a mask of zeros, of less than 126 bytes.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("a short frame");
    [&[first, 0x80 | length, 0, 0, 0, 0], payload].concat()
}

/// Sends an input that is described by words.
fn send_described(client: &mut Client, input: &str) {
    let ping = r#"{"type":"ping"}"#;
    match input {
        "a message that names 17 topics" => {
            let topics = vec!["cache"; 17];
            client.say(&json!({ "type": "subscribe", "metrics": topics }).to_string());
        }
        "60 messages at once" => client.send_raw(&frame(0x81, ping.as_bytes()).repeat(60)),
        "200 messages at once" => client.send_raw(&frame(0x81, ping.as_bytes()).repeat(200)),
        "200 pings at once" => client.send_raw(&frame(0x89, b"").repeat(200)),
        "a text that is not UTF-8" => client.send_raw(&frame(0x81, b"\xFF\xFE")),
        "a binary message" => client.send(Message::binary(ping)),
        "a message of 16385 bytes" => client.send(Message::text("x".repeat(16_385))),
        "a message of 16385 bytes in fragments" => {
            client.send_raw(&frame(0x01, &[b'x'; 113]));
            client.send_raw(&frame(0x00, &[b'x'; 113]).repeat(144));
        }
        "a frame without a mask" => client.send_raw(b"\x81\x02{}"),
        "a frame with a reserved bit" => client.send_raw(&frame(0xC1, b"{}")),
        other => panic!("docs/streaming.md has an input that no test knows: {other}"),
    }
}

/// Sends half of a handshake, and waits until the server hangs up.
fn half_open(demo: &Demo) -> Outcome {
    let watch = Stopwatch::start();
    let mut stream = TcpStream::connect(demo.address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("an option");
    let half = "GET /metrics/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n";
    stream.write_all(half.as_bytes()).expect("it is read");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the server hangs up");
    assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
    let seconds = watch.elapsed().as_secs();
    assert!((9..15).contains(&seconds), "after {seconds} s");
    Outcome::HungUp
}

/// Sends an input to a new stream, and returns what comes of it.
fn outcome(demo: &Demo, input: &str) -> Outcome {
    let text = input.trim_matches('`');
    if input == "half of a handshake" {
        return half_open(demo);
    }
    let opened = if input == "an offer of compression" {
        let offer = ("sec-websocket-extensions", "permessage-deflate; client_max_window_bits");
        let mut client = Client::try_open(demo.address, "", &[offer]).expect("it is no fault");
        assert_eq!(client.hear()["type"], "snapshot");
        return Outcome::Ignored;
    } else if text.starts_with('?') {
        Client::try_open(demo.address, text, &[])
    } else if let Some((name, value)) = text.split_once(": ").filter(|_| !text.contains('{')) {
        Client::try_open(demo.address, "", &[(name, value)])
    } else {
        Client::try_open(demo.address, "?metrics=database&interval=60000", &[])
    };
    let mut client = match opened {
        Ok(client) => client,
        Err(status) => return Outcome::Status(status),
    };
    let snapshot = client.hear();
    assert_eq!(snapshot["type"], "snapshot");
    if input.starts_with('`') {
        client.say(text)
    } else {
        send_described(&mut client, input)
    }
    let answer = Deadline::seconds(10).poll(|| match client.next() {
        Ok(message) if message["type"] == "error" => Some(Ok(message)),
        Ok(_) => None,
        Err(code) => Some(Err(code)),
    });
    match answer.unwrap_or_else(|| panic!("no answer to {input}")) {
        // A flood has errors before the close.
        Ok(error) if input.starts_with("200") => {
            assert_eq!(error["data"]["code"], "rate_limited");
            Outcome::Close(client.closed())
        }
        Ok(error) => {
            assert_valid([&snapshot, &error]);
            if !input.contains("at once") {
                client.say(r#"{"type":"ping","id":1}"#);
                assert_eq!(client.hear_type("pong")["id"], 1, "the stream stays open");
            }
            Outcome::Error(error["data"]["code"].as_str().expect("a code").to_owned())
        }
        Err(code) => Outcome::Close(code),
    }
}

#[test]
fn each_input_has_the_documented_outcome_and_disturbs_nobody() {
    let demo = Demo::start(&[]);
    let mut other = Client::open(demo.address, "?metrics=system");
    let first = other.hear_type("update")["seq"].as_u64().expect("a number");
    let rows = rows();
    assert!(rows.len() >= 35, "the table has {} rows", rows.len());
    let different: Vec<_> = rows
        .iter()
        .filter_map(|(input, expected)| {
            let got = outcome(&demo, input);
            (got != *expected).then(|| format!("{input}: {got:?} instead of {expected:?}"))
        })
        .collect();
    assert!(different.is_empty(), "{different:#?}");
    let last = other.hear_type("update")["seq"].as_u64().expect("a number");
    assert!(last > first);
    assert_eq!(demo.get("/health/live").status, 200);
    assert!(!demo.process.stderr().contains("panicked"), "{}", demo.process.stderr());
}
