use std::time::Duration;

use node0_exporter::{Format, Naming};
use node0_metrics_core::{
    CACHE_GETS, Classic, ClassicShape, DEFAULT_LATENCY_BOUNDS, Desc, Kind, Layout, OwnedDesc,
};
use node0_performance_monitor::PerformanceMonitor;

use crate::{Bench, START, grammar};

/// Times in the middle of their buckets, so that quantiles are exact.
const EXACT_MS: [u64; 3] = [145, 523, 1205];

fn performance(bench: &Bench) -> PerformanceMonitor {
    PerformanceMonitor::register(&bench.registry).expect("a new registry has no such monitor")
}

#[test]
fn a_latency_is_a_summary_in_milliseconds_over_the_window() {
    let bench = Bench::new();
    let performance = performance(&bench);
    let recorded = (0..100).map(|at| match at {
        0..60 => EXACT_MS[0],
        60..97 => EXACT_MS[1],
        _ => EXACT_MS[2],
    });
    recorded.for_each(|ms| performance.record_latency("api:request", Duration::from_millis(ms)));
    let summary = performance.latency_percentiles("api:request").unwrap();
    let [p50, p95, p99] = [summary.p50, summary.p95, summary.p99]
        .map(|quantile| quantile.unwrap().as_nanos() as f64 / 1e6);
    for (quantile, exact) in [p50, p95, p99].into_iter().zip(EXACT_MS) {
        assert!((quantile / exact as f64 - 1.0).abs() <= Layout::RELATIVE_ERROR);
    }
    let expected = format!(
        "\
# HELP latency_ms_api_request Latency in milliseconds for api:request
# TYPE latency_ms_api_request summary
latency_ms_api_request{{quantile=\"0.5\"}} {p50} {START}
latency_ms_api_request{{quantile=\"0.95\"}} {p95} {START}
latency_ms_api_request{{quantile=\"0.99\"}} {p99} {START}
latency_ms_api_request_sum 31666 {START}
latency_ms_api_request_count 100 {START}
"
    );
    assert_eq!(bench.classic_of("latency_ms"), expected);
}

#[test]
fn lookups_are_a_hit_rate_over_the_last_ticks() {
    let mut bench = Bench::new();
    let performance = performance(&bench);
    (0..89).for_each(|_| performance.record_cache_hit("L1"));
    (0..11).for_each(|_| performance.record_cache_miss("L1"));
    bench.tick();
    let at = START + 1000;
    let expected = format!(
        "\
# HELP cache_L1_hit_rate Cache hit rate for L1
# TYPE cache_L1_hit_rate gauge
cache_L1_hit_rate 0.89 {at}
"
    );
    assert_eq!(bench.classic_of("cache_"), expected);
}

#[test]
fn a_hit_rate_without_lookups_is_absent_with_its_head() {
    let mut bench = Bench::new();
    let performance = performance(&bench);
    performance.record_cache_hit("L1");
    bench.tick();
    assert!(bench.classic_of("cache_").contains("cache_L1_hit_rate 1 "));
    (0..11).for_each(|_| bench.tick());
    assert_eq!(bench.classic_of("cache_"), "");
}

#[test]
fn lookups_of_other_caches_have_theirs_as_a_label() {
    let mut bench = Bench::new();
    let performance = performance(&bench);
    performance.record_cache_hit("L1");
    let orders = bench.registry.hit_ratio(&CACHE_GETS, &["orders", "L1"]).unwrap();
    orders.miss();
    bench.tick();
    let at = START + 1000;
    let expected = format!(
        "\
# HELP cache_L1_hit_rate Cache hit rate for L1
# TYPE cache_L1_hit_rate gauge
cache_L1_hit_rate 1 {at}
cache_L1_hit_rate{{cache=\"orders\"}} 0 {at}
"
    );
    assert_eq!(bench.classic_of("cache_"), expected);
}

#[test]
fn throughput_is_a_counter() {
    let bench = Bench::new();
    performance(&bench).record_throughput("api:requests", 30);
    let expected = format!(
        "\
# HELP throughput_api_requests_total Throughput for api:requests
# TYPE throughput_api_requests_total counter
throughput_api_requests_total 30 {START}
"
    );
    assert_eq!(bench.classic_of("throughput_"), expected);
}

#[test]
fn an_empty_window_keeps_sum_and_count_and_has_nan_quantiles() {
    let mut bench = Bench::new();
    performance(&bench).record_latency("api:request", Duration::from_millis(250));
    bench.tick();
    bench.clock.advance(Duration::from_secs(400));
    bench.ticker.tick();
    bench.tick();
    let at = START + 402_000;
    let page = bench.classic_of("latency_ms");
    let (_, samples) = page.split_once("summary\n").unwrap();
    let expected = format!(
        "\
latency_ms_api_request{{quantile=\"0.5\"}} NaN {at}
latency_ms_api_request{{quantile=\"0.95\"}} NaN {at}
latency_ms_api_request{{quantile=\"0.99\"}} NaN {at}
latency_ms_api_request_sum 250 {at}
latency_ms_api_request_count 1 {at}
"
    );
    assert_eq!(samples, expected);
}

#[test]
fn names_that_meet_are_merged_and_counted() {
    let mut bench = Bench::new();
    let performance = performance(&bench);
    for (operation, ms) in [("api:request", 10), ("api_request", 10), ("api request", 1000)] {
        performance.record_latency(operation, Duration::from_millis(ms));
        performance.record_throughput(operation, 7);
    }
    performance.record_cache_hit("L:1");
    performance.record_cache_miss("L_1");
    bench.tick();
    let (rendered, page) = bench.render(Format::Text, Naming::Classic);
    assert_eq!((rendered.merged, rendered.skipped), (5, 0));
    let families = grammar::parse(&page).unwrap();
    assert_eq!(families.len(), 3, "{page}");
    let latency: Vec<_> = families["latency_ms_api_request"].samples.iter().collect();
    assert!((latency[0].value - 10.0).abs() < 0.1, "the median of 10, 10 and 1000");
    assert!((latency[2].value - 1000.0).abs() < 8.0, "the highest of 10, 10 and 1000");
    assert_eq!((latency[3].value, latency[4].value), (1020.0, 3.0));
    assert_eq!(families["throughput_api_request_total"].samples[0].value, 21.0);
    assert_eq!(families["cache_L_1_hit_rate"].samples[0].value, 0.5);
}

#[test]
fn labels_without_a_place_in_the_name_stay_labels() {
    const POOL: Desc = Desc::gauge("pool_connections", "Connections.")
        .labels(&["pool", "state"])
        .classic(Classic {
            shape: ClassicShape::Gauge,
            name: "db_{state}_connections",
            help: "Connections that are {state}",
        });
    let bench = Bench::new();
    let set = |pool, state, value: f64| {
        let gauge = bench.registry.gauge(&POOL, &[pool, state]).unwrap();
        gauge.set(value);
        gauge
    };
    let _gauges = [set("main", "idle", 7.0), set("jobs", "idle", 2.5), set("main", "used", 8.0)];
    let expected = format!(
        "\
# HELP db_idle_connections Connections that are idle
# TYPE db_idle_connections gauge
db_idle_connections{{pool=\"jobs\"}} 2.5 {START}
db_idle_connections{{pool=\"main\"}} 7 {START}
# HELP db_used_connections Connections that are used
# TYPE db_used_connections gauge
db_used_connections{{pool=\"main\"}} 8 {START}
"
    );
    assert_eq!(bench.classic_of("db_"), expected);
}

#[test]
fn merged_gauges_are_the_sum_of_those_that_are_known() {
    let bench = Bench::new();
    let mut desc = OwnedDesc::new(Kind::Gauge, "level", "Level.").unwrap();
    desc.classic = Some(Classic { shape: ClassicShape::Gauge, name: "level_{of}", help: "Level." });
    let level = |of, value| {
        let metric = bench.registry.metric(&desc, &[("of", of)]).unwrap();
        if let node0_metrics_core::AnyMetric::Gauge(gauge) = &metric {
            gauge.set(value);
        }
        metric
    };
    let _levels = [level("a:", 1.5), level("a_", f64::NAN), level("a-", 2.0), level("b", f64::NAN)];
    let page = bench.classic_of("level_");
    assert!(page.contains(&format!("\nlevel_a_ 3.5 {START}\n")), "{page}");
    assert!(page.contains(&format!("\nlevel_b NaN {START}\n")), "{page}");
}

#[test]
fn helps_take_hostile_names_escaped() {
    let bench = Bench::new();
    performance(&bench).record_throughput("a\\b\n{operation}", 1);
    let name = "throughput_a_b__operation__total";
    let head = format!("# HELP {name} Throughput for a\\\\b\\n{{operation}}\n");
    let page = bench.classic_of("throughput_");
    assert!(page.starts_with(&head), "{page}");
}

#[test]
fn both_shows_the_standard_names_first_and_nothing_twice() {
    let bench = Bench::new();
    let performance = performance(&bench);
    performance.record_latency("api:request", Duration::from_millis(145));
    let both = bench.page(Format::Text, Naming::Both);
    let standard = bench.page(Format::Text, Naming::Standard);
    let classic = bench.page(Format::Text, Naming::Classic);
    let shape = |page: &str| -> Vec<String> {
        page.lines().map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(shape(&both), shape(&(standard + &classic)));
    let families = grammar::parse(&both).unwrap();
    let standard = &families["operation_duration_seconds"];
    assert_eq!(standard.samples.len(), DEFAULT_LATENCY_BOUNDS.len() + 3);
    assert!(standard.samples.iter().all(|sample| sample.timestamp.is_none()));
    let classic = &families["latency_ms_api_request"];
    assert!(classic.samples.iter().all(|sample| sample.timestamp == Some(START as i64)));
}
