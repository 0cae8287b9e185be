use std::time::Duration;

use node0_exporter::{Exporter, Format, Naming};
use node0_metrics_core::{Desc, Kind, OwnedDesc, SpanId, TraceContext, TraceId, Unit};
use node0_performance_monitor::PerformanceMonitor;

use crate::{Bench, START};

const CPU: Desc =
    Desc::counter("cpu_seconds_total", "Processor time.").unit(Unit::Seconds).labels(&["mode"]);
const WAIT: Desc = Desc::latency("wait_seconds", "Time spent waiting.").bounds(&[0.005, 0.1, 1.0]);

#[test]
fn counter_families_lose_their_suffix_and_keep_their_unit() {
    let bench = Bench::new();
    let user = bench.registry.counter(&CPU, &["user"]).unwrap();
    user.add(2);
    let expected = "\
# TYPE cpu_seconds counter
# UNIT cpu_seconds seconds
# HELP cpu_seconds Processor time.
cpu_seconds_total{mode=\"user\"} 2
";
    assert_eq!(bench.openmetrics_of("cpu"), expected);
}

#[test]
fn a_unit_is_stated_only_where_the_name_ends_in_it() {
    let bench = Bench::new();
    for (name, unit) in
        [("q_length", Unit::None), ("q_load", Unit::Ratio), ("q_kilobytes", Unit::Bytes)]
    {
        let mut desc = OwnedDesc::new(Kind::Gauge, name, "Jobs that wait.").unwrap();
        desc.unit = unit;
        let _queue = bench.registry.metric(&desc, &[]).unwrap();
        let expected = format!("# TYPE {name} gauge\n# HELP {name} Jobs that wait.\n{name} 0\n");
        assert_eq!(bench.openmetrics_of(name), expected);
    }
}

#[test]
fn an_exemplar_stands_on_the_bucket_that_its_value_is_in() {
    let bench = Bench::new();
    let wait = bench.registry.latency(&WAIT, &[]).unwrap();
    wait.record_traced(Duration::from_millis(50), TraceId::new(0xabc));
    wait.record(Duration::from_millis(500));
    let (trace, span) = (TraceId::new(1 << 127), Some(SpanId::new(0xdef)));
    wait.record_traced(Duration::from_secs(5), TraceContext { trace, span });
    let (seconds, millis) = (START / 1000, START % 1000);
    let expected = format!(
        "\
# TYPE wait_seconds histogram
# UNIT wait_seconds seconds
# HELP wait_seconds Time spent waiting.
wait_seconds_bucket{{le=\"0.005\"}} 0
wait_seconds_bucket{{le=\"0.1\"}} 1 # {{trace_id=\"00000000000000000000000000000abc\"}} 0.05 {seconds}.{millis:03}
wait_seconds_bucket{{le=\"1.0\"}} 2
wait_seconds_bucket{{le=\"+Inf\"}} 3 # {{trace_id=\"80000000000000000000000000000000\",span_id=\"0000000000000def\"}} 5 {seconds}.{millis:03}
wait_seconds_sum 5.55
wait_seconds_count 3
"
    );
    assert_eq!(bench.openmetrics_of("wait"), expected);
}

#[test]
fn helps_escape_quotes_too() {
    let bench = Bench::new();
    let desc = OwnedDesc::new(Kind::Gauge, "odd", "a \\ and\na \"quote\"").unwrap();
    let _odd = bench.registry.metric(&desc, &[]).unwrap();
    assert!(bench.openmetrics_of("odd").contains("# HELP odd a \\\\ and\\na \\\"quote\\\"\n"));
}

#[test]
fn a_page_ends_with_eof_and_has_neither_timestamps_nor_created() {
    let bench = Bench::new();
    let page = bench.page(Format::OpenMetrics, Naming::Standard);
    assert!(page.ends_with("\n# EOF\n"));
    assert_eq!(page.matches("# EOF").count(), 1);
    assert!(!page.contains("_created") && !page.contains(&START.to_string()));
}

#[test]
fn classic_names_have_no_form_in_it() {
    let bench = Bench::new();
    let performance = PerformanceMonitor::register(&bench.registry).unwrap();
    performance.record_throughput("api:requests", 1);
    let (classic, page) = bench.render(Format::OpenMetrics, Naming::Classic);
    assert_eq!(classic.format, Format::Text);
    assert!(page.contains("throughput_api_requests_total 1 ") && !page.contains("# EOF"));
    let sample = bench.registry.read();
    let page = |naming| {
        let mut page = Vec::new();
        let rendered = bench.exporter.render(&sample, Format::OpenMetrics, naming, &mut page);
        assert_eq!(rendered.format, Format::OpenMetrics);
        page
    };
    assert_eq!(page(Naming::Both), page(Naming::Standard));
}

#[test]
fn a_setting_shows_when_counters_and_histograms_began() {
    let mut bench = Bench::with(Exporter::builder().created_lines().build());
    let done = bench.registry.counter(&Desc::counter("done_total", "Done."), &[]).unwrap();
    let wait = Desc::latency("wait_seconds", "Waits.").labels(&["queue"]);
    let wait = bench.registry.latency(&wait, &["mail"]).unwrap();
    let held = bench.registry.gauge(&Desc::gauge("held", "Held."), &[]).unwrap();
    bench.tick();
    done.inc();
    wait.record(Duration::from_millis(1));
    held.set(1.0);
    bench.tick();
    let done = bench.openmetrics_of("done");
    assert!(done.ends_with("done_total 1\ndone_created 1577836800.000\n"), "{done}");
    let wait = bench.openmetrics_of("wait_seconds");
    let end = "wait_seconds_count{queue=\"mail\"} 1\n\
               wait_seconds_created{queue=\"mail\"} 1577836800.000\n";
    assert!(wait.ends_with(end), "{wait}");
    assert!(!bench.openmetrics_of("held").contains("created"));
    // The text format does not know such lines.
    assert!(!bench.text_of("done").contains("created"));
}
