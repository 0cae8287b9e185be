//! The verdicts of promtool and the reference parser on the demo's pages.

use std::collections::BTreeSet;

use testbed::exposition;
use testbed::http::Request;
use testbed::{promtool, tools};

use crate::demo::Demo;

/// The lint that the classic page is expected to cause, with the reasons.
const CLASSIC_LINT: &str = include_str!("../golden/classic-lint.txt");

/// Starts a demo with values in every family that requests fill.
fn used() -> Demo {
    let demo = Demo::start(&[]);
    let id = demo.order();
    assert_eq!(demo.get(&format!("/orders/{id}")).status, 200);
    demo
}

#[test]
fn the_reference_parser_takes_the_openmetrics_page() {
    let parser = testbed::require!(tools::prometheus_client());
    let accept = "application/openmetrics-text;version=1.0.0";
    let page = used().send(&Request::get("/metrics").header("accept", accept));
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(page.header("content-type"), Some(content_type));
    let families = exposition::parse_openmetrics(&parser, &page.text())
        .unwrap_or_else(|error| panic!("{error}"));
    let requests =
        families.iter().find(|family| family.name == "http_server_request_duration_seconds");
    let counts = requests.expect("it is there").samples.iter();
    let counts = counts.filter(|sample| sample.name.ends_with("_count"));
    assert_eq!(counts.map(|sample| sample.value).sum::<f64>(), 2.0, "an order and its reading");
}

#[test]
fn promtool_has_nothing_to_say_about_the_standard_page() {
    let tool = testbed::require!(tools::prometheus_2_53());
    let page = used().get("/metrics?naming=standard").text();
    let report = promtool::check_metrics(&tool, &page).expect("promtool runs");
    assert_eq!((report.exit, report.lines), (Some(0), Vec::new()));
}

#[test]
fn promtool_says_of_the_classic_page_what_is_known_of_it() {
    let tool = testbed::require!(tools::prometheus_2_53());
    let page = used().get("/metrics?naming=classic").text();
    let report = promtool::check_metrics(&tool, &page).expect("promtool runs");
    let said: BTreeSet<&str> = report.lines.iter().map(String::as_str).collect();
    let known = CLASSIC_LINT.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(said, known);
}
