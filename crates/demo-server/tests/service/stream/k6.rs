//! k6 as a client that is not ours.

use testbed::{k6, tools};

use crate::demo::Demo;

const SCRIPT: &str = include_str!("k6.js");

#[test]
fn twenty_clients_of_k6_read_subscribe_and_leave() {
    let tool = testbed::require!(tools::k6());
    let demo = Demo::start(&[]);
    let summary =
        k6::run(&tool, SCRIPT, demo.address, 60).unwrap_or_else(|error| panic!("{error}"));
    let count = |name: &str| summary["metrics"][name]["count"].as_u64();
    assert_eq!(count("ws_sessions"), Some(20), "{summary}");
    assert!(count("updates") >= Some(20 * 5), "{summary}");
    let readers = demo.get("/metrics?naming=standard").text();
    let line = "node0_stream_clients{transport=\"websocket\"} 0";
    assert!(readers.lines().any(|has| has == line), "none is left");
}
