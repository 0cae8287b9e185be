//! The flags for exemplars and native histograms.

use testbed::http::Request;

use crate::demo::Demo;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[test]
fn a_request_with_a_trace_is_an_exemplar_and_the_slowest_is_named() {
    let demo = Demo::start(&["--traceparent", "on", "--native-histograms", "on"]);
    let traced =
        Request::get("/orders/1").header("traceparent", &format!("00-{TRACE}-00f067aa0ba902b7-01"));
    demo.send(&traced);
    let accept = |types: &str| demo.send(&Request::get("/metrics").header("accept", types));
    let page = accept("application/openmetrics-text").text();
    let exemplar = format!("# {{trace_id=\"{TRACE}\",span_id=\"00f067aa0ba902b7\"}}");
    let of_route =
        |line: &&str| line.contains("http_route=\"/orders/{id}\"") && line.contains(&exemplar);
    assert_eq!(page.lines().filter(of_route).count(), 1, "{page}");

    let protobuf = accept(
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
    );
    assert!(protobuf.header("content-type").is_some_and(|it| it.contains("protobuf")));
    let slowest = &demo.json("/metrics/performance")["slowest"];
    assert!(
        slowest["operation"].is_string() && slowest["durationMs"].as_f64() > Some(0.0),
        "{slowest}"
    );
}

#[test]
fn without_the_flags_there_is_neither() {
    let demo = Demo::start(&[]);
    let header = format!("00-{TRACE}-00f067aa0ba902b7-01");
    demo.send(&Request::get("/orders/1").header("traceparent", &header));
    let accept =
        "application/vnd.google.protobuf;encoding=delimited,application/openmetrics-text;q=0.5";
    let page = demo.send(&Request::get("/metrics").header("accept", accept));
    assert!(page.header("content-type").is_some_and(|it| it.contains("openmetrics")));
    assert!(!page.text().contains(TRACE));
}
