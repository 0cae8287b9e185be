//! What a dashboard sees of the demo, the limits on clients, and the end of the demo.

use std::time::Duration;

use serde_json::json;
use testbed::Deadline;
use testbed::deadline::Stopwatch;
use testbed::http::Request;
use testbed::process::Signal;

use super::client::Client;
use crate::demo::Demo;

#[test]
fn a_dashboard_gets_a_snapshot_updates_and_alerts() {
    let demo = Demo::start(&[]);
    let mut dashboard = Client::open(demo.address, "?metrics=performance,cache&interval=1000");
    let snapshot = dashboard.hear();
    assert_eq!(snapshot["type"], "snapshot");
    for topic in ["performance", "cache"] {
        assert!(snapshot["data"][topic].is_object(), "{topic}");
    }
    let mut times = Vec::new();
    while times.len() < 5 {
        let update = dashboard.hear_type("update");
        times.push(update["timestamp"].as_i64().expect("milliseconds"));
    }
    for pair in times.windows(2) {
        assert!((750..=1250).contains(&(pair[1] - pair[0])), "{times:?}");
    }

    let subscribe = json!({ "type": "subscribe", "metrics": ["circuit-breaker"], "interval": 500 });
    dashboard.say(&subscribe.to_string());
    assert_eq!(dashboard.hear_type("subscribed")["data"]["interval"], 500);
    let (watch, mut beats) = (Stopwatch::start(), 0);
    while watch.elapsed() < Duration::from_secs(5) {
        beats += u32::from(dashboard.hear()["type"] == "update");
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
        let message = dashboard.hear();
        if message["type"] == "alert" {
            break message;
        }
        assert!(watch.elapsed() < Duration::from_secs(20), "no alert");
    };
    assert_eq!(alert["data"]["state"], "firing", "{alert}");
}

#[test]
fn a_stream_is_described_and_refused_to_those_who_ask_for_none() {
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
        let first = Client::open(demo.address, "");
        assert_eq!(Client::try_open(demo.address, "", &[]).err(), Some(503), "{flags:?}");
        drop(first);
        let opens = || Client::try_open(demo.address, "", &[]).is_ok();
        assert!(Deadline::seconds(5).until(opens), "{flags:?}: the place is free again");
    }
}

#[test]
fn a_stop_closes_every_stream_at_once() {
    let mut demo = Demo::start(&["--drain", "1s"]);
    let mut dashboards: Vec<_> = (0..20).map(|_| Client::open(demo.address, "")).collect();
    for dashboard in &mut dashboards {
        dashboard.hear_type("snapshot");
    }
    let watch = Stopwatch::start();
    demo.process.signal(Signal::TERM).expect("it runs");
    for dashboard in &mut dashboards {
        assert_eq!(dashboard.closed(), 1001);
    }
    assert!(watch.elapsed() < Duration::from_secs(1), "longer than the drain");
    assert!(demo.process.wait(Deadline::seconds(6)).expect("it ends").success());
}
