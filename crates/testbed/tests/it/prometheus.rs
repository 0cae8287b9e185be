//! Real servers of both releases scrape a page.

use std::time::Duration;

use testbed::prometheus::{Prometheus, PrometheusError, ScrapeJob};
use testbed::tools::{self, PrometheusTool};
use testbed::{Deadline, http};

use crate::page;

const PAGE: &str = "# TYPE answer gauge\nanswer{to=\"every thing\"} 42\n";

fn check_scrapes(tool: &PrometheusTool) {
    let job = ScrapeJob::new("page", page::serve("text/plain; version=0.0.4", PAGE))
        .interval(Duration::from_millis(200));
    let prometheus = Prometheus::start(tool, &[job]).expect("the server starts");
    let scraped = Deadline::seconds(30).poll(|| {
        let found = prometheus.query("answer{job=\"page\"}").expect("a well-formed query");
        found.into_iter().next()
    });
    let series = scraped.expect("the page was scraped");
    assert_eq!((series.last(), series.labels["to"].as_str()), (Some(42.0), "every thing"));
    let targets = prometheus.targets().expect("targets");
    assert_eq!((targets.len(), targets[0].health.as_str()), (1, "up"));
    let time = series.points[0].time;
    let range = prometheus.query_range("up", time - 5.0..=time, Duration::from_secs(1));
    assert!(range.expect("a range")[0].points.iter().all(|point| point.value == 1.0));
    let duplicates = "prometheus_target_scrapes_sample_duplicate_timestamp_total";
    assert_eq!(prometheus.own_metric(duplicates).expect("its own metrics"), 0.0);
    let error = prometheus.query("rate(").expect_err("a malformed query");
    assert!(matches!(error, PrometheusError::Refused { .. }), "{error}");
    let address = prometheus.address();
    drop(prometheus);
    assert!(http::get(address, "/-/ready").is_err(), "the server outlived its guard");
}

#[test]
fn release_2_42_scrapes_and_answers() {
    check_scrapes(&testbed::require!(tools::prometheus_2_42()));
}

#[test]
fn release_2_53_scrapes_and_answers() {
    check_scrapes(&testbed::require!(tools::prometheus_2_53()));
}

#[test]
fn unknown_option_stops_the_server_with_its_words() {
    let tool = testbed::require!(tools::prometheus_2_42());
    let job = ScrapeJob::new("page", "127.0.0.1:9").option("no_such_option", true.into());
    let error = Prometheus::start(&tool, &[job]).expect_err("a bad configuration");
    let PrometheusError::Process(cause) = error else { panic!("{error}") };
    assert!(cause.to_string().contains("no_such_option"), "{cause}");
}
