//! The chaos endpoints of the demo.

use std::process::Command;

use node0_demo::chaos::Fault;
use serde_json::Value;
use testbed::Deadline;
use testbed::http::Request;

use crate::demo::Demo;

fn switch(demo: &Demo, method: &str, path: &str) -> u16 {
    demo.send(&Request::new(method, path)).status
}

#[test]
fn switches_are_listed_turned_on_and_off() {
    let demo = Demo::start(&[]);
    assert_eq!(demo.json("/chaos")["faults"]["slow-database"]["on"], false);
    assert_eq!(switch(&demo, "POST", "/chaos/slow-database"), 200);
    assert_eq!(switch(&demo, "POST", "/chaos/small-pool"), 200);
    assert_eq!(demo.json("/chaos")["faults"]["slow-database"]["on"], true);
    assert_eq!(switch(&demo, "DELETE", "/chaos/slow-database"), 200);
    assert_eq!(demo.json("/chaos")["faults"]["small-pool"]["on"], true);
    assert_eq!(switch(&demo, "DELETE", "/chaos"), 200);
    assert_eq!(demo.json("/chaos")["faults"]["small-pool"]["on"], false);
    let unknown = demo.send(&Request::new("POST", "/chaos/flood"));
    assert_eq!(unknown.status, 404);
    assert_eq!(unknown.json().expect("JSON")["error"]["code"], "not_found");
}

#[test]
fn a_slow_database_shows_in_the_latency() {
    let demo = Demo::start(&[]);
    assert_eq!(switch(&demo, "POST", "/chaos/slow-database"), 200);
    demo.order();
    let create = &demo.json("/metrics/performance")["operations"]["orders:create"];
    assert!(create["p50"].as_f64() >= Some(249.0), "{create}");
}

#[test]
fn a_small_pool_shows_in_the_pools_maximum() {
    let demo = Demo::start(&[]);
    let max = |demo: &Demo| demo.json("/metrics/database")["metrics"]["maxConnections"].as_u64();
    let before = max(&demo);
    assert_eq!(switch(&demo, "POST", "/chaos/small-pool"), 200);
    assert!(Deadline::seconds(5).until(|| max(&demo) == Some(1)), "{:?}", max(&demo));
    assert_eq!(switch(&demo, "DELETE", "/chaos/small-pool"), 200);
    assert!(Deadline::seconds(5).until(|| max(&demo) == before));
}

/// The checks of `/health/performance` that are not passed, with their topic's key.
fn failing(demo: &Demo) -> Vec<String> {
    let body = demo.json("/health/performance");
    let checks = body["checks"].as_object().expect("checks").iter();
    let failing = checks.filter(|(_, check)| ["warn", "fail"].contains(&check_status(check)));
    failing.map(|(key, _)| key.clone()).collect()
}

fn check_status(check: &Value) -> &str {
    check["status"].as_str().expect("a status")
}

/// Turns a fault on, under the traffic that a demo has by default, and waits for its judgement.
fn check_judged(fault: Fault, check: &str) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_node0-demo"));
    command.args(["--listen", "127.0.0.1:0", "--database", "embedded", "--redis", "embedded"]);
    let demo = Demo::spawn(command);
    let is_failing = |demo: &Demo| failing(demo).iter().any(|failing| failing == check);
    assert!(!is_failing(&demo), "before {fault:?}");
    assert_eq!(switch(&demo, "POST", &format!("/chaos/{}", fault.name())), 200);
    let found = Deadline::seconds(90).until(|| is_failing(&demo));
    assert!(found, "{fault:?}: {:#}", demo.json("/health/performance"));
}

#[test]
fn each_fault_changes_a_judgement_under_the_default_traffic() {
    let check = |fault| match fault {
        Fault::SlowDatabase | Fault::SmallPool => "database",
        Fault::FailingPayments | Fault::SlowPayments => "circuitBreaker",
        Fault::ColdCache => "cache",
    };
    std::thread::scope(|scope| {
        for fault in Fault::ALL {
            scope.spawn(move || check_judged(fault, check(fault)));
        }
    });
}

#[test]
fn there_is_no_chaos_when_it_is_off() {
    let demo = Demo::start(&["--chaos", "off"]);
    assert_eq!(demo.get("/chaos").status, 404);
    assert_eq!(switch(&demo, "POST", "/chaos/slow-database"), 404);
}

#[test]
fn a_page_of_another_site_switches_no_faults_and_reads_nothing() {
    let demo = Demo::start(&[]);
    for header in [
        ("origin", "http://evil.example"),
        ("sec-fetch-site", "cross-site"),
        ("host", "rebound.example"),
    ] {
        for (method, path) in
            [("POST", "/chaos/slow-database"), ("DELETE", "/chaos"), ("POST", "/orders")]
        {
            let request = Request::new(method, path).header(header.0, header.1);
            assert_eq!(demo.send(&request).status, 403, "{method} {path} with {header:?}");
        }
    }
    assert_eq!(demo.json("/chaos")["faults"]["slow-database"]["on"], false);
    for path in ["/", "/metrics", "/health/live", "/chaos", "/orders/1", "/endpoints"] {
        let request = Request::get(path).header("host", "rebound.example");
        assert_eq!(demo.send(&request).status, 403, "{path}");
    }
}
