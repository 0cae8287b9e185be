//! The demo's past: it is there from the first seconds on, and a stopped process leaves a gap.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use testbed::Deadline;
use testbed::deadline::pause;
use testbed::process::Signal;

use crate::demo::Demo;

/// The rate of all requests in each of the last twenty seconds, from the first known one on.
fn rates(demo: &Demo) -> Vec<Option<f64>> {
    let requests = "metric=operations_total&match=operation%3D%22http:requests%22";
    let body: Value = demo.json(&format!("/metrics/history?{requests}&from=-20s&step=1s"));
    // There is no such series before the first request.
    let values = body["series"][0]["values"].as_array().into_iter().flatten();
    values.map(Value::as_f64).skip_while(Option::is_none).collect()
}

#[test]
fn requests_have_a_past_with_a_gap_where_the_process_was_stopped() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_node0-demo"));
    command.args(["--listen", "127.0.0.1:0", "--database", "embedded", "--redis", "embedded"]);
    command.args(["--load", "50"]);
    let demo = Demo::spawn(command);
    let has_past =
        |demo: &Demo| rates(demo).iter().flatten().filter(|rate| **rate > 0.0).count() >= 4;
    assert!(Deadline::seconds(20).until(|| has_past(&demo)), "{:?}", rates(&demo));
    demo.process.signal(Signal::STOP).expect("it runs");
    pause(Duration::from_secs(8));
    demo.process.signal(Signal::CONT).expect("it is stopped");
    // The first answers may come before the first sample after the stop.
    let goes_on = |rates: &[Option<f64>]| {
        let after = rates.iter().rev().take_while(|rate| rate.is_some()).count();
        (3..rates.len()).contains(&after)
    };
    assert!(Deadline::seconds(20).until(|| goes_on(&rates(&demo))), "{:?}", rates(&demo));

    let rates = rates(&demo);
    let gap = rates.iter().filter(|rate| rate.is_none()).count();
    assert!((7..=9).contains(&gap), "{gap} of 8 seconds are a gap: {rates:?}");
    // The load asks fifty times a second, and may catch up a little.
    assert!(rates.iter().flatten().all(|rate| *rate <= 150.0), "{rates:?}");

    // The stop is one pause of the process, and no lag of its runtime.
    let page = demo.get("/metrics").text();
    assert!(page.contains("\nprocess_pause_duration_seconds_count 1\n"), "{page}");
    let runtimes: Value = demo.json("/metrics/runtime")["runtimes"].take();
    let mut lags = runtimes.as_object().expect("runtimes").values().map(|one| &one["lag"]["max"]);
    assert!(lags.all(|lag| lag.as_f64() < Some(5_000.0)), "{runtimes:#}");

    let p95 = "/metrics/history?metric=operation_duration_seconds&from=-20s&quantile=0.95";
    let body: Value = demo.json(p95);
    assert_eq!(body["statistic"], "quantile");
}
