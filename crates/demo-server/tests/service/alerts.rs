//! Faults of the demo lead to alerts within seconds, and their end to recovery.

use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use testbed::Deadline;
use testbed::alertmanager::Alertmanager;
use testbed::deadline::{Stopwatch, pause};
use testbed::http::Request;
use testbed::process::Signal;

use crate::demo::{Demo, command};

/// Returns the names and components of the alerts in a list that are in this state.
fn alerts(page: &Value, list: &str, state: &str) -> Vec<(String, String)> {
    let alerts = page[list].as_array().expect("a list").iter();
    let in_state = alerts.filter(|alert| alert["state"] == state);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    in_state.map(|alert| (text(&alert["name"]), text(&alert["component"]))).collect()
}

/// Returns `true` once the demo lists the alert.
fn is_listed(demo: &Demo, list: &str, state: &str, alert: (&str, &str)) -> bool {
    let found = alerts(&demo.json("/alerts"), list, state);
    found.iter().any(|(name, component)| (name.as_str(), component.as_str()) == alert)
}

#[test]
fn failing_payments_open_the_breaker_which_is_an_alert_until_they_work_again() {
    let demo = Demo::start(&[]);
    let switch = |method: &str| {
        let answer = demo.send(&Request::new(method, "/chaos/failing-payments"));
        assert_eq!(answer.status, 200);
    };
    let open = ("CircuitOpen", "payment-service");
    switch("POST");
    let order = json!({ "customer": "ann", "items": [{ "sku": "tea", "quantity": 2 }] });
    let order = Request::new("POST", "/orders").json(&order);
    let fires = || {
        // The breaker needs calls to open.
        demo.send(&order);
        is_listed(&demo, "active", "firing", open)
    };
    assert!(Deadline::seconds(20).until(fires), "{}", demo.json("/alerts"));
    let labels = [("alertname", "CircuitOpen"), ("state", "firing"), ("severity", "critical")];
    let labels = labels.map(|(key, value)| format!("{key}=\"{value}\""));
    let is_counted = || {
        let page = demo.get("/metrics?naming=standard").text();
        let mut lines = page.lines().filter(|line| line.starts_with("node0_alerts{"));
        lines.any(|line| labels.iter().all(|label| line.contains(label.as_str())))
    };
    assert!(Deadline::seconds(5).until(is_counted));
    switch("DELETE");
    let recovers = || {
        // And calls to close again.
        demo.send(&order);
        is_listed(&demo, "recent", "resolved", open)
    };
    assert!(Deadline::seconds(40).until(recovers), "{}", demo.json("/alerts"));
}

#[test]
fn alerts_reach_alertmanager_with_their_labels() {
    let tool = testbed::require!(testbed::tools::alertmanager());
    // Its own notifications go nowhere.
    let manager = Alertmanager::start(&tool, "http://127.0.0.1:9/").expect("it starts");
    let demo = Demo::start(&["--alertmanager", &format!("http://{}", manager.address())]);
    let fault = Request::new("POST", "/chaos/small-pool");
    assert_eq!(demo.send(&fault).status, 200);
    assert_eq!(demo.send(&Request::new("POST", "/chaos/slow-database")).status, 200);
    let order = json!({ "customer": "ann", "items": [{ "sku": "tea", "quantity": 2 }] });
    let order = Request::new("POST", "/orders").json(&order);
    let queue = |alert: &Value| alert["labels"]["alertname"] == "PoolWaitQueue";
    let expected = json!({
        "alertname": "PoolWaitQueue", "pool": "main", "severity": "warning",
    });
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    demo.send(&order);
                }
            });
        }
        let found = Deadline::seconds(30).poll(|| manager.alerts().into_iter().find(queue));
        done.store(true, Ordering::Relaxed);
        assert_eq!(found.expect("it is there")["labels"], expected);
    });
}

#[test]
fn an_address_that_cannot_be_used_is_one_line_without_it() {
    for flag in ["--alertmanager", "--webhook"] {
        let mut demo = command(&["--database", "embedded", flag, "ftp://node0:S3cret@host/"]);
        let output = demo.output().expect("it starts");
        let said = String::from_utf8(output.stderr).expect("messages are UTF-8");
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.starts_with(&format!("error: {flag}: the address has another scheme")),
            "{said}"
        );
        assert!(!said.contains("S3cret"), "{said}");
    }
}

#[test]
fn the_rules_are_listed_with_the_shortened_time() {
    let demo = Demo::start(&["--alert-for", "2s"]);
    let rules = rules(&demo);
    let times: Vec<_> = rules.iter().map(|rule| rule["duration"].as_f64()).collect();
    assert!(times.len() >= 10 && times.iter().all(|time| *time == Some(2.0)), "{times:?}");
}

#[test]
fn every_rule_names_metrics_labels_and_topics_that_the_demo_has() {
    let demo = under_load(&[]);
    let unhealthy = || {
        let told = |rule: &Value| format!("{}: {}", rule["name"], rule["lastError"]);
        let rules = rules(&demo);
        rules.iter().filter(|rule| rule["health"] != "ok").map(told).collect::<Vec<_>>()
    };
    assert!(Deadline::seconds(20).until(|| unhealthy().is_empty()), "{:?}", unhealthy());
}

#[test]
fn the_log_tells_two_webhooks_on_one_host_apart_without_their_secrets() {
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let host = closed.expect("a free port");
    let url = |secret: &str| format!("http://{host}/{secret}");
    let (first, second) = (url("S3cret"), url("S4cret"));
    let mut demo = under_load(&["--webhook", &first, "--webhook", &second]);
    assert_eq!(demo.send(&Request::new("POST", "/chaos/failing-payments")).status, 200);
    for target in ["webhook-1", "webhook-2"] {
        let said = format!("target=\"{target}\" receiver=webhook at http://{host} ");
        let line = demo.process.wait_for_line(&said, Deadline::seconds(40));
        let line = line.expect("a delivery fails");
        assert!(line.contains("alerts were not delivered"), "{line}");
        assert!(!line.contains("cret"), "{line}");
    }
}

/// Starts a demo that sends itself requests.
fn under_load(flags: &[&str]) -> Demo {
    let mut command = Command::new(env!("CARGO_BIN_EXE_node0-demo"));
    command.args(["--listen", "127.0.0.1:0", "--load", "20"]);
    command.args(["--database", "embedded", "--redis", "embedded"]).args(flags);
    Demo::spawn(command)
}

/// Returns the rules of all groups.
fn rules(demo: &Demo) -> Vec<Value> {
    let body = demo.json("/api/v1/rules");
    let groups = body["data"]["groups"].as_array().expect("a list").iter();
    let rules = groups.map(|group| group["rules"].as_array().expect("a list").clone());
    rules.flatten().collect()
}

#[test]
fn rules_come_from_a_file_and_are_read_again_at_a_hangup() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rules.toml");
    let write = |text: &str| fs::write(&path, text).expect("it can be written");
    write("[rules.HighMemory]\nthreshold = 0.5\n");
    let mut demo = Demo::start(&["--rules", path.to_str().expect("a path")]);
    let threshold = |demo: &Demo| {
        let rules = demo.json("/api/v1/rules").to_string();
        let (_, query) = rules.split_once("(sum by () (process_memory_limit_bytes) > 0) > ")?;
        query.split('"').next().map(str::to_owned)
    };
    assert_eq!(threshold(&demo).as_deref(), Some("0.5"));

    write("[rules.HighMemory]\nthreshold = \"half\"\n");
    demo.process.signal(Signal::HUP).expect("it runs");
    let said = "rules.toml:2: `rules.HighMemory.threshold` is a string: write a number";
    demo.process.wait_for_line(said, Deadline::seconds(10)).expect("the mistake is in the log");
    assert_eq!(threshold(&demo).as_deref(), Some("0.5"), "the rules before stay");

    fs::remove_file(&path).expect("it is there");
    demo.process.signal(Signal::HUP).expect("it runs");
    let said = "No such file or directory";
    demo.process.wait_for_line(said, Deadline::seconds(10)).expect("the cause is in the log");
    assert_eq!(threshold(&demo).as_deref(), Some("0.5"), "the rules before stay");

    write("[rules.HighMemory]\nthreshold = 0.6\n");
    demo.process.signal(Signal::HUP).expect("it runs");
    assert!(Deadline::seconds(10).until(|| threshold(&demo).as_deref() == Some("0.6")));
}

#[test]
fn a_silence_of_the_file_is_shown_and_keeps_an_alert_quiet() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rules.toml");
    let text =
        "[[silence]]\nwhere = { circuit = \"payment-service\" }\nuntil = 2970-01-01T00:00:00Z\n";
    fs::write(&path, format!("{text}comment = \"the bank moves\"\n")).expect("it can be written");
    let demo = under_load(&["--rules", path.to_str().expect("a path")]);
    let silence = demo.json("/alerts")["silences"][0].clone();
    assert_eq!(silence["matchers"][0], "circuit=payment-service");
    assert_eq!(
        (&silence["reason"], &silence["endsAt"]),
        (&"the bank moves".into(), &31_556_995_200_000_u64.into())
    );

    assert_eq!(demo.send(&Request::new("POST", "/chaos/failing-payments")).status, 200);
    let is_held = || {
        let held = demo.json("/alerts")["heldBack"].as_array().cloned().unwrap_or_default();
        held.iter().any(|one| one["reasons"][0]["by"] == silence["id"])
    };
    assert!(Deadline::seconds(30).until(is_held));

    fs::write(&path, "").expect("it can be written");
    demo.process.signal(Signal::HUP).expect("it runs");
    let is_gone = || demo.json("/alerts")["silences"].as_array().is_some_and(Vec::is_empty);
    assert!(Deadline::seconds(10).until(is_gone));
}

#[test]
fn a_rules_file_with_a_mistake_is_one_clear_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rules.toml");
    fs::write(&path, "[rules.HighMemory]\nfor = 5\n").expect("it can be written");
    let mut demo = command(&["--database", "embedded", "--rules"]);
    let output = demo.arg(&path).output().expect("it starts");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).expect("messages are UTF-8");
    assert!(said.contains("rules.toml:2: `rules.HighMemory.for` is an integer"), "{said}");
}

#[test]
fn a_process_that_was_stopped_raises_no_alert() {
    let demo = Demo::start(&[]);
    let order = json!({ "customer": "ann", "items": [{ "sku": "tea", "quantity": 2 }] });
    let order = Request::new("POST", "/orders").json(&order);
    let work = |time: Duration| {
        let watched = Stopwatch::start();
        while watched.elapsed() < time {
            demo.send(&order);
            let page = demo.json("/alerts");
            // That the process stood still is true, and waits for what its rule waits for.
            let is_the_stop = |alert: &Value| {
                alert["labels"]["code"] == "process_paused" && alert["state"] == "pending"
            };
            assert!(
                page["active"].as_array().is_some_and(|all| all.iter().all(is_the_stop)),
                "{page}"
            );
            assert_eq!(page["recent"], json!([]), "{page}");
        }
    };
    work(Duration::from_secs(5));
    demo.process.signal(Signal::STOP).expect("it runs");
    // Longer than three evaluations, from which on it is a gap.
    pause(Duration::from_secs(6));
    demo.process.signal(Signal::CONT).expect("it is stopped");
    work(Duration::from_secs(15));
}
