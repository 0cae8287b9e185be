//! Other crates that record through the facade appear on a page of node0.

use std::collections::BTreeMap;

use node0_exporter::Format;
use testbed::exposition;
use testbed::{promtool, tools};

use crate::bench::Bench;

fn with_process_metrics() -> Bench {
    let bench = Bench::new();
    bench.record(|| {
        let collector = metrics_process::Collector::default();
        collector.describe();
        collector.collect();
        collector.collect();
    });
    bench
}

#[test]
fn a_crate_that_emits_through_the_facade_is_rightly_typed_on_the_page() {
    let client = testbed::require!(tools::prometheus_client());
    let bench = with_process_metrics();
    let families =
        exposition::parse_openmetrics(&client, &bench.page(Format::OpenMetrics)).unwrap();
    let found: BTreeMap<_, _> = families
        .iter()
        .filter(|family| family.name.starts_with("process_"))
        .map(|family| (&*family.name, (&*family.kind, &*family.unit)))
        .collect();
    let expected = [
        ("process_cpu_seconds", ("counter", "seconds")),
        ("process_max_fds", ("gauge", "")),
        ("process_open_fds", ("gauge", "")),
        ("process_resident_memory_bytes", ("gauge", "bytes")),
        ("process_start_time_seconds", ("gauge", "seconds")),
        ("process_threads", ("gauge", "")),
        ("process_virtual_memory_bytes", ("gauge", "bytes")),
        ("process_virtual_memory_max_bytes", ("gauge", "bytes")),
    ];
    assert_eq!(found, expected.into());
    let memory =
        families.iter().find(|family| family.name == "process_resident_memory_bytes").unwrap();
    assert_eq!(memory.help, "Resident memory size in bytes.");
    assert!(memory.samples[0].value > 100_000.0);
    assert!(bench.refused().is_empty());
}

#[test]
fn promtool_has_nothing_to_say_about_a_page_with_metrics_of_the_facade() {
    let tool = testbed::require!(tools::prometheus_2_53());
    let bench = with_process_metrics();
    bench.record(|| {
        metrics::gauge!("queue.count").set(1.0);
        metrics::counter!("requests", "le" => "1").increment(1);
        metrics::describe_histogram!("wait", metrics::Unit::Milliseconds, "Waits.");
        metrics::histogram!("wait").record(3.0);
        metrics::histogram!("anything").record(3.0);
    });
    let report = promtool::check_metrics(&tool, &bench.page(Format::Text)).unwrap();
    assert_eq!((report.exit, report.lines), (Some(0), Vec::new()));
}
