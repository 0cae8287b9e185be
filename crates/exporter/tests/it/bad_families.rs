//! A family that would make the page invalid is left out and counted; the others stay.

use exporter::{Format, Naming};
use metrics_core::{Classic, ClassicShape, Desc, Kind, OwnedDesc};
use performance_monitor::PerformanceMonitor;

use crate::{Bench, grammar};

const GOOD: Desc = Desc::counter("zz_good_total", "Behind the bad one.");

fn described(kind: Kind, name: &str) -> OwnedDesc {
    OwnedDesc::new(kind, name, "Help.").expect("a good name")
}

#[track_caller]
fn left_out(format: Format, bad: &[OwnedDesc], about: &str) {
    let bench = Bench::new();
    let good = bench.registry.counter(&GOOD, &[]).expect("the name is free");
    good.inc();
    let register = |desc| bench.registry.metric(desc, &[]).expect("the registry takes it");
    let bad: Vec<_> = bad.iter().map(register).collect();
    let (rendered, page) = bench.render(format, Naming::Standard);
    assert_eq!(rendered.skipped, 1, "{page}");
    assert!(page.contains("\nzz_good_total 1\n") && !page.contains(about), "{page}");
    drop(bad);
}

#[test]
fn a_description_that_was_spoiled_after_it_was_made() {
    let mut spaced = described(Kind::Gauge, "level");
    spaced.name = "bad name".into();
    left_out(Format::Text, &[spaced], "bad name");
    let mut bare = described(Kind::Counter, "jobs_total");
    bare.name = "bare".into();
    left_out(Format::OpenMetrics, &[bare], "bare");
    let mut falling = described(Kind::Distribution, "falling");
    falling.bounds = vec![2.0, 1.0].into();
    left_out(Format::Text, &[falling], "falling");
    let mut endless = described(Kind::Distribution, "endless");
    endless.bounds = vec![f64::NAN].into();
    left_out(Format::Text, &[endless], "endless");
}

#[test]
fn a_counter_whose_openmetrics_name_is_a_gauge() {
    let pair = [described(Kind::Gauge, "jobs"), described(Kind::Counter, "jobs_total")];
    left_out(Format::OpenMetrics, &pair, "jobs_total");
    let bench = Bench::new();
    let _pair = pair.map(|desc| bench.registry.metric(&desc, &[]).unwrap());
    let (rendered, page) = bench.render(Format::Text, Naming::Standard);
    assert_eq!(rendered.skipped, 0);
    assert!(page.contains("\njobs 0\n") && page.contains("\njobs_total 0\n"), "{page}");
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
fn a_projection_that_does_not_fit_its_metric() {
    let cases = [
        (ClassicShape::Summary, Kind::Counter, "x_{operation}"),
        (ClassicShape::Counter, Kind::Gauge, "x_{operation}"),
        (ClassicShape::Ratio, Kind::Latency, "x_{operation}"),
        (ClassicShape::Gauge, Kind::Latency, "x_{operation}"),
        (ClassicShape::Gauge, Kind::Gauge, "x_{no_such_label}"),
        (ClassicShape::Gauge, Kind::Gauge, ""),
    ];
    for (shape, kind, name) in cases {
        let bench = Bench::new();
        let mut desc = described(kind, "metric");
        desc.classic = Some(Classic { shape, name, help: "Help." });
        let _series = bench.registry.metric(&desc, &[("operation", "a")]).unwrap();
        let (rendered, page) = bench.render(Format::Text, Naming::Classic);
        assert_eq!((rendered.skipped, &*page), (1, ""), "{shape:?} of {kind:?} as {name}");
    }
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
