//! The index lists every endpoint.

use node0_demo::chaos::Fault;
use serde_json::Value;
use testbed::http::Request;

use crate::demo::Demo;

/// The topics of the monitors that every user of the facade has, sorted.
const TOPICS: [&str; 6] =
    ["cache", "circuit-breaker", "database", "performance", "runtime", "system"];

/// Returns the names that an error lists as known.
fn known(demo: &Demo, target: &str) -> Vec<String> {
    let body = demo.get(target).json().expect("JSON");
    let known = body["error"]["known"].as_array().expect("a list").iter();
    known.map(|name| name.as_str().expect("a name").to_owned()).collect()
}

#[test]
fn the_index_has_every_topic_endpoint_and_fault() {
    let demo = Demo::start(&[]);
    let page = demo.get("/endpoints").text();
    let mut topics = known(&demo, "/metrics/nothing");
    topics.sort_unstable();
    assert_eq!(topics, TOPICS, "the topics of the facade's monitors");
    for topic in TOPICS {
        assert!(page.contains(&format!("href=\"/metrics/{topic}\"")), "topic {topic}");
    }
    for fault in Fault::ALL {
        let row = format!("POST /chaos/{}", fault.name());
        assert!(page.contains(&row) && page.contains(fault.effect()), "{row}");
    }
    let description = demo.json("/metrics/openapi.json");
    let paths = description["paths"].as_object().expect("paths");
    assert!(paths.contains_key("/endpoints"), "the index describes itself");
    for (path, item) in paths {
        let summary = item["get"]["summary"].as_str().expect("a summary");
        assert!(page.contains(&format!("<code>{path}</code>")), "{path}");
        assert!(page.contains(summary), "{summary}");
    }
    for own in ["POST /orders", "GET /orders/{id}"] {
        assert!(page.contains(own), "{own}");
    }
}

#[test]
fn the_index_shows_no_faults_when_chaos_is_off() {
    let demo = Demo::start(&["--chaos", "off"]);
    let page = demo.get("/endpoints");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(!page.text().contains("/chaos"));
    let wrong = demo.send(&Request::new("POST", "/endpoints"));
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("GET, HEAD")));
    let description: Value = demo.json("/metrics/openapi.json");
    assert_eq!(description["info"]["version"], env!("CARGO_PKG_VERSION"));
}
