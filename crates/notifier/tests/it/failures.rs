//! Receivers that refuse, hang, answer garbage or are away.

use std::net::TcpListener;
use std::time::Duration;

use node0_notifier::{Notifier, StartError, Target};
use serde_json::Value;

use crate::receiver::Answer::{Bytes, BytesThenHang, Close, Hang, Status};
use crate::receiver::{Answer, Receiver};
use crate::source::{Source, firing, quick};

/// Sends one alert to a receiver that first answers so, then with 200.
fn after(answers: &[Answer]) -> (Source, Receiver) {
    let receiver = Receiver::new(answers.iter().copied());
    let mut source = Source::to_webhook(&receiver.url("/"));
    source.send([firing("a")]);
    (source, receiver)
}

#[test]
fn what_may_pass_is_tried_again() {
    let passing = [
        Status(500),
        Status(503),
        Status(429),
        Status(408),
        Close,
        Hang,
        Bytes("HELLO\r\n\r\n"),
        Bytes("HTTP/1.1 2"),
    ];
    for answer in passing {
        let (source, receiver) = after(&[answer, answer]);
        source.wait_for("delivered", 1.0);
        let requests = (0..3).map(|_| receiver.next().body);
        let bodies: Vec<_> = requests.collect();
        assert!(bodies.iter().all(|body| *body == bodies[0]), "{answer:?}");
        let retries = source.value("node0_notification_retries_total", &[("target", "webhook-1")]);
        assert_eq!(retries, 2.0, "{answer:?}");
        let attempts =
            source.value("node0_notification_duration_seconds", &[("target", "webhook-1")]);
        assert_eq!(attempts, 3.0, "{answer:?}");
    }
}

#[test]
fn what_will_not_pass_is_counted_and_not_tried_again() {
    for answer in [Status(400), Status(401), Status(404), Status(301), Status(307), Status(304)] {
        let (mut source, receiver) = after(&[answer]);
        source.wait_for("refused", 1.0);
        receiver.next();
        // The next alert is delivered all the same.
        source.send([firing("b")]);
        source.wait_for("delivered", 1.0);
        let next = receiver.next().body["groups"][0]["component"].clone();
        assert_eq!(next, "b", "{answer:?}");
    }
}

#[test]
fn of_a_request_that_is_refused_only_the_bad_alerts_are_lost() {
    for bad in [&["7"][..], &["0", "63"], &["30", "31"]] {
        let is_bad = |group: &Value| bad.iter().any(|bad| group["component"] == *bad);
        let receiver = Receiver::answering(move |got| {
            let groups = got.body["groups"].as_array().expect("a list");
            Status(if groups.iter().any(is_bad) { 400 } else { 200 })
        });
        let mut source = Source::to_webhook(&receiver.url("/"));
        source.send((0..64).map(|tank| firing(&tank.to_string())));
        source.wait_for("delivered", 64.0 - bad.len() as f64);
        source.wait_for("refused", bad.len() as f64);
        assert_eq!(source.count("delivered") + source.count("refused"), 64.0, "each once");
    }
}

#[test]
fn a_receiver_that_refuses_all_is_not_asked_for_each_alert() {
    let receiver = Receiver::answering(|_| Status(400));
    let mut source = Source::to_webhook(&receiver.url("/"));
    source.send((0..64).map(|tank| firing(&tank.to_string())));
    source.wait_for("refused", 64.0);
    let requests = std::iter::from_fn(|| receiver.try_next()).count();
    assert!(requests < 32, "{requests} requests");
}

#[test]
fn a_receiver_that_dies_in_the_middle_of_a_delivery_gets_it_again() {
    // It has read the request, and says half an answer before its process ends.
    let dying = Bytes("HTTP/1.1 200 OK\r\nContent-Le");
    let (source, receiver) = after(&[dying, dying, Status(503)]);
    source.wait_for("delivered", 1.0);
    let bodies: Vec<_> = (0..4).map(|_| receiver.next().body).collect();
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    assert_eq!((source.count("failed"), source.count("refused")), (0.0, 0.0));
}

#[test]
fn a_status_counts_although_the_body_of_the_answer_does_not_come() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";
    let (source, receiver) = after(&[BytesThenHang(head)]);
    source.wait_for("delivered", 1.0);
    receiver.next();
    assert!(receiver.try_next().is_none(), "it is not sent again");
}

#[test]
fn what_was_given_up_comes_again_when_the_alert_is_repeated() {
    let (mut source, receiver) = after(&[Status(500); 5]);
    source.wait_for("failed", 1.0);
    (0..5).for_each(|_| drop(receiver.next()));
    source.send([firing("a")]);
    source.wait_for("delivered", 1.0);
    source.send([firing("a"), firing("b")]);
    source.wait_for("delivered", 2.0);
    assert_eq!(receiver.next().body["groups"][0]["component"], "a");
    let last = receiver.next().body;
    assert_eq!(last["groups"][0]["component"], "b");
    assert_eq!(last["groups"].as_array().map(Vec::len), Some(1), "a was delivered already");
}

#[test]
fn a_receiver_that_is_away_is_no_harm() {
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let closed = format!("http://{}", closed.expect("a free port"));
    for address in [closed.as_str(), "http://no-such-host.invalid/hook"] {
        let mut source = Source::to_webhook(address);
        source.send([firing("a")]);
        source.wait_for("failed", 1.0);
    }
}

#[cfg(feature = "tls")]
#[test]
fn a_receiver_that_speaks_no_tls_is_no_harm() {
    let receiver = Receiver::new([]);
    let mut source = Source::to_webhook(&format!("https://{}/", receiver.address));
    source.send([firing("a")]);
    source.wait_for("failed", 1.0);
    assert!(receiver.try_next().is_none(), "nothing is sent without TLS");
}

#[test]
fn a_full_queue_drops_what_is_new_and_blocks_nobody() {
    let receiver = Receiver::new([Hang]);
    let target = Target::webhook(&receiver.url("/")).expect("a good address");
    let settings = quick().timeout(Duration::from_secs(600)).queue(10).target(target);
    let mut source = Source::with(settings);
    source.send([firing("first")]);
    receiver.next();
    // The worker waits for the answer, so ten alerts fill the queue.
    source.send((0..15).map(|tank| firing(&tank.to_string())));
    assert_eq!(source.count("dropped"), 5.0);
    let failures = [("guest", "notifier"), ("call", "listen"), ("reason", "overrun")];
    assert_eq!(source.value("node0_guest_failures_total", &failures), 0.0);
}

#[test]
fn a_target_that_hangs_delays_no_other() {
    let (hanging, working) = (Receiver::new([Hang; 100]), Receiver::new([]));
    let settings = quick()
        .timeout(Duration::from_secs(600))
        .target(Target::webhook(&hanging.url("/")).expect("a good address"))
        .target(Target::webhook(&working.url("/")).expect("a good address"));
    let mut source = Source::with(settings);
    source.send([firing("a")]);
    working.next();
    hanging.next();
    assert_eq!((source.count_of("webhook-1", "delivered"), source.count("failed")), (0.0, 0.0));
}

#[test]
fn many_alerts_are_several_requests() {
    let receiver = Receiver::new([]);
    let mut source = Source::to_webhook(&receiver.url("/"));
    source.send((0..100).map(|tank| firing(&tank.to_string())));
    source.wait_for("delivered", 100.0);
    let groups = |got: crate::receiver::Got| got.body["groups"].as_array().map_or(0, Vec::len);
    assert_eq!((groups(receiver.next()), groups(receiver.next())), (64, 36));
}

#[test]
fn a_registry_has_one_notifier() {
    let registry = node0_metrics_core::Registry::new();
    let first = Notifier::builder().start(&registry);
    assert!(first.is_ok());
    let second = Notifier::builder().start(&registry).expect_err("there is one");
    assert!(matches!(second, StartError::Register(_)), "{second}");
}
