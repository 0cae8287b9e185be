use node0_exporter::{Exporter, Format, Naming, SettingError, UnknownNaming};
use node0_metrics_core::Desc;
use node0_performance_monitor::PerformanceMonitor;

use crate::Bench;

const ORDERS: Desc = Desc::counter("orders_total", "Orders placed.").labels(&["channel"]);

#[test]
fn the_prefix_begins_every_name() {
    for prefix in ["shop", "shop_"] {
        let bench = Bench::with(Exporter::builder().prefix(prefix).unwrap().build());
        let performance = PerformanceMonitor::register(&bench.registry).unwrap();
        performance.record_throughput("orders", 1);
        let page = bench.page(Format::Text, Naming::Both);
        assert!(page.contains("\nshop_operations_total{operation=\"orders\"} 1\n"), "{page}");
        assert!(page.contains("\nshop_throughput_orders_total 1 "), "{page}");
        let about = |line: &str| line.split(' ').nth(2).map(str::to_owned);
        let names = page.lines().filter(|line| line.starts_with('#')).filter_map(about);
        assert!(names.into_iter().all(|name| name.starts_with("shop_")), "{page}");
    }
}

#[test]
fn standard_names_get_the_prefix_only_if_asked() {
    const CPU: Desc = Desc::counter("process_cpu_seconds_total", "CPU time.");
    const ACTIVE: Desc = Desc::gauge("http_server_active_requests", "Requests in flight.");
    let prefixed = || Exporter::builder().prefix("shop").unwrap();
    for (builder, prefix) in [(prefixed(), ""), (prefixed().prefix_standard_names(), "shop_")] {
        let bench = Bench::with(builder.build());
        let _cpu = bench.registry.counter(&CPU, &[]).unwrap();
        let _active = bench.registry.gauge(&ACTIVE, &[]).unwrap();
        for format in [Format::Text, Format::OpenMetrics] {
            let page = bench.page(format, Naming::Standard);
            for name in ["process_cpu_seconds_total", "http_server_active_requests"] {
                assert!(page.contains(&format!("\n{prefix}{name} ")), "{name} in\n{page}");
            }
            assert!(page.contains("\nshop_node0_health_score "), "{page}");
        }
    }
}

#[test]
fn no_prefix_is_a_prefix_too() {
    let bench = Bench::with(Exporter::builder().prefix("").unwrap().build());
    assert!(bench.text_of("node0_health_score").ends_with("\nnode0_health_score NaN\n"));
}

#[test]
fn constant_labels_stand_on_every_series_behind_its_own() {
    let builder = Exporter::builder().constant_label("zone", "\"a\"").unwrap();
    let builder = builder.constant_label("env", "dev").unwrap();
    let bench = Bench::with(builder.constant_label("env", "prod").unwrap().build());
    let _web = bench.registry.counter(&ORDERS, &["web"]).unwrap();
    let labels = "channel=\"web\",env=\"prod\",zone=\"\\\"a\\\"\"";
    let expected = format!("orders_total{{{labels}}} 0\n");
    assert_eq!(bench.text_of("orders_total"), only_samples(&bench, &expected));
    let page = bench.page(Format::OpenMetrics, Naming::Standard);
    let samples = || page.lines().filter(|line| !line.starts_with('#'));
    assert!(samples().all(|line| line.contains("env=\"prod\",zone=\"\\\"a\\\"\"")), "{page}");
    assert!(samples().any(|line| line.contains("zone=\"\\\"a\\\"\",le=\"")), "{page}");
}

fn only_samples(bench: &Bench, samples: &str) -> String {
    let page = bench.text_of("orders_total");
    let heads: String = page.lines().take(2).flat_map(|line| [line, "\n"]).collect();
    heads + samples
}

#[test]
fn a_metrics_own_label_wins_over_a_constant_one() {
    let builder = Exporter::builder().constant_label("channel", "none").unwrap();
    let builder = builder.constant_label("operation", "none").unwrap();
    let bench = Bench::with(builder.build());
    let _web = bench.registry.counter(&ORDERS, &["web"]).unwrap();
    let performance = PerformanceMonitor::register(&bench.registry).unwrap();
    performance.record_throughput("orders", 1);
    let page = bench.page(Format::Text, Naming::Both);
    assert!(page.contains("\norders_total{channel=\"web\",operation=\"none\"} 0\n"), "{page}");
    // The constant label is also added where the metric's own label is part of its name.
    assert!(page.contains("\nthroughput_orders_total{channel=\"none\"} 1 "), "{page}");
}

#[test]
fn a_prefix_that_begins_no_name_is_refused() {
    for prefix in ["1x", "_x", "a-b", "a:b", "é", " "] {
        let error = Exporter::builder().prefix(prefix).unwrap_err();
        assert_eq!(error, SettingError::Prefix { prefix: prefix.to_owned() });
        assert!(error.to_string().contains(&format!("`{prefix}` is not usable: letters")));
    }
}

#[test]
fn a_reserved_or_malformed_constant_label_is_refused() {
    for key in ["", "le", "quantile", "__name__", "1a", "a-b", "é"] {
        let error = Exporter::builder().constant_label(key, "x").unwrap_err();
        assert_eq!(error, SettingError::ConstantLabel { key: key.to_owned() });
        assert!(error.to_string().contains(&format!("`{key}` is not usable: letters")));
    }
}

#[test]
fn namings_are_words() {
    for (word, naming) in
        Naming::WORDS.iter().zip([Naming::Standard, Naming::Classic, Naming::Both])
    {
        assert_eq!(word.parse(), Ok(naming));
        assert_eq!((naming.as_str(), &*naming.to_string()), (*word, *word));
    }
    let error = "Classic".parse::<Naming>().unwrap_err();
    assert_eq!(error, UnknownNaming { given: "Classic".to_owned() });
    let words = "unknown naming `Classic`: use `standard`, `classic` or `both`";
    assert_eq!(error.to_string(), words);
}

#[test]
fn the_naming_for_those_who_ask_for_none_is_a_setting() {
    assert_eq!(Exporter::new().naming(), Naming::Standard);
    let exporter = Exporter::builder().naming(Naming::Both).build();
    assert_eq!(exporter.naming(), Naming::Both);
    assert!(Naming::Both.has_standard() && Naming::Both.has_classic());
    assert!(!Naming::Standard.has_classic() && !Naming::Classic.has_standard());
}
