//! The faults of a page that promtool and the reference parser find, together or alone.

use testbed::exposition::{self, ParseError};
use testbed::{promtool, tools};

const GOOD: &str = "# HELP good_total Good things.\n# TYPE good_total counter\ngood_total 3\n";

#[test]
fn promtool_is_silent_about_a_good_page_and_names_a_bad_name() {
    let tool = testbed::require!(tools::prometheus_2_42());
    let good = promtool::check_metrics(&tool, GOOD).expect("promtool runs");
    assert_eq!((good.exit, good.lines), (Some(0), Vec::new()));
    let bad = "# HELP wait_ms How long.\n# TYPE wait_ms gauge\nwait_ms 3\n";
    let bad = promtool::check_metrics(&tool, bad).expect("promtool runs");
    assert_eq!(bad.exit, Some(3));
    assert!(bad.lines.iter().any(|line| line.starts_with("wait_ms ")), "{:?}", bad.lines);
    let broken = promtool::check_metrics(&tool, "1 2 3 4\n").expect("promtool runs");
    assert_eq!(broken.exit, Some(1));
}

#[test]
fn parser_gives_back_values_labels_and_exemplars() {
    let client = testbed::require!(tools::prometheus_client());
    let page = "# HELP a_seconds A \\\\ and a \\n.\n# TYPE a_seconds histogram\n\
                # UNIT a_seconds seconds\n\
                a_seconds_bucket{x=\"q\\\"ü\",le=\"0.5\"} 1 # {trace_id=\"t1\"} 0.25 1.5\n\
                a_seconds_bucket{x=\"q\\\"ü\",le=\"+Inf\"} 2\n\
                a_seconds_count{x=\"q\\\"ü\"} 2\na_seconds_sum{x=\"q\\\"ü\"} 9.5\n\
                # TYPE g gauge\ng -Inf\n# EOF\n";
    let families = exposition::parse_openmetrics(&client, page).expect("a good page");
    let histogram = &families[0];
    assert_eq!((histogram.kind.as_str(), histogram.unit.as_str()), ("histogram", "seconds"));
    assert_eq!(histogram.help, "A \\ and a \n.");
    assert_eq!(histogram.samples[0].labels["x"], "q\"ü");
    let exemplar = histogram.samples[0].exemplar.as_ref().expect("an exemplar");
    assert_eq!(exemplar["labels"]["trace_id"], "t1");
    assert_eq!(families[1].samples[0].value, f64::NEG_INFINITY);
    let text = exposition::parse_text(&client, GOOD).expect("a good page");
    assert_eq!(text[0].samples[0].value, 3.0);
}

#[test]
fn parser_refuses_broken_pages() {
    let client = testbed::require!(tools::prometheus_client());
    let buckets = |first: &str, one: u32| {
        format!(
            "# TYPE a histogram\na_bucket{{le=\"{first}\"}} {one}\na_bucket{{le=\"+Inf\"}} 2\n\
             a_count 2\na_sum 1\n# EOF\n"
        )
    };
    for (page, reason) in [
        ("# TYPE a gauge\na 1\n".to_owned(), "# EOF"),
        ("# TYPE a gauge\na 1\na 1\n# EOF\n".to_owned(), "uplicate"),
        ("# TYPE a gauge\na{x=\"1\"} 1\na{x=\"2\"} 1\na{x=\"1\"} 2\n# EOF\n".to_owned(), ""),
        (buckets("1", 1), "1.0"),
        (buckets("1.0", 3), ""),
    ] {
        let error = exposition::parse_openmetrics(&client, &page).expect_err("a broken page");
        let ParseError::Refused { reason: said } = error else { panic!("{error}") };
        assert!(said.contains(reason), "{said:?} does not name {reason:?}");
    }
    exposition::parse_openmetrics(&client, &buckets("1.0", 1)).expect("the unbroken page");
}
