//! A family that would make the page invalid is left out and counted; the others stay.
//!
//! The registry refuses what no page can show. What is left depends on label values.

use node0_exporter::{Format, Naming};
use node0_metrics_core::{Classic, ClassicShape, Kind, OwnedDesc};
use node0_performance_monitor::PerformanceMonitor;

use crate::{Bench, grammar};

fn described(kind: Kind, name: &str) -> OwnedDesc {
    OwnedDesc::new(kind, name, "Help.").expect("a good name")
}

#[test]
fn a_classic_name_that_is_taken_by_a_standard_one() {
    let bench = Bench::new();
    let performance = PerformanceMonitor::register(&bench.registry).unwrap();
    performance.record_throughput("jobs", 1);
    let standard = described(Kind::Counter, "throughput_jobs_total");
    let _standard = bench.registry.metric(&standard, &[]).unwrap();
    let (both, page) = bench.render(Format::Text, Naming::Both);
    assert_eq!(both.skipped, 1);
    assert_eq!(page.matches("\nthroughput_jobs_total ").count(), 1, "{page}");
    grammar::parse(&page).expect("no family twice");
    let (classic, page) = bench.render(Format::Text, Naming::Classic);
    assert_eq!(classic.skipped, 0);
    assert!(page.contains("throughput_jobs_total 1 "), "{page}");
}

#[test]
fn a_classic_name_that_is_a_part_of_another() {
    let bench = Bench::new();
    let performance = PerformanceMonitor::register(&bench.registry).unwrap();
    for operation in ["jobs", "jobs_count"] {
        performance.record_latency(operation, std::time::Duration::from_millis(1));
    }
    let (rendered, page) = bench.render(Format::Text, Naming::Classic);
    assert_eq!(rendered.skipped, 1);
    assert!(page.contains("latency_ms_jobs_count 1 "), "{page}");
    assert!(!page.contains("latency_ms_jobs_count_count"), "{page}");
}

#[test]
fn two_shapes_under_one_classic_name() {
    let bench = Bench::new();
    let mut gauge = described(Kind::Gauge, "first");
    let mut counter = described(Kind::Counter, "second_total");
    gauge.classic = Some(Classic { shape: ClassicShape::Gauge, name: "x", help: "Help." });
    counter.classic = Some(Classic { shape: ClassicShape::Counter, name: "x", help: "Help." });
    let _series = [gauge, counter].map(|desc| bench.registry.metric(&desc, &[]).unwrap());
    let (rendered, page) = bench.render(Format::Text, Naming::Classic);
    assert_eq!(rendered.skipped, 1);
    assert!(page.contains("# TYPE x gauge\n") && !page.contains("counter"), "{page}");
}
