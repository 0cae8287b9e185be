//! Faults of the demo lead to alerts within seconds, and their end to recovery.

use serde_json::{Value, json};
use testbed::Deadline;
use testbed::http::Request;

use crate::demo::Demo;

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
