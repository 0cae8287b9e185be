//! Two releases of Prometheus evaluate the same rules over the demo's pages, and see the same alerts.
//!
//! The rules are those that the demo lists. One thing is translated: the demo's window of a latency is
//! the last whole ticks with a thousand calls. For calls of a steady rate that is a range of time, so
//! each series gets its own, by the rate that it has at the start. The threshold is the bound of a bucket that Prometheus sees
//! too, and far from all times that occur.
//!
//! The demo looks at its ticks. Prometheus scrapes up to a second later or earlier, and evaluates up to a
//! second after that. So the times may differ by up to two seconds, and by no more.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use testbed::deadline::{Stopwatch, pause};
use testbed::http::Request;
use testbed::process::Signal;
use testbed::prometheus::{Prometheus, ScrapeJob};
use testbed::prove::Length;
use testbed::tools::PrometheusTool;
use testbed::{Deadline, prove, tools};

use crate::demo::Demo;

/// An alert by its name and the labels of its series.
type Key = (String, BTreeMap<String, String>);

/// The times in seconds at which an alert fired and ended.
type Spans = BTreeMap<Key, Vec<(f64, f64)>>;

/// The most seconds by which starts and ends may differ: two intervals of scraping.
const TOLERANCE: f64 = 2.0;

/// What the demo's rules file changes and adds. A threshold of latencies is the bound of a bucket. All
/// rules keep firing for a second, since alerts that flap do, and Prometheus does not know what flaps.
/// Memory is too full all the time.
const RULES: &str = r#"
    [rules.HighP95Latency]
    metric = "operation_duration_seconds"
    by = ["operation"]
    where_not = { operation = "orders:create" }
    quantile = 0.95
    min_data = 20
    above = 0.1
    [rules.PoolWaitQueue]
    keep_firing_for = "1s"
    [rules.PoolFailing]
    keep_firing_for = "1s"
    [rules.CircuitOpen]
    keep_firing_for = "1s"
    [rules.CircuitFailureRate]
    keep_firing_for = "1s"
    [rules.HighMemory]
    threshold = 1e-9
    keep_firing_for = "1s"
    [rules.OpenByFinding]
    finding = "circuit_open"
    topic = "circuit-breaker"
    for = "1s"
    keep_firing_for = "1s"
"#;

/// What a machine that is busy with other tests provokes by itself is left to the proof.
const RULES_OF_SHORT_RUN: &str = "
    [rules.MonitorFinding]
    enabled = false
    [rules.RuntimeLag]
    enabled = false
";
/// A finding that grows worse has to last anew in Prometheus, so none has to last here.
const RULES_OF_LONG_RUN: &str = "
    [rules.MonitorFinding]
    for = '0s'
    keep_firing_for = '1s'
";

/// The latencies that rules are about, by metric and series. Those that make an order are left out by
/// the rule, since they are a thousand only after the test.
const LATENCIES: &[(&str, &str)] = &[
    ("operation_duration_seconds", r#"operation="http:request""#),
    ("operation_duration_seconds", r#"operation="orders:read""#),
    ("tokio_lag_seconds", r#"runtime="main""#),
];

/// A latency, with the range in which Prometheus sees a thousand of its samples.
struct Window {
    metric: &'static str,
    series: &'static str,
    seconds: u32,
}

/// The seconds for which faults are on, and those in which all windows recover.
const FAULTY: u32 = 15;
const HEALTHY: u32 = 32;

/// Faults that are on together for some time.
struct Run {
    /// Their switches under `/chaos`.
    switches: &'static [&'static str],
    /// The time for which the whole process is stopped, four times a second: its runtime lags.
    stall: Duration,
}

const fn faults(switches: &'static [&'static str]) -> Run {
    Run { switches, stall: Duration::ZERO }
}

const RUNS: &[Run] = &[
    faults(&["failing-payments"]),
    faults(&["slow-payments"]),
    faults(&["cold-cache"]),
    // Waits for the only connection time out.
    faults(&["small-pool", "slow-database", "cold-cache"]),
    faults(&["slow-database", "cold-cache"]),
    Run { switches: &[], stall: Duration::from_millis(120) },
];

/// Measures the windows of the demo's latencies, whose rates depend on the machine.
fn windows(demo: &Demo) -> Vec<Window> {
    let counts = || {
        let page = demo.get("/metrics").text();
        LATENCIES.iter().map(|(metric, series)| samples(&page, metric, series)).collect::<Vec<_>>()
    };
    let (before, watch) = (counts(), Stopwatch::start());
    pause(Duration::from_secs(10));
    let (after, passed) = (counts(), watch.elapsed().as_secs_f64());
    let rates = before.iter().zip(after).map(|(before, after)| (after - before) / passed);
    let windows = LATENCIES.iter().zip(rates).map(|(&(metric, series), rate)| {
        assert!(
            rate > 1000.0 / 300.0,
            "{series}: {rate} samples a second, so no thousand in 5 min"
        );
        let ticks = (1000.0 / rate).ceil() as u32;
        // A range has a page per second, and one more page than differences between pages.
        Window { metric, series, seconds: ticks + 1 }
    });
    windows.collect()
}

/// Returns how many samples a latency has had, as a page says it.
fn samples(page: &str, metric: &str, series: &str) -> f64 {
    let start = format!("{metric}_count{{{series}}} ");
    let count = page.lines().find_map(|line| line.strip_prefix(&start)?.parse().ok());
    count.unwrap_or_else(|| panic!("{start} is not on the page:\n{page}"))
}

/// Returns the demo's rules in the form of Prometheus.
fn rules(demo: &Demo, windows: &[Window]) -> Vec<Value> {
    let body = demo.json("/api/v1/rules");
    let groups = body["data"]["groups"].as_array().expect("a list").clone();
    let rules = groups.into_iter().flat_map(|group| group["rules"].as_array().cloned());
    rules.flatten().map(|rule| translated(&rule, windows)).collect()
}

fn translated(rule: &Value, windows: &[Window]) -> Value {
    let query = rule["query"].as_str().expect("a query");
    let query =
        if query.contains("quantile") { of_windows(query, windows) } else { query.to_owned() };
    let seconds = |key: &str| format!("{}s", rule[key].as_f64().unwrap_or_default());
    json!({
        "alert": rule["name"],
        "expr": query,
        "for": seconds("duration"),
        "keep_firing_for": seconds("keepFiringFor"),
        "labels": rule["labels"],
    })
}

/// Writes a query over a latency once for each series, over its own window.
fn of_windows(query: &str, windows: &[Window]) -> String {
    let of_its = windows.iter().filter(|window| query.contains(window.metric));
    let each = of_its.map(|Window { series, seconds, .. }| {
        let only = query.replace(r#"operation!="orders:create""#, series);
        only.replace("[5m]", &format!("[{seconds}s]"))
    });
    each.collect::<Vec<_>>().join(" or ")
}

fn labels(value: &Value) -> BTreeMap<String, String> {
    let labels = value.as_object().expect("labels").iter();
    labels.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().into())).collect()
}

/// Adds what the demo shows now; an alert is one span for each start.
fn watch(demo: &Demo, spans: &mut Spans) {
    let page = demo.json("/alerts");
    let now = page["timestamp"].as_f64().unwrap_or_default() / 1e3;
    let alerts =
        ["active", "recent"].map(|list| page[list].as_array().cloned().unwrap_or_default());
    for alert in alerts.concat() {
        let name = alert["name"].as_str().expect("a name").to_owned();
        let Some(start) = alert["startsAt"].as_f64() else { continue };
        let (start, end) = (start / 1e3, alert["endsAt"].as_f64().map_or(now, |end| end / 1e3));
        let known = spans.entry((name, labels(&alert["labels"]))).or_default();
        match known.iter_mut().find(|(known, _)| *known == start) {
            Some(span) => span.1 = end,
            None => known.push((start, end)),
        }
    }
}

/// Returns what Prometheus saw, by the times at which it evaluated its rules.
fn seen(prometheus: &Prometheus, from: f64, to: f64) -> Spans {
    // A range selector returns the samples themselves, which no step of a query moves.
    let series = prometheus.query("ALERTS{alertstate=\"firing\"}[1h]");
    let mut spans = Spans::new();
    for one in series.expect("Prometheus answers") {
        let mut labels = one.labels;
        labels.remove("__name__");
        labels.remove("alertstate");
        let name = labels["alertname"].clone();
        let mut known: Vec<(f64, f64)> = Vec::new();
        for point in one.points.iter().filter(|point| (from..to).contains(&point.time)) {
            // It ends at the evaluation that does not see it any more, a second later.
            let end = (point.time + 1.0).min(to);
            match known.last_mut() {
                Some((_, last)) if point.time - *last < 0.5 => *last = end,
                _ => known.push((point.time, end)),
            }
        }
        if !known.is_empty() {
            spans.insert((name, labels), known);
        }
    }
    spans
}

/// Joins spans that are nearer than the tolerance: the two may see a gap of a second or not.
fn joined(spans: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut joined: Vec<(f64, f64)> = Vec::new();
    for (start, end) in spans {
        match joined.last_mut() {
            Some((_, last)) if start - *last <= TOLERANCE => *last = last.max(*end),
            _ => joined.push((*start, *end)),
        }
    }
    joined
}

/// Watches the demo for some seconds, while its process is stopped for a part of each quarter of one.
fn watch_for(seconds: u32, stall: Duration, demo: &Demo, spans: &mut Spans) {
    for _ in 0..seconds * 4 {
        watch(demo, spans);
        if !stall.is_zero() {
            demo.process.signal(Signal::STOP).expect("it runs");
            pause(stall);
            demo.process.signal(Signal::CONT).expect("it is stopped");
        }
        pause(Duration::from_millis(250) - stall);
    }
}

/// Starts the demo with its rules file, which stays in the folder.
fn start(folder: &Path) -> Demo {
    let file = folder.join("rules.toml");
    let more = Length::of_this_run().pick(RULES_OF_SHORT_RUN, RULES_OF_LONG_RUN);
    std::fs::write(&file, format!("{RULES}{more}")).expect("it can be written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_node0-demo"));
    command.args(["--listen", "127.0.0.1:0", "--load", "40", "--naming", "standard"]);
    command.args(["--database", "embedded", "--redis", "embedded", "--rules"]).arg(file);
    Demo::spawn(command)
}

/// Starts a Prometheus that scrapes the demo and evaluates these rules.
fn scraping(tool: &PrometheusTool, demo: &Demo, rules: &[Value]) -> Prometheus {
    let job = ScrapeJob::new("demo", demo.address);
    let server = Prometheus::start_with_rules(tool, &[job], rules).expect("it starts");
    let is_up = || server.query("up == 1").is_ok_and(|up| !up.is_empty());
    assert!(Deadline::seconds(30).until(is_up));
    server
}

#[test]
fn two_releases_of_prometheus_see_the_same_alerts() {
    let tools =
        [testbed::require!(tools::prometheus_2_53()), testbed::require!(tools::prometheus_3_5())];
    let folder = tempfile::tempdir().expect("a folder");
    let demo = start(folder.path());
    let windows = windows(&demo);
    let rules = rules(&demo, &windows);
    let servers = tools.map(|tool| scraping(&tool, &demo, &rules));
    // The ranges of the rules fill.
    pause(Duration::from_secs(12));
    let now = || demo.json("/alerts")["timestamp"].as_f64().expect("a time") / 1e3;
    let (from, mut ours) = (now(), Spans::new());
    for run in Length::of_this_run().pick(&RUNS[..1], RUNS) {
        let switch = |method: &str| {
            for fault in run.switches {
                let request = Request::new(method, &format!("/chaos/{fault}"));
                assert_eq!(demo.send(&request).status, 200);
            }
        };
        switch("POST");
        watch_for(FAULTY, run.stall, &demo, &mut ours);
        switch("DELETE");
        watch_for(HEALTHY, Duration::ZERO, &demo, &mut ours);
    }
    let to = now();
    // Before that, Prometheus did not look.
    ours.values_mut().flatten().for_each(|span| span.0 = span.0.max(from));
    let compared = servers.map(|server| Comparison::of(&ours, &seen(&server, from, to)));
    let [before, newest] = compared.each_ref().map(|all| &all.later);
    let seconds: BTreeMap<_, _> = windows.iter().map(|it| (it.series, it.seconds)).collect();
    let figures = json!({
        "windows": seconds, "seconds_later_in_2_53": before, "seconds_later_in_3_5": newest,
    });
    prove::report(&figures).expect("the figures can be written");
    for Comparison { mistakes, .. } in compared {
        assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
    }
    let has_fired = |rule: &&Value| ours.keys().any(|(name, _)| rule["alert"] == **name);
    let quiet = rules.iter().filter(|rule| !has_fired(rule)).map(|rule| &rule["alert"]);
    let quiet: Vec<_> = quiet.collect();
    let is_long = Length::of_this_run() == Length::Long;
    // The usual traffic of an hour is known after ten minutes.
    assert!(!is_long || quiet == ["ThroughputCollapsed"], "{quiet:?} never fired");
}

/// The differences between two sets of alerts.
#[derive(Debug, Default)]
struct Comparison {
    /// The seconds by which Prometheus saw each start and end later, by alert.
    later: BTreeMap<String, Vec<[f64; 2]>>,
    /// The alerts that only one saw, or at too different times.
    mistakes: Vec<String>,
}

impl Comparison {
    fn of(ours: &Spans, theirs: &Spans) -> Self {
        let mut all = Self::default();
        let keys: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
        for key in keys {
            let of_key = |spans: &Spans| spans.get(key).map(|spans| joined(spans));
            let [mine, other] = [ours, theirs].map(|spans| of_key(spans).unwrap_or_default());
            let pairs = mine.iter().zip(&other);
            let later: Vec<_> = pairs.map(|(a, b)| [b.0 - a.0, b.1 - a.1]).collect();
            let is_near = later.iter().flatten().all(|seconds| seconds.abs() <= TOLERANCE);
            if mine.len() != other.len() || !is_near {
                all.mistakes.push(format!("{key:?}\n  ours:   {mine:?}\n  theirs: {other:?}"));
            }
            let labels: Vec<_> = key.1.values().map(String::as_str).collect();
            all.later.insert(labels.join(" "), later);
        }
        all
    }
}
