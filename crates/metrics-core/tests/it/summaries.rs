use std::time::Duration;

use node0_metrics_core::{Desc, Latency, LatencySummary};
use serde_json::json;

use crate::Bench;

const WAIT: Desc = Desc::latency("wait_seconds", "Waits.").labels(&["pool"]);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn is_near(found: Option<Duration>, wanted: Duration) -> bool {
    found.is_some_and(|found| found.abs_diff(wanted) <= wanted / 128)
}

fn waits(bench: &Bench, pool: &str) -> Latency {
    bench.registry.latency(&WAIT, &[pool]).expect("the description is right")
}

#[test]
fn a_summary_is_of_the_window_and_counts_since_the_start() {
    let mut bench = Bench::new();
    let wait = waits(&bench, "main");
    (0..1000).for_each(|_| wait.record(ms(900)));
    bench.tick();
    (1..=1000).for_each(|n| wait.record(ms(n)));
    let sample = bench.tick().sample;
    let summary = sample.view().latency(&wait).expect("it is registered").summary();
    assert_eq!((summary.samples, summary.count), (1000, 2000));
    assert_eq!(summary.window_seconds, 1.0);
    for (found, wanted) in [
        (summary.min, 1),
        (summary.p50, 500),
        (summary.p95, 950),
        (summary.p99, 990),
        (summary.max, 1000),
    ] {
        assert!(is_near(found, ms(wanted)), "{found:?} is not {wanted} ms");
    }
    assert_eq!(summary.avg, Some(Duration::from_micros(500_500)));
}

#[test]
fn several_latencies_are_summarised_as_if_they_were_one() {
    let mut bench = Bench::new();
    let [a, b, all] = ["a", "b", "all"].map(|pool| waits(&bench, pool));
    let record = |wait: &Latency, millis| {
        wait.record(ms(millis));
        all.record(ms(millis));
    };
    (1..=300).for_each(|n| record(&a, n));
    bench.tick();
    (200..=700).for_each(|n| record(&b, n));
    let sample = bench.tick().sample;
    let view = sample.view();
    let [a, b, all] = [&a, &b, &all].map(|wait| view.latency(wait).expect("it is registered"));
    let merged = LatencySummary::merged([a, b]);
    assert_eq!(merged, all.summary());
    assert_eq!(LatencySummary::merged([b, a]), merged);
    assert_eq!(LatencySummary::merged([a]), a.summary());
    assert_eq!(LatencySummary::merged([]), LatencySummary::default());
}

#[test]
fn a_judge_gets_no_summary_of_too_few_samples() {
    let bench = Bench::new();
    let wait = waits(&bench, "main");
    (0..19).for_each(|_| wait.record(ms(1)));
    let summary = || {
        let sample = bench.registry.read();
        sample.view().latency(&wait).expect("it is registered").summary()
    };
    assert_eq!(summary().if_at_least(20), None);
    wait.record(ms(1));
    assert_eq!(summary().if_at_least(20), Some(summary()));
}

#[test]
fn as_json_durations_are_milliseconds_and_nothing_is_null() {
    let mut bench = Bench::new();
    let wait = waits(&bench, "main");
    bench.tick();
    let summary = |bench: &Bench| {
        let sample = bench.registry.latest();
        let summary = sample.view().latency(&wait).expect("it is registered").summary();
        serde_json::to_value(summary).expect("it is plain data")
    };
    let nothing = json!({
        "min": null, "max": null, "avg": null, "p50": null, "p95": null, "p99": null,
        "samples": 0, "windowSeconds": 1.0, "count": 0,
    });
    assert_eq!(summary(&bench), nothing);
    wait.record(Duration::from_micros(2500));
    bench.tick();
    assert_eq!(summary(&bench)["avg"], json!(2.5));
}
