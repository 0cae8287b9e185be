//! Faults of the demo lead to alerts within seconds, and their end to recovery.

use std::fs;

use serde_json::{Value, json};
use testbed::Deadline;
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
fn the_rules_are_listed_with_the_shortened_time() {
    let demo = Demo::start(&["--alert-for", "2s"]);
    let rules = demo.json("/api/v1/rules");
    let groups = rules["data"]["groups"].as_array().expect("a list");
    let rules = groups.iter().flat_map(|group| group["rules"].as_array().expect("a list"));
    let times: Vec<_> = rules.map(|rule| rule["duration"].as_f64()).collect();
    assert!(times.len() >= 10 && times.iter().all(|time| *time == Some(2.0)), "{times:?}");
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
        let (_, query) = rules.split_once("sum by () (process_memory_limit_bytes) > ")?;
        query.split('"').next().map(str::to_owned)
    };
    assert_eq!(threshold(&demo).as_deref(), Some("0.5"));

    write("[rules.HighMemory]\nthreshold = \"half\"\n");
    demo.process.signal(Signal::HUP).expect("it runs");
    let said = "rules.toml:2: `rules.HighMemory.threshold` is a string: write a number";
    demo.process.wait_for_line(said, Deadline::seconds(10)).expect("the mistake is in the log");
    assert_eq!(threshold(&demo).as_deref(), Some("0.5"), "the rules before stay");

    write("[rules.HighMemory]\nthreshold = 0.6\n");
    demo.process.signal(Signal::HUP).expect("it runs");
    assert!(Deadline::seconds(10).until(|| threshold(&demo).as_deref() == Some("0.6")));
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
