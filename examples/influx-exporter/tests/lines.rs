//! The lines of a sample are those that InfluxDB expects.

use std::time::Duration;

use influx_exporter::write_lines;
use node0_metrics_core::{Desc, ManualClock, Registry, Timestamp, Unit};

const JOBS: Desc = Desc::counter("jobs_total", "Jobs done.").labels(&["queue", "result"]);
const DEPTH: Desc = Desc::gauge("depth", "Jobs that wait.");
const WAIT: Desc = Desc::latency("wait_seconds", "Waits.").labels(&["queue"]);
const SIZE: Desc = Desc::distribution("size_bytes", "Sizes.", Unit::Bytes, &[]);

/// Makes a registry whose clock stands at 1 700 000 000 123 ms since the epoch.
fn registry() -> Registry {
    let clock = ManualClock::new();
    clock.set_wall(Timestamp::from_millis(1_700_000_000_123));
    Registry::builder().clock(clock.clock()).build()
}

/// Returns the lines of the registry, without those of node0's own metrics.
fn lines(registry: &Registry) -> Vec<String> {
    let mut out = String::from("# before\n");
    write_lines(&registry.read(), &mut out);
    let own = |line: &&str| !line.starts_with("node0_") && !line.starts_with("# before");
    out.lines().filter(own).map(str::to_owned).collect()
}

#[test]
fn counters_and_gauges_have_a_value() {
    let registry = registry();
    let jobs = registry.counter(&JOBS, &["mail", "done"]).expect("it is valid");
    let depth = registry.gauge(&DEPTH, &[]).expect("it is valid");
    jobs.add(3);
    depth.set(-2.5);
    let expected = [
        "depth value=-2.5 1700000000123000000",
        "jobs_total,queue=mail,result=done value=3i 1700000000123000000",
    ];
    assert_eq!(lines(&registry), expected);
}

#[test]
fn histograms_have_count_sum_and_percentiles() {
    let registry = registry();
    let wait = registry.latency(&WAIT, &["mail"]).expect("it is valid");
    let size = registry.distribution(&SIZE, &[]).expect("it is valid");
    // A percentile is the middle of a bucket: the bucket begins at 2^20 ns and is 2^14 ns wide.
    (0..98).for_each(|_| wait.record(Duration::from_nanos(1_056_768)));
    (0..2).for_each(|_| wait.record(Duration::from_nanos(1_056_768 << 4)));
    let at = "1700000000123000000";
    let expected = [
        format!("size_bytes count=0i,sum=0 {at}"),
        format!(
            "wait_seconds,queue=mail count=100i,sum=0.13737984,p50=0.001056768,p95=0.001056768,p99=0.016908288 {at}"
        ),
    ];
    assert_eq!(lines(&registry), expected);
    drop(size);
}

#[test]
fn label_values_are_escaped() {
    let registry = registry();
    let values = ["a b,c=d", "é\n\"x\"", "C:\\new\\", "", "日本"];
    let jobs = values.map(|value| registry.counter(&JOBS, &[value, "done"]).expect("it is valid"));
    jobs.iter().for_each(|jobs| jobs.inc());
    let mut expected = [r"a\ b\,c\=d,", "é\\ \"x\",", "C:/new/,", "日本,"]
        .map(|value| format!("jobs_total,queue={value}result=done value=1i 1700000000123000000"))
        .to_vec();
    expected.push("jobs_total,result=done value=1i 1700000000123000000".to_owned());
    let mut lines = lines(&registry);
    lines.sort();
    expected.sort();
    assert_eq!(lines, expected);
}

#[test]
fn numbers_that_the_protocol_lacks_are_left_out() {
    let registry = registry();
    let depth = registry.gauge(&DEPTH, &[]).expect("it is valid");
    for unknown in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        depth.set(unknown);
        assert_eq!(lines(&registry), Vec::<String>::new());
    }
    let jobs = registry.counter(&JOBS, &["mail", "done"]).expect("it is valid");
    jobs.add(u64::MAX);
    let most = "jobs_total,queue=mail,result=done value=9223372036854775807i 1700000000123000000";
    assert_eq!(lines(&registry), [most]);
}
