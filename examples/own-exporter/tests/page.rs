//! The page of the other exporter, fetched from the running service.

use std::net::SocketAddr;
use std::process::Command;

use testbed::exposition::{self, Family};
use testbed::process::Process;
use testbed::{Deadline, http, tools};

/// Returns the value of a series on the page.
fn value(families: &[Family], name: &str, labels: &[(&str, &str)]) -> f64 {
    let samples = families.iter().flat_map(|family| &family.samples);
    let mut found = samples.filter(|sample| {
        let has = sample.labels.iter().map(|(key, value)| (&**key, &**value));
        sample.name == name && has.eq(labels.iter().copied())
    });
    found.next().unwrap_or_else(|| panic!("no {name}{labels:?}")).value
}

#[test]
fn pool_metrics_are_on_the_page_of_the_services_own_exporter() {
    let parser = testbed::require!(tools::prometheus_client());
    let program = Command::new(env!("CARGO_BIN_EXE_own-exporter"));
    let mut service = Process::spawn(program).expect("the service starts");
    let ready = service.wait_for_line("ready http://", Deadline::seconds(30));
    let ready = ready.unwrap_or_else(|error| panic!("{error}"));
    let address: Option<SocketAddr> =
        ready.split('/').nth(2).and_then(|address| address.parse().ok());
    let address = address.expect("the line has the address");

    // Once both are published, nothing changes any more.
    let last = [
        "db_client_acquires_total{outcome=\"acquired\",pool=\"main\"} 3",
        "db_client_connections{pool=\"main\",state=\"used\"} 3",
    ];
    let page = Deadline::seconds(30).poll(|| {
        let page = http::get(address, "/metrics").ok()?.text();
        last.iter().all(|wanted| page.lines().any(|line| line == *wanted)).then_some(page)
    });
    let page = page.unwrap_or_else(|| panic!("never published: {}", service.output()));
    let read = exposition::parse_text(&parser, &page).unwrap_or_else(|error| panic!("{error}"));

    let pool = ("pool", "main");
    assert_eq!(value(&read, "db_client_connections", &[pool, ("state", "used")]), 3.0);
    assert_eq!(value(&read, "db_client_connections", &[pool, ("state", "idle")]), 0.0);
    assert_eq!(value(&read, "db_client_connections_max", &[pool]), 4.0);
    let acquired = [("outcome", "acquired"), pool];
    assert_eq!(value(&read, "db_client_acquires_total", &acquired), 3.0);
    let timed_out = [("outcome", "timed_out"), pool];
    assert_eq!(value(&read, "db_client_acquires_total", &timed_out), 0.0);
    assert_eq!(value(&read, "db_client_wait_duration_seconds_count", &[pool]), 3.0);
    let all = [("le", "+Inf"), pool];
    assert_eq!(value(&read, "db_client_wait_duration_seconds_bucket", &all), 3.0);
    assert_eq!(value(&read, "workers_started_total", &[]), 3.0, "its own are there as before");

    let kinds = [
        ("db_client_connections", "gauge"),
        ("db_client_connections_max", "gauge"),
        ("db_client_acquires", "counter"),
        ("db_client_wait_duration_seconds", "histogram"),
        ("workers_started", "counter"),
    ];
    for (name, kind) in kinds {
        let family = read.iter().find(|family| family.name == name).expect("the family is there");
        assert_eq!(family.kind, kind, "{name}");
    }
    let most = read.iter().find(|family| family.name == "db_client_connections_max");
    let help = most.map(|family| &*family.help);
    assert_eq!(help, Some("Maximum number of open connections that the pool allows."));
}
