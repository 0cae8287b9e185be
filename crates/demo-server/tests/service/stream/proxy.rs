//! The stream through nginx, with the configuration of docs/streaming.md.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use testbed::nginx::Nginx;
use testbed::tools;

use super::client::Client;
use super::code;
use super::events::Events;
use crate::demo::Demo;

/// Returns the configuration of the document, for these addresses.
pub(super) fn configuration(service: SocketAddr, address: SocketAddr) -> String {
    let text = code("nginx");
    let with_listen = text.replace("listen 80;", &format!("listen {address};"));
    let configuration = with_listen.replace("http://127.0.0.1:3000", &format!("http://{service}"));
    assert!(!configuration.contains(":3000"), "{configuration}");
    assert!(configuration.contains(&format!("listen {address}")), "{configuration}");
    configuration
}

/// Returns the age of a message in milliseconds.
#[expect(clippy::disallowed_methods, reason = "a message has the wall time of another process")]
fn age(message: &Value) -> u128 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_millis();
    now.saturating_sub(message["timestamp"].as_u64().expect("a time").into())
}

#[test]
fn each_message_passes_nginx_within_a_second() {
    let tool = testbed::require!(tools::nginx());
    let demo = Demo::start(&[]);
    let nginx = Nginx::start(&tool, |address| configuration(demo.address, address));
    let nginx = nginx.expect("nginx starts");
    let query = "?metrics=system&interval=500";

    let mut client = Client::open(nginx.address(), query);
    assert_eq!(client.hear()["type"], "snapshot");
    client.say(r#"{"type":"ping","id":1}"#);
    assert_eq!(client.hear_type("pong")["id"], 1);
    for _ in 0..6 {
        let age = age(&client.hear_type("update"));
        assert!(age <= 1000, "{age} ms");
    }

    let mut events = Events::open(nginx.address(), query, None);
    assert_eq!(events.next().kind, "snapshot");
    for _ in 0..6 {
        let age = age(&events.next().message);
        assert!(age <= 1000, "{age} ms");
    }
}
