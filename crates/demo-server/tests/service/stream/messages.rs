//! What a client gets, and in what order.

use serde_json::{Value, json};
use testbed::http::Request;

use super::assert_valid;
use super::client::{Client, topics};
use crate::demo::Demo;

/// Sends an order, so that the reports have something new.
fn order(demo: &Demo) {
    let order = json!({ "customer": "ann", "items": [{ "sku": "tea", "quantity": 2 }] });
    demo.send(&Request::new("POST", "/orders").json(&order));
}

#[test]
fn every_kind_of_message_is_as_its_schema_says() {
    let demo = Demo::start(&[]);
    let mut client = Client::open(demo.address, "?metrics=performance,circuit-breaker");
    let mut heard = vec![client.hear()];
    assert_eq!(topics(&heard[0]), ["circuit-breaker", "performance"]);
    for message in [
        r#"{"type":"subscribe","metrics":["cache"],"interval":250,"id":"a"}"#,
        r#"{"type":"unsubscribe","metrics":["performance"],"id":7}"#,
        r#"{"type":"ping"}"#,
        r#"{"type":"wrong","id":null}"#,
    ] {
        client.say(message);
    }
    heard.push(client.hear_type("subscribed"));
    assert_eq!(heard[1]["data"]["intervals"]["cache"], 300, "{}", heard[1]);
    assert_eq!((&heard[1]["id"], &heard[1]["seq"]), (&json!("a"), &Value::Null));
    heard.extend(["subscribed", "pong", "error"].map(|kind| client.hear_type(kind)));
    assert_eq!(demo.send(&Request::new("POST", "/chaos/failing-payments")).status, 200);
    let wanted = ["alert", "finding", "update"];
    let is_there = |heard: &[Value], kind: &str| heard.iter().any(|it| it["type"] == kind);
    while !wanted.iter().all(|kind| is_there(&heard, kind)) {
        order(&demo);
        heard.push(client.hear());
    }
    assert_valid(&heard);
}

#[test]
fn a_topic_is_what_its_own_address_returns() {
    let demo = Demo::start(&[]);
    let mut client = Client::open(demo.address, "");
    let snapshot = client.hear();
    let mut all: Vec<String> = serde_json::from_value(snapshot["topics"].clone()).expect("names");
    all.sort();
    assert_eq!(topics(&snapshot), all);
    for topic in all {
        let (mut there, mut here) =
            (demo.json(&format!("/metrics/{topic}")), snapshot["data"][&topic].clone());
        for body in [&mut there, &mut here] {
            body["timestamp"] = Value::Null;
        }
        let keys = |body: &Value| -> Vec<String> {
            body.as_object().expect("an object").keys().cloned().collect()
        };
        assert_eq!(keys(&there), keys(&here), "{topic}");
    }
}
