//! Two releases of Prometheus evaluate the same rules over the demo's pages, and see the same alerts.
//!
//! The rules are those that the demo lists, with three translations:
//! - A finding is no series, so a rule over one is written over the metric that the finding is about.
//! - The demo's window of a latency is the last thousand calls. For calls of a known rate that is a
//!   range of time, so each operation gets its own. The threshold is the bound of a bucket that
//!   Prometheus sees too, and far from all times that occur.
//! - `MonitorFinding` is left out, since it is about all findings there are. The tests of the crate
//!   `alerting` hold it against what monitors report.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use testbed::deadline::pause;
use testbed::http::Request;
use testbed::prometheus::{Prometheus, ScrapeJob};
use testbed::prove::Length;
use testbed::{Deadline, prove, tools};

use crate::demo::Demo;

/// An alert by its name and the labels of its series.
type Key = (String, BTreeMap<String, String>);

/// The times in seconds at which an alert fired and ended.
type Spans = BTreeMap<Key, Vec<(f64, f64)>>;

/// Two intervals of scraping and evaluating: one to see a change, one to wait for its `for`.
const TOLERANCE: f64 = 2.5;

/// What the demo's rules file changes and adds: thresholds that are bounds of buckets, a rule over a
/// finding, and one over memory that fires all the time.
const RULES: &str = r#"
    [rules.HighP95Latency]
    metric = "operation_duration_seconds"
    by = ["operation"]
    where_not = { operation = "orders:create" }
    quantile = 0.95
    min_data = 20
    above = 0.1
    [rules.RuntimeLag]
    threshold = 1
    [rules.OpenByFinding]
    finding = "circuit_open"
    topic = "circuit-breaker"
    for = "1s"
    [rules.MemoryInUse]
    metric = "process_resident_memory_bytes"
    divided_by = "process_memory_limit_bytes"
    above = 1e-9
    for = "1s"
"#;

/// Rules over findings: the name, the topic, code and severity of the finding, the labels that make its
/// component, and the query over its metric.
const FINDINGS: &[[&str; 6]] = &[
    [
        "OpenByFinding",
        "circuit-breaker",
        "circuit_open",
        "critical",
        r#""circuit""#,
        r#"circuit_breaker_state{state="open"} >= 1"#,
    ],
    [
        "PoolFailing",
        "database",
        "high_error_rate",
        "critical",
        r#""pool""#,
        r#"sum by (pool) (rate(db_client_acquires_total{outcome=~"failed|timed_out"}[10s]))
            / sum by (pool) (rate(db_client_acquires_total[10s])) > 0.05"#,
    ],
];

/// The series of latencies, and the seconds in which each gets a thousand samples, less the one by
/// which Prometheus sees things later. Of 40 requests a second, 36 read an order. Those that make one
/// are left out by the rule, since they are a thousand only after the test.
const WINDOWS: &[(&str, &str, u32)] = &[
    ("operation_duration_seconds", r#"operation="http:request""#, 24),
    ("operation_duration_seconds", r#"operation="orders:read""#, 27),
    ("tokio_lag_seconds", r#"runtime="main""#, 20),
];

/// Returns the demo's rules in the form of Prometheus.
fn rules(demo: &Demo) -> Vec<Value> {
    let body = demo.json("/api/v1/rules");
    let groups = body["data"]["groups"].as_array().expect("a list").clone();
    let rules = groups.into_iter().flat_map(|group| group["rules"].as_array().cloned());
    rules
        .flatten()
        .filter(|rule| rule["name"] != "MonitorFinding")
        .map(|rule| translated(&rule))
        .collect()
}

fn translated(rule: &Value) -> Value {
    let query = rule["query"].as_str().expect("a query");
    let mut labels = rule["labels"].clone();
    let mut lasting = rule["duration"].as_f64().unwrap_or_default();
    let query = match FINDINGS.iter().find(|[name, ..]| rule["name"] == *name) {
        Some([_, topic, code, severity, keys, query]) => {
            labels = json!({ "topic": topic, "code": code, "severity": severity });
            // A finding is believed at its second tick.
            lasting += 1.0;
            // An alert of a finding names the circuit or pool as its component.
            format!(r#"sum by (component) (label_join({query}, "component", "/", {keys}))"#)
        }
        None if query.contains("quantile") => of_windows(query),
        None => query.to_owned(),
    };
    json!({
        "alert": rule["name"],
        "expr": query,
        "for": format!("{lasting}s"),
        "keep_firing_for": format!("{}s", rule["keepFiringFor"].as_f64().unwrap_or_default()),
        "labels": labels,
    })
}

/// Writes a query over a latency once for each series, over its own window.
fn of_windows(query: &str) -> String {
    let of_its = WINDOWS.iter().filter(|(metric, ..)| query.contains(metric));
    let each = of_its.map(|(_, series, seconds)| {
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
fn watch(demo: &Demo, names: &[String], spans: &mut Spans) {
    let page = demo.json("/alerts");
    let now = page["timestamp"].as_f64().unwrap_or_default() / 1e3;
    let alerts =
        ["active", "recent"].map(|list| page[list].as_array().cloned().unwrap_or_default());
    for alert in alerts.concat() {
        let name = alert["name"].as_str().expect("a name").to_owned();
        let Some(start) = alert["startsAt"].as_f64().filter(|_| names.contains(&name)) else {
            continue;
        };
        let (start, end) = (start / 1e3, alert["endsAt"].as_f64().map_or(now, |end| end / 1e3));
        let known = spans.entry((name, labels(&alert["labels"]))).or_default();
        match known.iter_mut().find(|(known, _)| *known == start) {
            Some(span) => span.1 = end,
            None => known.push((start, end)),
        }
    }
}

/// Returns what Prometheus saw.
fn seen(prometheus: &Prometheus, from: f64, to: f64) -> Spans {
    let query = "ALERTS{alertstate=\"firing\"}";
    let series = prometheus.query_range(query, from..=to, Duration::from_secs(1));
    let mut spans = Spans::new();
    for one in series.expect("Prometheus answers") {
        let mut labels = one.labels;
        labels.remove("__name__");
        labels.remove("alertstate");
        labels.remove("job");
        labels.remove("instance");
        let known = spans.entry((labels["alertname"].clone(), labels)).or_default();
        for point in one.points {
            // It ends at the evaluation that does not see it any more, a second later.
            let end = point.time + 1.0;
            match known.last_mut() {
                Some((_, last)) if point.time - *last < 0.5 => *last = end,
                _ => known.push((point.time, end)),
            }
        }
    }
    spans
}

/// Joins spans that are nearer than the tolerance: near a threshold the two may see a gap of a
/// second or not.
fn joined(spans: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut joined: Vec<(f64, f64)> = Vec::new();
    for (start, end) in spans {
        match joined.last_mut() {
            Some((_, last)) if start - *last < 2.0 * TOLERANCE => *last = last.max(*end),
            _ => joined.push((*start, *end)),
        }
    }
    joined
}

#[test]
fn two_releases_of_prometheus_see_the_same_alerts() {
    let tools =
        [testbed::require!(tools::prometheus_2_53()), testbed::require!(tools::prometheus_3_5())];
    let mut command = Command::new(env!("CARGO_BIN_EXE_node0-demo"));
    command.args(["--listen", "127.0.0.1:0", "--load", "40", "--naming", "standard"]);
    command.args(["--database", "embedded", "--redis", "embedded"]);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("rules.toml");
    std::fs::write(&file, RULES).expect("it can be written");
    command.arg("--rules").arg(&file);
    let demo = Demo::spawn(command);
    let rules = rules(&demo);
    let names: Vec<_> =
        rules.iter().filter_map(|rule| rule["alert"].as_str().map(str::to_owned)).collect();
    let job = ScrapeJob::new("demo", demo.address);
    let servers = tools.map(|tool| {
        let job = std::slice::from_ref(&job);
        Prometheus::start_with_rules(&tool, job, &rules).expect("it starts")
    });
    for prometheus in &servers {
        let is_up = || prometheus.query("up == 1").is_ok_and(|up| !up.is_empty());
        assert!(Deadline::seconds(30).until(is_up));
    }
    // The ranges of the rules fill.
    pause(Duration::from_secs(12));
    let faults: &[&[&str]] = Length::of_this_run().pick(
        &[&["failing-payments"]],
        &[
            &["failing-payments"],
            &["slow-payments"],
            &["cold-cache"],
            &["small-pool", "slow-database"],
            &["slow-database"],
        ],
    );
    let mut ours = Spans::new();
    let from = demo.json("/alerts")["timestamp"].as_f64().expect("a time") / 1e3;
    let mut watch_for = |seconds: u32| {
        for _ in 0..seconds * 4 {
            watch(&demo, &names, &mut ours);
            pause(Duration::from_millis(250));
        }
    };
    let mut steady_until = f64::MAX;
    for run in faults {
        let switch = |method: &str| {
            for fault in *run {
                let request = Request::new(method, &format!("/chaos/{fault}"));
                assert_eq!(demo.send(&request).status, 200);
            }
        };
        switch("POST");
        // A latency's window needs some time to be slow enough.
        watch_for(Length::of_this_run().pick(15, 20));
        switch("DELETE");
        watch_for(30);
        let now = || demo.json("/alerts")["timestamp"].as_f64().expect("a time") / 1e3;
        steady_until = steady_until.min(now());
    }
    let to = demo.json("/alerts")["timestamp"].as_f64().expect("a time") / 1e3;
    let figures: Vec<_> = ours.iter().map(|(key, spans)| json!([key.0, joined(spans)])).collect();
    // Before that, Prometheus did not look.
    ours.values_mut().flatten().for_each(|span| span.0 = span.0.max(from));
    prove::report(&json!({ "alerts": figures })).expect("the figures can be written");
    // Later the breaker opens and closes every few seconds, and a finding is believed only after two
    // ticks. Prometheus has no form for that.
    let until = |key: &Key| if key.0 == "OpenByFinding" { steady_until } else { to };
    let compared = |spans: Spans| -> Spans {
        let cut = |(key, mut spans): (Key, Vec<(f64, f64)>)| {
            spans.retain(|span| span.0 < until(&key));
            (key, spans)
        };
        spans.into_iter().map(cut).collect()
    };
    let ours = compared(ours);
    for prometheus in &servers {
        compare(&ours, &compared(seen(prometheus, from, to)));
    }
}

fn compare(ours: &Spans, theirs: &Spans) {
    let names = |spans: &Spans| spans.keys().cloned().collect::<Vec<_>>();
    assert!(!ours.is_empty(), "the faults lead to alerts");
    assert_eq!(names(ours), names(theirs), "\nours: {ours:#?}\ntheirs: {theirs:#?}");
    for (key, spans) in ours {
        let (mine, other) = (joined(spans), joined(&theirs[key]));
        let is_near = |(a, b): (&(f64, f64), &(f64, f64))| {
            (a.0 - b.0).abs() <= TOLERANCE && (a.1 - b.1).abs() <= TOLERANCE
        };
        let all_near = mine.len() == other.len() && mine.iter().zip(&other).all(is_near);
        assert!(all_near, "{key:?}\nours: {mine:?}\ntheirs: {other:?}");
    }
}
