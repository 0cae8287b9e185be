//! Names, labels and descriptions of the facade as the page has them.

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge, histogram};

use crate::bench::{Bench, refusal};

#[test]
fn names_and_labels_become_valid_ones() {
    let bench = Bench::new();
    bench.record(|| {
        counter!("http.server requests", "http.route" => "/a\"b", "le" => "x").increment(1)
    });
    let labels = [("http_route", "/a\"b"), ("exported_le", "x")];
    assert_eq!(bench.number("http_server_requests_total", &labels), Some(1.0));
}

#[test]
fn labels_in_another_order_are_the_same_series() {
    let bench = Bench::new();
    bench.record(|| {
        counter!("jobs", "a" => "1", "b" => "2").increment(1);
        counter!("jobs", "b" => "2", "a" => "1").increment(1);
    });
    assert_eq!(bench.number("jobs_total", &[("a", "1"), ("b", "2")]), Some(2.0));
}

#[test]
fn a_label_that_is_missing_is_empty() {
    let bench = Bench::new();
    bench.record(|| {
        counter!("jobs", "a" => "1", "b" => "2").increment(1);
        counter!("jobs", "a" => "1").increment(1);
        counter!("jobs").increment(1);
    });
    assert_eq!(bench.number("jobs_total", &[("a", "1"), ("b", "2")]), Some(1.0));
    assert_eq!(bench.number("jobs_total", &[("a", "1"), ("b", "")]), Some(1.0));
    assert_eq!(bench.number("jobs_total", &[("a", ""), ("b", "")]), Some(1.0));
}

#[test]
fn label_keys_that_the_host_declares_may_come_later() {
    let registry = node0_metrics_core::Registry::builder();
    let bench = Bench::with(registry, |recorder| recorder.labels("jobs", &["queue"]));
    bench.record(|| {
        counter!("jobs").increment(1);
        counter!("jobs", "queue" => "mail").increment(1);
    });
    assert_eq!(bench.number("jobs_total", &[("queue", "")]), Some(1.0));
    assert_eq!(bench.number("jobs_total", &[("queue", "mail")]), Some(1.0));
}

#[test]
fn a_description_comes_before_the_first_series_or_with_it() {
    let bench = Bench::new();
    bench.record(|| {
        describe_gauge!("heap", Unit::Bytes, "Bytes in use.");
        describe_gauge!("heap", Unit::Bytes, "Bytes in use, said again.");
        gauge!("heap").set(1.0);
        counter!(description: "Jobs done.", "jobs").increment(1);
        counter!(description: "Jobs done.", "jobs").increment(1);
        histogram!("size").record(1.0);
    });
    let head = |kind, unit, help: &str| Some((kind, unit, help.to_owned()));
    assert_eq!(bench.head("heap_bytes"), head("gauge", "bytes", "Bytes in use."));
    assert_eq!(bench.head("jobs_total"), head("counter", "", "Jobs done."));
    let without = "Recorded as `size` through the metrics facade, without a description.";
    assert_eq!(bench.head("size"), head("histogram", "", without));
    assert!(bench.refused().is_empty(), "{:?}", bench.refused());
}

#[test]
fn a_description_may_come_later() {
    let mut bench = Bench::new();
    let jobs = bench.record(|| counter!("jobs", "queue" => "mail"));
    jobs.increment(1);
    bench.page(node0_exporter::Format::Text);
    bench.record(|| {
        describe_counter!("jobs", "Jobs done.");
        counter!("jobs", "queue" => "print").increment(1);
    });
    jobs.increment(1);
    bench.tick();
    assert!(bench.page(node0_exporter::Format::Text).contains("# HELP jobs_total Jobs done.\n"));
    assert_eq!(bench.number("jobs_total", &[("queue", "mail")]), Some(2.0));
    assert_eq!(bench.number("jobs_total", &[("queue", "print")]), Some(1.0));
    assert!(bench.refused().is_empty());
}

#[test]
fn a_unit_that_comes_later_or_a_second_text_is_counted_and_changes_nothing() {
    let bench = Bench::new();
    bench.record(|| {
        counter!("jobs").increment(1);
        counter!(description: "Mails sent.", "mails").increment(1);
        for _ in 0..3 {
            describe_counter!("jobs", Unit::Seconds, "Time spent.");
            describe_counter!("mails", "Mails delivered.");
        }
        counter!("jobs").increment(1);
    });
    assert_eq!(bench.number("jobs_total", &[]), Some(2.0));
    assert_eq!(bench.head("mails_total").unwrap().2, "Mails sent.");
    let expected = [refusal("jobs", "description", 1), refusal("mails", "description", 1)];
    assert_eq!(bench.refused(), expected.into());
}

#[test]
fn a_reserved_suffix_takes_no_other_metrics_name() {
    let bench = Bench::new();
    bench.record(|| {
        gauge!("queue_count").set(3.0);
        gauge!("queue").set(5.0);
        gauge!("memory_total").set(7.0);
        histogram!("memory").record(1.0);
    });
    assert_eq!(bench.number("queue_count_value", &[]), Some(3.0));
    assert_eq!(bench.number("queue", &[]), Some(5.0));
    assert_eq!(bench.number("memory_total_value", &[]), Some(7.0));
    assert!(bench.head("memory").is_some());
    assert!(bench.refused().is_empty(), "{:?}", bench.refused());
}
