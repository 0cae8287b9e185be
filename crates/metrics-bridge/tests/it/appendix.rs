//! The page of another exporter, appended to a page of node0.

use metrics::{counter, describe_counter, gauge, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};
use node0_exporter::Format;
use node0_metrics_bridge::{Appendix, append_page};
use testbed::exposition;
use testbed::tools;

use crate::bench::{Bench, theirs};

/// An exporter with all that its text can hold, and its known flaws.
fn old_exporter() -> PrometheusRecorder {
    let old = theirs(&[0.1, 1.0, 1e7]);
    metrics::with_local_recorder(&old, || {
        describe_counter!("visits", "Visits of \"all\" pages\\.");
        counter!("visits", "path" => "C:\\x\"y\nz").increment(7);
        counter!("old_total").increment(1);
        gauge!("level").set(f64::INFINITY);
        histogram!("wait").record(0.5);
        // Here the exporter leaves a suffix out.
        histogram!("discount").record(0.5);
        histogram!("checksum").record(0.5);
    });
    old
}

fn append(bench: &Bench, format: Format) -> (String, Appendix) {
    let appendix = Appendix::register(&bench.registry, old_exporter().handle()).unwrap();
    bench.record(|| {
        histogram!("checksum").record(1.0);
        gauge!("level").set(1.0);
    });
    let mut page = bench.page(format).into_bytes();
    let appended = appendix.append_to(&mut page);
    assert_eq!((appended.families, appended.skipped), (4, 2));
    (String::from_utf8(page).unwrap(), appendix)
}

#[test]
fn text_gets_what_it_does_not_have() {
    let client = testbed::require!(tools::prometheus_client());
    let bench = Bench::new();
    let (page, _) = append(&bench, Format::Text);
    for lines in [
        "# HELP visits Visits of \"all\" pages\\\\.\n# TYPE visits counter\nvisits{path=\"C:\\\\x\\\"y\\nz\"} 7\n",
        "# TYPE old_total counter\nold_total 1\n",
        "discount_bucket{le=\"+Inf\"} 1\ndiscount_sum 0.5\ndiscount_count 1\n",
        "wait_bucket{le=\"10000000\"} 1\n",
        "# TYPE level gauge\nlevel 1\n",
    ] {
        assert!(page.contains(lines), "{page}");
    }
    let families = exposition::parse_text(&client, &page).unwrap();
    for name in ["visits", "old", "level", "checksum", "discount", "wait"] {
        assert!(families.iter().any(|family| family.name == name), "{name}");
    }
}

#[test]
fn openmetrics_gets_it_in_its_own_words() {
    let client = testbed::require!(tools::prometheus_client());
    let bench = Bench::new();
    let (page, _) = append(&bench, Format::OpenMetrics);
    for lines in [
        "# HELP visits Visits of \\\"all\\\" pages\\\\.\n# TYPE visits counter\nvisits_total{path=\"C:\\\\x\\\"y\\nz\"} 7\n",
        "# TYPE old counter\nold_total 1\n",
        "wait_bucket{le=\"1.0\"} 1\nwait_bucket{le=\"1e+07\"} 1\nwait_bucket{le=\"+Inf\"} 1\n",
    ] {
        assert!(page.contains(lines), "{page}");
    }
    assert!(page.ends_with("\n# EOF\n"));
    assert_eq!(page.matches("# EOF").count(), 1);
    let families = exposition::parse_openmetrics(&client, &page).unwrap();
    let visits = families.iter().find(|family| family.name == "visits").unwrap();
    assert_eq!(visits.help, "Visits of \"all\" pages\\.");
    assert_eq!(visits.samples[0].labels["path"], "C:\\x\"y\nz");
}

#[test]
fn what_is_left_out_is_counted_page_by_page() {
    let bench = Bench::new();
    let (_, appendix) = append(&bench, Format::Text);
    appendix.append_to(&mut bench.page(Format::Text).into_bytes());
    let skipped = bench.number("node0_bridge_appendix_families_skipped_total", &[]);
    assert_eq!(skipped, Some(4.0));
}

#[test]
fn a_name_twice_on_their_page_is_there_once_on_ours() {
    let old = PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&old, || {
        counter!("a.b").increment(5);
        gauge!("a_b").set(1.0);
    });
    let theirs = old.handle().render();
    assert_eq!(theirs.matches("# TYPE a_b").count(), 2);
    let mut page = Vec::new();
    let appended = append_page(&mut page, &theirs);
    assert_eq!((appended.families, appended.skipped), (1, 1));
    assert_eq!(page, b"# TYPE a_b counter\na_b 5\n");
}

#[test]
fn parts_of_a_histogram_are_taken_names_too() {
    for (ours, theirs) in [
        ("# TYPE a histogram\n", "# TYPE a_count gauge\na_count 1\n"),
        ("# TYPE a_sum gauge\n", "# TYPE a summary\na_sum 1\na_count 1\n"),
        ("# TYPE a histogram\n# EOF\n", "# TYPE a_total counter\na_total 1\n"),
        ("# TYPE a counter\n# EOF\n", "# TYPE a_total gauge\na_total 1\n"),
        ("# TYPE a counter\n# EOF\n", "# TYPE a gauge\na 1\n"),
    ] {
        let mut page = ours.as_bytes().to_vec();
        assert_eq!(append_page(&mut page, theirs).skipped, 1, "{ours}{theirs}");
        assert_eq!(page, ours.as_bytes());
    }
}

#[test]
fn in_text_a_gauge_may_be_named_as_a_counter_without_its_ending() {
    let mut page = b"# TYPE a_total counter\n".to_vec();
    assert_eq!(append_page(&mut page, "# TYPE a gauge\na 1\n").families, 1);
}

#[test]
fn a_page_without_an_end_of_line_gets_one() {
    let mut page = b"a 1".to_vec();
    append_page(&mut page, "b 2\r\n");
    assert_eq!(page, b"a 1\n# TYPE b untyped\nb 2\n");
}
