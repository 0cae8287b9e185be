//! Two releases of Prometheus evaluate the same rules over the demo's pages, and see the same alerts.
//!
//! The rules are those that the demo lists. Left out are rules over findings, which Prometheus
//! does not see, and those over latencies: the demo's window is the last thousand calls, which has
//! no form in PromQL.

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

/// Returns the demo's rules in the form of Prometheus.
fn rules(demo: &Demo) -> Vec<Value> {
    let body = demo.json("/api/v1/rules");
    let groups = body["data"]["groups"].as_array().expect("a list").clone();
    let rules = groups.into_iter().flat_map(|group| group["rules"].as_array().cloned());
    let rules = rules.flatten().filter(|rule| {
        let query = rule["query"].as_str().unwrap_or_default();
        !query.starts_with("finding") && !query.contains("quantile")
    });
    let shown = rules.map(|rule| {
        let seconds = |key: &str| format!("{}s", rule[key].as_f64().unwrap_or_default());
        json!({
            "alert": rule["name"],
            "expr": rule["query"],
            "for": seconds("duration"),
            "keep_firing_for": seconds("keepFiringFor"),
            "labels": rule["labels"],
        })
    });
    shown.collect()
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
    for run in faults {
        let switch = |method: &str| {
            for fault in *run {
                let request = Request::new(method, &format!("/chaos/{fault}"));
                assert_eq!(demo.send(&request).status, 200);
            }
        };
        switch("POST");
        watch_for(15);
        switch("DELETE");
        watch_for(30);
    }
    let to = demo.json("/alerts")["timestamp"].as_f64().expect("a time") / 1e3;
    let figures: Vec<_> = ours.iter().map(|(key, spans)| json!([key.0, joined(spans)])).collect();
    prove::report(&json!({ "alerts": figures })).expect("the figures can be written");
    for prometheus in &servers {
        compare(&ours, &seen(prometheus, from, to));
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
