//! What two scrapes over HTTP say of what happened between them.

use std::net::SocketAddr;

use node0::breaker::{State, Thresholds};
use node0::{Monitoring, Routes, serve};
use testbed::http;
use tokio::net::TcpListener;

/// The counters of a circuit's changes, by from and to.
fn transitions(address: SocketAddr, from: &str, to: &str) -> u64 {
    let page = http::get(address, "/metrics").expect("a page").text().to_owned();
    let series = format!(
        "circuit_breaker_transitions_total{{circuit=\"payments\",from=\"{from}\",to=\"{to}\"}} "
    );
    let value = page.lines().find_map(|line| line.strip_prefix(&series));
    value.expect("the series is there").parse().expect("a whole number")
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_flaps_between_two_scrapes_raise_the_counters_by_ten() {
    let testing = Monitoring::testing();
    let circuit = testing.breakers().circuit("payments", Thresholds::default()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = testing.routes_with(|routes: Routes| routes).unwrap();
    let server = tokio::spawn(serve(listener, testing.watch(routes)).run());

    let changes = [("closed", "open"), ("open", "half_open"), ("half_open", "closed")];
    let scrape = move || changes.map(|(from, to)| transitions(address, from, to));
    let before = tokio::task::spawn_blocking(scrape).await.unwrap();
    for _ in 0..10 {
        circuit.state_changed(State::Closed, State::Open, "too many failed");
        circuit.state_changed(State::Open, State::HalfOpen, "a trial");
        circuit.state_changed(State::HalfOpen, State::Closed, "it went well");
    }
    let after = tokio::task::spawn_blocking(scrape).await.unwrap();
    assert_eq!(after.map(|count| count - before[0]), [10; 3]);
    server.abort();
}
