//! The shipped rules of Prometheus, from the demo to a pager: through Prometheus and Alertmanager.
//!
//! Minutes would make a test of an hour, so all times of the rules are a thirtieth, by the only
//! change that is made to the file. The service's own alerts get the same times, and must tell the
//! same story.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use testbed::alertmanager::Alertmanager;
use testbed::deadline::pause;
use testbed::http::Request;
use testbed::prometheus::{Prometheus, ScrapeJob};
use testbed::prove::Length;
use testbed::{Deadline, prove, tools};

use crate::demo::Demo;
use crate::pager::{Pager, Proxy};

/// The rules are that much faster than shipped.
const FASTER: u64 = 30;
/// Two intervals of scraping and evaluation, and the way.
const TOLERANCE: f64 = 2.5;

const RULES: &str = include_str!("../../../../alerts/performance-alerts.yaml");
const ALERTMANAGER: &str = include_str!("../../../../alerts/alertmanager.yaml");

/// Divides each range in brackets and each time of an alert by [`FASTER`].
fn faster(rules: &str) -> String {
    let mut text = String::with_capacity(rules.len());
    let mut rest = rules;
    while let Some((at, length)) = ["[", " for: ", "keep_firing_for: "]
        .iter()
        .filter_map(|word| Some((rest.find(word)?, word.len())))
        .min()
    {
        let (before, after) = rest.split_at(at + length);
        text.push_str(before);
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let unit = match after[digits..].chars().next() {
            Some('m') => 60,
            Some('h') => 3600,
            Some('d') => 86_400,
            _ => 0,
        };
        rest = match after[..digits].parse::<u64>() {
            Ok(number) if unit > 0 => {
                text.push_str(&format!("{}s", number * unit / FASTER));
                &after[digits + 1..]
            }
            // Another word in front of a bracket, such as one of a label.
            _ => after,
        };
    }
    text + rest
}

/// Returns the times of the service's own rules, as much faster.
fn own_rules() -> String {
    let rules = node0::alerts::built_in().into_iter();
    let rules = rules.map(|rule| {
        let time = |time: Duration| format!("\"{}ms\"", time.as_millis() as u64 / FASTER);
        let (lasting, hold) = (time(rule.lasting), time(rule.keep_firing_for));
        format!("[rules.{}]\nfor = {lasting}\nkeep_firing_for = {hold}\n", rule.name)
    });
    rules.collect()
}

/// Everything from the demo to the pager.
struct Way {
    demo: Demo,
    proxy: Proxy,
    prometheus: Prometheus,
    _manager: Alertmanager,
    pager: Pager,
    _folder: tempfile::TempDir,
}

impl Way {
    fn switch(&self, method: &str, faults: &[&str]) {
        for fault in faults {
            let request = Request::new(method, &format!("/chaos/{fault}"));
            assert_eq!(self.demo.send(&request).status, 200);
        }
    }

    /// Waits until the pager has this news about each of the alerts.
    fn told(&mut self, status: &str, alerts: &[&str]) {
        let told = self.is_told(status, alerts);
        assert!(told, "{alerts:?} not {status}: {:?}", self.pager.news());
    }

    /// Returns `true` once the pager has this news, and `false` if it does not come.
    fn is_told(&mut self, status: &str, alerts: &[&str]) -> bool {
        let mut is_last = |alert: &&str| self.pager.last(alert) == Some(status);
        Deadline::seconds(60).until(|| alerts.iter().all(&mut is_last))
    }

    /// Compares the times at which the alert began and ended here and there.
    fn tell_the_same(&self, alert: &str) {
        let is_active = || {
            let page = self.demo.json("/alerts");
            page["active"].as_array().is_some_and(|all| all.iter().any(|one| one["name"] == alert))
        };
        // Whichever saw the end first, the other may need its interval.
        assert!(Deadline::seconds(20).until(|| !is_active()), "{alert} is active still");
        let page = self.demo.json("/alerts");
        let lists = ["active", "recent"].map(|list| page[list].as_array().cloned());
        let of_alert = |one: &Value| one["name"] == alert && one["startsAt"].is_number();
        let mut ours: Vec<_> = lists
            .into_iter()
            .flatten()
            .flatten()
            .filter(of_alert)
            .map(|one| {
                let seconds = |key: &str| one[key].as_f64().unwrap_or(f64::NAN) / 1e3;
                (seconds("startsAt"), seconds("endsAt"))
            })
            .collect();
        ours.sort_by(|a, b| a.0.total_cmp(&b.0));
        let now = page["timestamp"].as_f64().expect("a time") / 1e3;
        let query = format!("ALERTS{{alertname=\"{alert}\", alertstate=\"firing\"}}");
        let span = now - 120.0..=now;
        let series = self.prometheus.query_range(&query, span, Duration::from_secs(1));
        let points = series.expect("Prometheus answers").into_iter().flat_map(|one| one.points);
        let mut times: Vec<_> = points.map(|point| point.time).collect();
        times.sort_by(f64::total_cmp);
        let (first, last) = (times.first().expect("it fired"), times.last().expect("it fired"));
        let (start, end) = (ours.first().expect("it fired").0, ours.last().expect("it fired").1);
        prove::report(&json!({ alert: { "service": [start, end], "prometheus": [first, last] } }))
            .expect("the figures can be written");
        // A finding is believed at its second tick.
        let believed = if alert == "PoolFailing" { 1.0 } else { 0.0 };
        assert!(
            (start - believed - first).abs() <= TOLERANCE,
            "{alert} began at {start} and {first}"
        );
        // It ends at the evaluation after the last that saw it.
        assert!((end - last - 1.0).abs() <= TOLERANCE, "{alert} ended at {end} and {last}");
    }
}

/// Starts everything, and waits until the ranges of the rules are full.
fn way() -> Option<Way> {
    let prometheus = tools::prometheus_3_5();
    let manager = tools::alertmanager();
    let (prometheus, manager) = match (prometheus, manager) {
        (Ok(prometheus), Ok(manager)) => (prometheus, manager),
        (Err(error), _) | (_, Err(error)) => {
            testbed::skip_or_fail(&error, file!(), line!());
            return None;
        }
    };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("rules.toml");
    std::fs::write(&file, own_rules()).expect("it can be written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_node0-demo"));
    command.args(["--listen", "127.0.0.1:0", "--load", "40", "--naming", "standard"]);
    command.args(["--database", "embedded", "--redis", "embedded", "--alert-for", "1m"]);
    let demo = Demo::spawn({
        command.arg("--rules").arg(&file);
        command
    });
    let proxy = Proxy::new(demo.address);
    let pager = Pager::new();
    let (_, inhibitions) = ALERTMANAGER.split_once("inhibit_rules:").expect("the file has some");
    let manager =
        Alertmanager::start_with(&manager, &pager.url(), &format!("inhibit_rules:{inhibitions}"))
            .expect("it starts");
    let job = ScrapeJob::new("shop", proxy.address);
    let prometheus =
        Prometheus::start_alerting(&prometheus, &[job], &faster(RULES), manager.address())
            .expect("it starts");
    let is_up = || prometheus.query("up == 1").is_ok_and(|up| !up.is_empty());
    assert!(Deadline::seconds(30).until(is_up));
    pause(Duration::from_secs(12));
    Some(Way { demo, proxy, prometheus, _manager: manager, pager, _folder: folder })
}

#[test]
fn faults_reach_the_pager_and_so_does_their_end() {
    let Some(mut way) = way() else { return };
    assert_eq!(way.pager.news(), &[] as &[(String, String)], "nothing is wrong yet");

    way.switch("POST", &["failing-payments"]);
    way.told("firing", &["CircuitOpen"]);
    // Scrapes fail for eight of the ten seconds for which a gauge keeps its value.
    way.proxy.fail(true);
    way.told("firing", &["TargetDown"]);
    pause(Duration::from_secs(2));
    way.proxy.fail(false);
    way.told("resolved", &["TargetDown"]);
    let open: Vec<_> =
        way.pager.news().iter().filter(|(alert, _)| alert == "CircuitOpen").collect();
    assert_eq!(open.len(), 1, "a scrape that fails says nothing about a breaker: {open:?}");
    way.switch("DELETE", &["failing-payments"]);
    way.told("resolved", &["CircuitOpen"]);
    way.tell_the_same("CircuitOpen");

    // A pool whose waits fail explains its queue, so that the queue is not told.
    let faults: &[(&[&str], &[&str], &str)] = Length::of_this_run().pick(
        &[],
        &[
            (&["small-pool", "slow-database"], &["PoolFailing", "HighP95Latency"], "PoolFailing"),
            (&["cold-cache"], &["LowCacheHitRate"], "LowCacheHitRate"),
        ],
    );
    for (faults, alerts, same) in faults {
        way.switch("POST", faults);
        let told = while_orders_come(way.demo.address, || way.is_told("firing", alerts));
        assert!(told, "{alerts:?} not firing: {:?}", way.pager.news());
        way.switch("DELETE", faults);
        way.told("resolved", alerts);
        way.tell_the_same(same);
    }
}

/// Places orders from a dozen callers, more than the demo's own load has, while it waits.
fn while_orders_come(to: SocketAddr, wait: impl FnOnce() -> bool) -> bool {
    let order = json!({ "customer": "ann", "items": [{ "sku": "tea", "quantity": 2 }] });
    let order = Request::new("POST", "/orders").json(&order);
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    // An order that fails is part of the fault.
                    let _ = order.send(to);
                }
            });
        }
        let outcome = wait();
        is_done.store(true, Ordering::Relaxed);
        outcome
    })
}

#[test]
fn only_times_are_changed_to_be_faster() {
    let changed =
        faster("expr: rate(a[5m]) / rate(a[1h])\n  for: 5m\n  keep_firing_for: 1m\n  x: [a]\n");
    assert_eq!(
        changed,
        "expr: rate(a[10s]) / rate(a[120s])\n  for: 10s\n  keep_firing_for: 2s\n  x: [a]\n"
    );
    assert_eq!(faster(RULES).lines().count(), RULES.lines().count());
}
