//! What receivers get.

use node0_notifier::Target;
use serde_json::json;

use crate::receiver::Receiver;
use crate::source::{Source, firing, quick, resolved};

#[test]
fn alertmanager_gets_labels_texts_and_times() {
    let receiver = Receiver::new([]);
    let target = Target::alertmanager(&receiver.url("/am/")).expect("a good address");
    let mut source = Source::with(quick().target(target).source("http://shop/alerts"));
    source.send([firing("a")]);
    let got = receiver.next();
    assert_eq!(got.line, "POST /am/api/v2/alerts HTTP/1.1");
    assert!(got.headers.contains(&"content-type: application/json".to_owned()));
    let expected = json!([{
        "labels": { "alertname": "High", "severity": "warning", "tank": "a" },
        "annotations": { "summary": "a is high" },
        "startsAt": "2020-01-01T00:00:00.250Z",
        "endsAt": "2020-01-01T00:04:00.250Z",
        "generatorURL": "http://shop/alerts",
    }]);
    assert_eq!(got.body, expected);
    source.send([resolved("a")]);
    let got = receiver.next();
    assert_eq!(got.body[0]["startsAt"], "2020-01-01T00:00:00.250Z");
    assert_eq!(got.body[0]["endsAt"], "2020-01-01T00:01:00.250Z");
}

#[test]
fn a_webhook_gets_the_alerts_by_topic_and_component() {
    let receiver = Receiver::new([]);
    let mut source = Source::to_webhook(&receiver.url("/hook?key=1"));
    let mut other = firing("a");
    other.id = "other".to_owned();
    source.send([firing("a"), firing("b"), other]);
    let got = receiver.next();
    assert_eq!(got.line, "POST /hook?key=1 HTTP/1.1");
    assert_eq!(got.body["version"], 1);
    let groups = got.body["groups"].as_array().expect("a list");
    let shown: Vec<_> = groups
        .iter()
        .map(|group| {
            (&group["topic"], &group["component"], group["alerts"].as_array().map(Vec::len))
        })
        .collect();
    assert_eq!(
        shown,
        [(&json!("tanks"), &json!("a"), Some(2)), (&json!("tanks"), &json!("b"), Some(1))]
    );
    let alert = &groups[0]["alerts"][0];
    assert_eq!((&alert["state"], &alert["message"]), (&json!("firing"), &json!("a is high")));
    assert!(receiver.try_next().is_none(), "they came together");
}

#[test]
fn a_webhook_gets_each_change_once_and_alertmanager_each_repetition() {
    let (webhook, manager) = (Receiver::new([]), Receiver::new([]));
    let targets = quick()
        .target(Target::webhook(&webhook.url("/")).expect("a good address"))
        .target(Target::alertmanager(&manager.url("")).expect("a good address"));
    let mut source = Source::with(targets);
    let mut states = Vec::new();
    for alert in [firing("a"), firing("a"), resolved("a"), resolved("a"), firing("b")] {
        source.send([alert]);
        states.push(manager.next().body[0]["endsAt"].clone());
    }
    assert_eq!(states.len(), 5);
    let mut got = Vec::new();
    while got.last() != Some(&json!("b")) {
        let alert = webhook.next().body["groups"][0]["alerts"][0].clone();
        got.extend([alert["state"].clone(), alert["component"].clone()]);
    }
    assert_eq!(got, ["firing", "a", "resolved", "a", "firing", "b"]);
}

#[test]
fn of_an_alert_that_changed_while_it_waited_only_the_newest_state_is_sent() {
    let receiver = Receiver::new([]);
    let mut source = Source::to_webhook(&receiver.url("/"));
    source.send([firing("a"), resolved("a")]);
    let alerts = receiver.next().body["groups"][0]["alerts"].clone();
    assert_eq!(
        (alerts.as_array().map(Vec::len), &alerts[0]["state"]),
        (Some(1), &json!("resolved"))
    );
}

#[test]
fn a_password_in_the_address_is_sent_as_basic_authentication() {
    let receiver = Receiver::new([]);
    let address = format!("http://no%64e0:pa%20ss@{}/hook", receiver.address);
    let mut source = Source::to_webhook(&address);
    source.send([firing("a")]);
    let got = receiver.next();
    assert!(got.headers.contains(&"authorization: Basic bm9kZTA6cGEgc3M=".to_owned()), "{got:?}");
    assert!(got.headers.contains(&format!("host: {}", receiver.address)), "{got:?}");
}

#[test]
fn the_query_of_an_alertmanager_is_kept() {
    let receiver = Receiver::new([]);
    let target = Target::alertmanager(&receiver.url("/am/?key=a")).expect("a good address");
    let mut source = Source::with(quick().target(target));
    source.send([firing("a")]);
    assert_eq!(receiver.next().line, "POST /am/api/v2/alerts?key=a HTTP/1.1");
}
