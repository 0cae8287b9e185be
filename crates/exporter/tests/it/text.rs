use std::time::Duration;

use node0_exporter::{Exporter, Format, Naming};
use node0_metrics_core::{AnyMetric, Desc, Kind, OwnedDesc, Registry, TraceId, Unit};

use crate::Bench;

const ORDERS: Desc = Desc::counter("orders_total", "Orders placed.").labels(&["channel"]);
const QUEUE: Desc = Desc::gauge("queue_length", "Jobs that wait.");
const WAIT: Desc = Desc::latency("wait_seconds", "Time spent waiting.")
    .labels(&["pool"])
    .bounds(&[0.005, 0.1, 1.0]);
const SIZE: Desc = Desc::distribution("size_bytes", "Sizes.", Unit::Bytes, &[1024.0, 1_048_576.0]);

#[test]
fn counters_and_gauges_have_help_and_type() {
    let bench = Bench::new();
    let web = bench.registry.counter(&ORDERS, &["web"]).unwrap();
    let shop = bench.registry.counter(&ORDERS, &["shop"]).unwrap();
    let queue = bench.registry.gauge(&QUEUE, &[]).unwrap();
    web.add(3);
    shop.add(u64::from(u32::MAX) + 1);
    queue.set(2.5);
    let orders = "\
# HELP orders_total Orders placed.
# TYPE orders_total counter
orders_total{channel=\"shop\"} 4294967296
orders_total{channel=\"web\"} 3
";
    assert_eq!(bench.text_of("orders"), orders);
    let queued = "# HELP queue_length Jobs that wait.\n# TYPE queue_length gauge\nqueue_length ";
    assert_eq!(bench.text_of("queue"), format!("{queued}2.5\n"));
    queue.set(f64::NAN);
    assert_eq!(bench.text_of("queue"), format!("{queued}NaN\n"));
}

#[test]
fn histograms_are_cumulative_and_their_count_is_the_infinite_bucket() {
    let bench = Bench::new();
    let wait = bench.registry.latency(&WAIT, &["main"]).unwrap();
    for ms in [1, 50, 50, 5000] {
        wait.record(Duration::from_millis(ms));
    }
    // This format has no exemplars, so the trace id must not appear on the page.
    wait.record_traced(Duration::from_millis(500), TraceId::new(7));
    let expected = "\
# HELP wait_seconds Time spent waiting.
# TYPE wait_seconds histogram
wait_seconds_bucket{pool=\"main\",le=\"0.005\"} 1
wait_seconds_bucket{pool=\"main\",le=\"0.1\"} 3
wait_seconds_bucket{pool=\"main\",le=\"1.0\"} 4
wait_seconds_bucket{pool=\"main\",le=\"+Inf\"} 5
wait_seconds_sum{pool=\"main\"} 5.601
wait_seconds_count{pool=\"main\"} 5
";
    assert_eq!(bench.text_of("wait"), expected);
}

#[test]
fn large_bounds_are_spelled_as_in_openmetrics() {
    let bench = Bench::new();
    let size = bench.registry.distribution(&SIZE, &[]).unwrap();
    size.record(2000.0);
    let page = bench.text_of("size_bytes_bucket");
    let expected = "\
size_bytes_bucket{le=\"1024.0\"} 0
size_bytes_bucket{le=\"1.048576e+06\"} 1
size_bytes_bucket{le=\"+Inf\"} 1
";
    assert_eq!(page, expected);
    assert_eq!(bench.openmetrics_of("size_bytes_bucket"), expected);
}

#[test]
fn label_values_have_three_escapes_and_helps_have_two() {
    let bench = Bench::new();
    let help = "a \\ and\na \"quote\"";
    let desc = OwnedDesc::new(Kind::Gauge, "odd", help).unwrap();
    let odd = bench.registry.metric(&desc, &[("l", "a \\ and\na \"quote\" é")]).unwrap();
    let expected = "\
# HELP odd a \\\\ and\\na \"quote\"
# TYPE odd gauge
odd{l=\"a \\\\ and\\na \\\"quote\\\" é\"} 0
";
    assert_eq!(bench.text_of("odd"), expected);
    assert!(matches!(odd, AnyMetric::Gauge(_)));
}

#[test]
fn a_page_follows_series_that_come_and_go() {
    let mut bench = Bench::new();
    let web = bench.registry.counter(&ORDERS, &["web"]).unwrap();
    web.inc();
    assert!(bench.text_of("orders").ends_with("orders_total{channel=\"web\"} 1\n"));
    web.inc();
    assert!(bench.text_of("orders").ends_with("orders_total{channel=\"web\"} 2\n"));
    let shop = bench.registry.counter(&ORDERS, &["shop"]).unwrap();
    assert!(bench.text_of("orders").contains("orders_total{channel=\"shop\"} 0\n"));
    drop((web, shop));
    bench.tick();
    assert_eq!(bench.text_of("orders"), "");
}

#[test]
fn one_exporter_keeps_registries_apart() {
    let exporter = Exporter::new();
    let page = |name: &str| {
        let registry = Registry::new();
        let desc = OwnedDesc::new(Kind::Gauge, name, "A gauge.").unwrap();
        let _gauge = registry.metric(&desc, &[]).unwrap();
        let mut page = Vec::new();
        exporter.render(&registry.read(), Format::Text, Naming::Standard, &mut page);
        String::from_utf8(page).unwrap()
    };
    assert!(page("first_level").contains("\nfirst_level 0\n"));
    let second = page("other_level");
    assert!(second.contains("\nother_level 0\n") && !second.contains("first_level"), "{second}");
}

#[test]
fn a_page_is_appended_and_measured() {
    let bench = Bench::new();
    let mut page = b"# before\n".to_vec();
    let sample = bench.registry.read();
    let rendered = bench.exporter.render(&sample, Format::Text, Naming::Standard, &mut page);
    assert!(page.starts_with(b"# before\n# HELP "));
    assert_eq!(rendered.bytes, page.len() - "# before\n".len());
    assert_eq!((rendered.format, rendered.skipped, rendered.merged), (Format::Text, 0, 0));
}
