//! A day of data, written into blocks: every query of every board has a value.
//!
//! The series are those of a real page, spread over a day, and a made-up one for each metric that the
//! demo does not have. So no query is left that a board cannot fill.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use mixin::{Catalogue, Kind};
use testbed::deadline::{epoch_seconds, pause};
use testbed::prometheus::Prometheus;
use testbed::tools;

use crate::answers;
use crate::demo::Demo;
use crate::grafana::{self, Choices};
use crate::ledger::Load;

/// The scrape interval of the made-up server.
const STEP: Duration = Duration::from_secs(120);
/// The scrapes of a day.
const SCRAPES: u32 = 720;
/// The bounds of buckets that are kept, so that the file stays small.
const BOUNDS: [&str; 4] = ["0.005", "0.1", "1.0", "+Inf"];
/// What Prometheus adds to each target.
const OF_PROMETHEUS: [(&str, f64); 3] = [
    ("up", 1.0),
    ("scrape_duration_seconds", 0.01),
    ("scrape_samples_post_metric_relabeling", 900.0),
];

#[test]
fn a_day_of_data_fills_every_board() {
    let tool = testbed::require!(tools::prometheus_3_5());
    let folder = tempfile::tempdir().expect("a folder");
    let now = epoch_seconds().floor();
    let (page, blocks) = (folder.path().join("day.txt"), folder.path().join("blocks"));
    fs::write(&page, day(&series(), now)).expect("the day can be written");
    create_blocks(&tool.promtool(), &page, &blocks);
    let server = Prometheus::start_over(&tool, &blocks).expect("it starts");
    let choices = Choices {
        job: ".+".to_owned(),
        instance: ".+".to_owned(),
        now,
        range: Duration::from_secs(24 * 3600),
        scrape_interval: STEP,
        step: STEP * 2,
        scaled: None,
    };
    let mut found = Vec::new();
    for board in grafana::boards() {
        for panel in mixin::lint::panels_of(&board.json) {
            let answers = answers::of_panel(&server, &choices, panel, &mut found);
            let empty = answers.iter().filter(|answer| !answer.has_data());
            found.extend(empty.map(|it| format!("{}: `{}` is empty", board.path, it.panel)));
        }
    }
    // More series than a real service has are of no interest here.
    found.retain(|problem| !problem.contains("too many"));
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn create_blocks(promtool: &Path, page: &Path, blocks: &Path) {
    let mut command = Command::new(promtool);
    command.args(["tsdb", "create-blocks-from", "openmetrics"]).arg(page).arg(blocks);
    let output = command.output().expect("promtool runs");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
}

/// Returns the series, with the value that each has at the end of the day.
fn series() -> BTreeMap<String, f64> {
    let demo = Demo::start(&["--redis", "embedded", "--naming", "standard"]);
    let load = Load::start(demo.address, &demo.order(), 1, Duration::from_millis(100));
    pause(Duration::from_secs(3));
    drop(load);
    // A page counts those before it.
    demo.get("/metrics");
    let page = demo.get("/metrics").text();
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    let read = lines.filter_map(|line| line.rsplit_once(' '));
    let mut series: BTreeMap<_, _> = read
        .filter(|(series, _)| is_kept(series))
        .map(|(series, value)| (series.to_owned(), real(value)))
        .collect();
    let catalogue = Catalogue::parse(include_str!("../../../../docs/metrics.md")).expect("a list");
    for name in catalogue.names() {
        let is_there = |series: &String| {
            let known = series.split('{').next().unwrap_or_default();
            known == name || known == format!("{name}_count")
        };
        if !series.keys().any(is_there) {
            series.extend(made_up(name, &catalogue));
        }
    }
    series.extend(OF_PROMETHEUS.map(|(name, value)| (name.to_owned(), value)));
    series
}

fn is_kept(series: &str) -> bool {
    let bound = series.split_once("le=\"").and_then(|(_, rest)| rest.split('"').next());
    bound.is_none_or(|bound| BOUNDS.contains(&bound))
}

/// Nothing is unknown or without limit on that day.
fn real(value: &str) -> f64 {
    value.parse().ok().filter(|value: &f64| value.is_finite()).unwrap_or(1.0)
}

/// Returns a series of a metric that the demo does not have.
fn made_up(name: &str, catalogue: &Catalogue) -> Vec<(String, f64)> {
    let histogram = format!("{name}_count");
    let Some(metric) = catalogue.metric_of(name).or_else(|| catalogue.metric_of(&histogram)) else {
        return Vec::new();
    };
    let value = |key: &str| match (name, key) {
        ("node0_alerts", "alertname") => "MonitorFinding",
        ("node0_alerts", "state") => "firing",
        _ => "x",
    };
    let labels: Vec<_> =
        metric.labels.iter().map(|key| format!("{key}=\"{}\"", value(key))).collect();
    let with = |suffix: &str, more: &str| {
        let all = labels.iter().map(String::as_str).chain([more]).filter(|it| !it.is_empty());
        format!("{name}{suffix}{{{}}}", all.collect::<Vec<_>>().join(","))
    };
    if metric.kind != Kind::Histogram {
        return vec![(with("", ""), 100.0)];
    }
    let buckets = BOUNDS.map(|bound| (with("_bucket", &format!("le=\"{bound}\"")), 100.0));
    let sums = [(with("_sum", ""), 0.1), (with("_count", ""), 100.0)];
    buckets.into_iter().chain(sums).collect()
}

/// Writes a day of scrapes that ends now: counters grow to their value, gauges stay.
fn day(series: &BTreeMap<String, f64>, now: f64) -> String {
    let mut text = String::new();
    let mut write = |series: &str, job: &str, value: f64, scrape: u32| {
        let time = now - STEP.as_secs_f64() * f64::from(SCRAPES - scrape);
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let comma = if labels == "}" { "" } else { "," };
        let target = format!("job=\"{job}\",instance=\"{job}:80\"{comma}");
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name}{{{target}{labels} {value} {time}");
    };
    for (series, value) in series {
        let name = series.split('{').next().unwrap_or_default();
        let grows = ["_total", "_bucket", "_count", "_sum"].iter().any(|end| name.ends_with(end));
        for scrape in 1..=SCRAPES {
            let share = if grows { f64::from(scrape) / f64::from(SCRAPES) } else { 1.0 };
            // Counters have a value that grows in each range of rates.
            let scale = if grows { 20_000.0 } else { 1.0 };
            write(series, "day", value * share * scale, scrape);
        }
    }
    // A job that lost its instances half an hour ago.
    for scrape in 1..=SCRAPES - 15 {
        write("node0_recording_threads", "gone", 1.0, scrape);
    }
    text.push_str("# EOF\n");
    text
}
