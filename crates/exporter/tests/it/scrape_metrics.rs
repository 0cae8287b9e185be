use std::time::Duration;

use node0_exporter::{
    CLASSIC_NAMES_MERGED, Format, Naming, SCRAPE_BYTES, SCRAPE_DURATION, SCRAPE_FAMILIES_SKIPPED,
    SCRAPES, ScrapeMetrics,
};
use node0_metrics_core::{Kind, OwnedDesc, Value};
use node0_performance_monitor::PerformanceMonitor;

use crate::Bench;

fn value(bench: &Bench, name: &str, labels: &[(&str, &str)]) -> f64 {
    bench.registry.read().snapshot.value(name, labels).expect("it is registered").as_f64()
}

#[test]
fn every_format_starts_at_zero() {
    let bench = Bench::new();
    let _metrics = ScrapeMetrics::register(&bench.registry).unwrap();
    let page = bench.text_of("node0_scrape");
    for format in Format::ALL {
        let line = format!("node0_scrapes_total{{format=\"{}\"}} 0\n", format.as_str());
        assert!(page.contains(&line), "{page}");
    }
    assert!(page.contains("\nnode0_scrape_duration_seconds_count 0\n"));
    assert!(page.contains("\nnode0_scrape_families_skipped_total 0\n"));
    assert!(bench.text_of("node0_classic").ends_with("\nnode0_classic_names_merged_total 0\n"));
}

#[test]
fn a_page_counts_in_the_next_one() {
    let bench = Bench::new();
    let metrics = ScrapeMetrics::register(&bench.registry).unwrap();
    let (rendered, page) = bench.render(Format::OpenMetrics, Naming::Standard);
    metrics.record(&rendered, Duration::from_millis(2));
    assert_eq!(value(&bench, SCRAPES.name(), &[("format", "openmetrics")]), 1.0);
    assert_eq!(value(&bench, SCRAPES.name(), &[("format", "text")]), 0.0);
    let sample = bench.registry.read();
    let sum = |name| match sample.snapshot.value(name, &[]) {
        Some(Value::Histogram(histogram)) => histogram.total().sum(),
        other => panic!("{other:?}"),
    };
    assert_eq!(sum(SCRAPE_DURATION.name()), 0.002);
    assert_eq!(sum(SCRAPE_BYTES.name()), page.len() as f64);
}

#[test]
fn what_was_skipped_and_merged_is_counted() {
    let bench = Bench::new();
    let metrics = ScrapeMetrics::register(&bench.registry).unwrap();
    let performance = PerformanceMonitor::register(&bench.registry).unwrap();
    performance.record_throughput("api:request", 1);
    performance.record_throughput("api_request", 1);
    let taken = OwnedDesc::new(Kind::Counter, "throughput_jobs_total", "Jobs.").unwrap();
    let _taken = bench.registry.metric(&taken, &[]).unwrap();
    performance.record_throughput("jobs", 1);
    let (rendered, _) = bench.render(Format::Text, Naming::Both);
    metrics.record(&rendered, Duration::ZERO);
    metrics.record(&rendered, Duration::ZERO);
    assert_eq!(value(&bench, SCRAPE_FAMILIES_SKIPPED.name(), &[]), 2.0);
    assert_eq!(value(&bench, CLASSIC_NAMES_MERGED.name(), &[]), 2.0);
}
