//! The verdicts of the reference parser and promtool on the exporter's pages.

use std::collections::BTreeMap;
use std::time::Duration;

use node0_exporter::{Exporter, Format, Naming, ScrapeMetrics};
use node0_metrics_core::{
    AnyMetric, Kind, MAX_LABEL_VALUE_BYTES, OwnedDesc, Snapshot, TraceId, Value,
};
use node0_performance_monitor::PerformanceMonitor;
use testbed::exposition::{self, Family};
use testbed::{promtool, tools};

use crate::{Bench, START};

/// The lint that classic pages are expected to cause, with the reasons.
const CLASSIC_LINT: &str = include_str!("../golden/classic-lint.txt");

fn hostile_texts() -> Vec<String> {
    let long = "x\\\"\n".repeat(2_500);
    let plain =
        ["", "\\", "\"", "\n", "\\n", "\\\\\"", "a\nb\n", "é\u{2028}漢字🦀", "{},=#", "# EOF"];
    plain.into_iter().map(str::to_owned).chain([long]).collect()
}

/// Registers a family of each kind for each hostile text, which is its help and a label value.
fn hostile_registry(bench: &Bench) -> Vec<AnyMetric> {
    let mut handles = Vec::new();
    for (at, text) in hostile_texts().iter().enumerate() {
        for kind in [Kind::Counter, Kind::Gauge, Kind::Latency, Kind::Distribution] {
            let name = format!("{}_{at}", format!("{kind:?}").to_lowercase());
            let desc = OwnedDesc::new(kind, &name, text).expect("a good name");
            for (nth, label) in hostile_texts().iter().enumerate() {
                let metric = bench.registry.metric(&desc, &[("text", label)]);
                let metric = metric.expect("any value is a label value");
                record(&metric, nth);
                handles.push(metric);
            }
        }
    }
    handles
}

fn record(metric: &AnyMetric, nth: usize) {
    match metric {
        AnyMetric::Counter(counter) => counter.add(1 << nth),
        AnyMetric::Gauge(gauge) => gauge.set([0.1, -1e-7, f64::NAN, f64::INFINITY][nth % 4]),
        AnyMetric::Latency(latency) => {
            latency.record(Duration::from_micros(3));
            latency.record_traced(Duration::from_millis(7 << nth), TraceId::new(1 << nth));
        }
        AnyMetric::Distribution(distribution) => distribution.record(nth as f64 / 3.0),
        other => panic!("{other:?}"),
    }
}

/// Asserts that the parser read the same values, labels and help texts as the snapshot has.
fn assert_read_back(read: &[Family], snapshot: &Snapshot, help: fn(&str) -> &str) {
    let read: BTreeMap<_, _> = read.iter().map(|family| (&*family.name, family)).collect();
    assert_eq!(read.len(), snapshot.families().len());
    for family in snapshot.families() {
        let desc = family.desc;
        let read = read[desc.name.strip_suffix("_total").unwrap_or(&desc.name)];
        assert_eq!(read.kind, desc.kind.metric_type(), "{}", desc.name);
        assert_eq!(help(&read.help), help(&desc.help), "{}", desc.name);
        let mut samples = read.samples.iter();
        for (labels, value) in family.series() {
            let labels: BTreeMap<String, String> =
                labels.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
            for (suffix, bound, number) in numbers(value, &desc.bounds) {
                let sample = samples.next().expect("a line for each number");
                let at = format!("{}{suffix}{labels:?} {bound:?}", desc.name);
                assert_eq!(sample.name, format!("{}{suffix}", desc.name));
                let mut read = sample.labels.clone();
                let read_bound = read.remove("le").map(|bound| bound.replace("+Inf", "inf"));
                assert_eq!(read_bound.map(|bound| bound.parse()), bound.map(Ok), "{at}");
                assert_eq!(read, labels, "{at}");
                assert!(
                    sample.value == number || (sample.value.is_nan() && number.is_nan()),
                    "{at}: {} is not {number}",
                    sample.value
                );
                assert_eq!(sample.timestamp, None, "{at}");
            }
        }
        assert_eq!(samples.next(), None);
    }
}

type Number = (&'static str, Option<f64>, f64);

fn numbers(value: &Value, bounds: &[f64]) -> Vec<Number> {
    let Value::Histogram(histogram) = value else { return vec![("", None, value.as_f64())] };
    let total = histogram.total();
    let bounds = bounds.iter().copied().chain([f64::INFINITY]);
    let bucket = |bound| ("_bucket", Some(bound), total.at_most(bound) as f64);
    let rest = [("_sum", None, total.sum()), ("_count", None, total.count() as f64)];
    bounds.map(bucket).chain(rest).collect()
}

#[test]
fn the_reference_parser_reads_hostile_openmetrics_value_by_value() {
    let client = testbed::require!(tools::prometheus_client());
    let bench = Bench::new();
    let _handles = hostile_registry(&bench);
    let sample = bench.registry.read();
    let mut page = Vec::new();
    let rendered = bench.exporter.render(&sample, Format::OpenMetrics, Naming::Standard, &mut page);
    assert_eq!(rendered.skipped, 0);
    let page = String::from_utf8(page).unwrap();
    let read = exposition::parse_openmetrics(&client, &page).unwrap();
    assert_read_back(&read, &sample.snapshot, |help| help);
    let long = hostile_texts().pop().unwrap();
    let cut = &long[..MAX_LABEL_VALUE_BYTES];
    let samples = || read.iter().flat_map(|family| &family.samples);
    assert!(samples().any(|sample| sample.labels.get("text").is_some_and(|text| text == cut)));
    let exemplars: Vec<_> = samples().filter_map(|sample| sample.exemplar.as_ref()).collect();
    assert_eq!(exemplars.len(), hostile_texts().len().pow(2));
    assert!(exemplars.iter().all(|exemplar| exemplar["timestamp"] == START as f64 / 1000.0));
    let units: Vec<_> = read.iter().filter(|family| family.name.starts_with("latency")).collect();
    assert!(units.iter().all(|family| family.unit == "seconds"));
}

#[test]
fn the_reference_parser_reads_hostile_text_value_by_value() {
    let client = testbed::require!(tools::prometheus_client());
    let bench = Bench::new();
    let _handles = hostile_registry(&bench);
    let sample = bench.registry.read();
    let mut page = Vec::new();
    bench.exporter.render(&sample, Format::Text, Naming::Standard, &mut page);
    let read = exposition::parse_text(&client, &String::from_utf8(page).unwrap()).unwrap();
    // The parser for this format trims lines, so the help texts are compared trimmed.
    assert_read_back(&read, &sample.snapshot, str::trim);
}

/// A bench with everything that the core and the exporter record.
fn ordinary() -> (Bench, PerformanceMonitor, ScrapeMetrics) {
    let mut bench = Bench::with(Exporter::new());
    let metrics = ScrapeMetrics::register(&bench.registry).expect("a new registry");
    let performance = PerformanceMonitor::register(&bench.registry).expect("a new registry");
    performance.record_latency("api:request", Duration::from_millis(145));
    performance.record_throughput("api:requests", 30);
    performance.record_cache_hit("L1");
    performance.record_cache_miss("L2");
    bench.tick();
    (bench, performance, metrics)
}

#[test]
fn promtool_has_nothing_to_say_about_standard_names() {
    for tool in [tools::prometheus_2_42(), tools::prometheus_2_53(), tools::prometheus_3_5()] {
        let tool = testbed::require!(tool);
        let (bench, ..) = ordinary();
        let page = bench.page(Format::Text, Naming::Standard);
        let report = promtool::check_metrics(&tool, &page).unwrap();
        assert_eq!((report.exit, report.lines), (Some(0), Vec::new()));
    }
}

#[test]
fn promtool_says_of_classic_names_what_is_known_of_them() {
    let (bench, ..) = ordinary();
    let page = bench.page(Format::Text, Naming::Classic);
    let known: Vec<_> = CLASSIC_LINT.lines().filter(|line| !line.starts_with('#')).collect();
    for tool in [tools::prometheus_2_42(), tools::prometheus_2_53(), tools::prometheus_3_5()] {
        let tool = testbed::require!(tool);
        let report = promtool::check_metrics(&tool, &page).expect("promtool runs");
        assert_eq!(report.lines, known, "golden/classic-lint.txt lists what promtool says, sorted");
    }
}
