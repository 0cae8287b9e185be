//! The table of what each alert must do, and the tests of promtool that follow from it.
//!
//! promtool wants each series written out, sample by sample. The table has the value of a series in
//! four states, and the nine situations that each alert must get right are sequences of states.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::file::root;
use super::series::{Row, STEP, State, series};

/// The time for which everything is bad in a test of recovery.
const BAD: u32 = 30 * 60;
const RUNBOOKS: &str = "https://github.com/node0-rs/node0/blob/main/docs/runbooks";

/// A time in seconds, written as `1h30m` or `90s`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(try_from = "String")]
struct Time(u32);

/// What an alert must do.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    r#for: Time,
    #[serde(default)]
    keep: Time,
    /// The calm time before.
    #[serde(default)]
    lead: Time,
    /// The time from which the condition holds.
    since: Time,
    /// The time by which it may hold later, depending on the release.
    #[serde(default)]
    jitter: Time,
    /// The time at which it is false again.
    ends: Time,
    /// The time for which it is bad again and again without an alert, and the state between, where
    /// the other times do not tell.
    flaps: Option<(Time, State)>,
    /// `true` if it holds on while scrapes fail for some minutes.
    #[serde(default)]
    bridged: bool,
    remedy: String,
    dashboard: String,
    rows: Vec<Row>,
    fires: Vec<Alert>,
    #[serde(default)]
    more: Vec<More>,
}

/// What a recorded series must be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recording {
    /// The alert whose rows it has.
    of: Option<String>,
    #[serde(default)]
    rows: Vec<Row>,
    /// The labels and the value of each.
    samples: Vec<(String, i64)>,
}

/// An alert that fires, with its texts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Alert {
    labels: BTreeMap<String, String>,
    summary: String,
    description: String,
    dashboard: Option<String>,
}

/// A further situation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct More {
    name: String,
    /// The interval of scrapes and evaluations, longer for a test of days.
    #[serde(default)]
    step: Time,
    phases: Vec<(State, Time)>,
    /// The times at which the alerts fire.
    #[serde(default)]
    fires_at: Vec<Time>,
    /// The times at which none fires.
    #[serde(default)]
    quiet_at: Vec<Time>,
    /// The times at which none is even pending.
    #[serde(default)]
    nothing_at: Vec<Time>,
}

/// Returns the table.
fn cases() -> BTreeMap<String, Case> {
    table("cases.toml")
}

impl Case {
    /// Returns the tests of the alert with this name, in the form of promtool.
    fn tests(&self, name: &str) -> Vec<Value> {
        use State::{Bad, Calm, Gone, Idle, Near};
        let (lead, hour) = ((Calm, self.lead.0), 3600);
        let (start, end) = (self.lead.0, self.lead.0 + BAD);
        let fires = self.since.0 + self.r#for.0;
        let ended = self.ends.0 + self.keep.0;
        // Bad for as long as the condition may hold without an alert: it holds late and ends late,
        // and from the second time on it may begin earlier by as much as it ends late.
        let late = self.ends.0.saturating_sub(end);
        let margin = if self.r#for.0 > 60 { 60 } else { 0 };
        let brief = (self.since.0 - start + self.r#for.0).saturating_sub(2 * late + margin);
        let (brief, rest, late) = match self.flaps {
            Some((brief, rest)) => (brief.0, rest, 0),
            None => (brief, Calm, late),
        };
        let mut flapping = vec![lead];
        for _ in 0..4 {
            flapping.extend([(Bad, brief), (rest, 600)]);
        }
        // This one asks whether the usual traffic ends.
        let before = if name == "ThroughputCollapsed" { 0 } else { start };
        let mut checks = vec![
            self.test(name, "near the threshold", &[lead, (Near, hour)], |test| {
                (start..start + hour).step_by(600).for_each(|time| test.nothing(time));
            }),
            self.test(name, "beyond the threshold", &[lead, (Bad, hour)], |test| {
                if let Some(before) = self.since.0.checked_sub(STEP) {
                    test.nothing(before);
                }
                test.pending(self.since.0 + self.jitter.0);
                test.pending(fires - STEP);
                test.firing(fires + self.jitter.0);
            }),
            self.test(name, "recovery", &[lead, (Bad, BAD), (Calm, hour)], |test| {
                test.firing_names(ended - STEP);
                test.nothing(ended);
                test.nothing(end + hour - STEP);
            }),
            self.test(name, "flapping", &flapping, |test| {
                test.pending(start + 2 * brief + 600 + late - STEP);
                let to = start + 4 * (brief + 600);
                (start..to).step_by(STEP as usize).for_each(|time| test.none_fires(time));
            }),
            self.test(name, "no traffic", &[(Calm, before), (Idle, hour)], |test| {
                [600, 1800, hour - STEP].into_iter().for_each(|time| test.nothing(before + time));
                test.no_nan(before + 1800);
            }),
        ];
        if name != "TargetDown" {
            let phases = [lead, (Bad, BAD), (Gone, hour)];
            checks.push(self.test(name, "failed scrapes", &phases, |test| {
                if self.bridged {
                    test.firing_names(end + 240);
                }
                test.target_down(end + 120);
                test.none_fires(end + 360 + self.keep.0);
            }));
        }
        checks.extend(self.more.iter().map(|more| {
            let step = if more.step.0 == 0 { STEP } else { more.step.0 };
            let phases: Vec<_> = more.phases.iter().map(|(state, time)| (*state, time.0)).collect();
            self.test_in_steps(step, name, &more.name, &phases, |test| {
                more.fires_at.iter().for_each(|time| test.firing_names(time.0));
                more.quiet_at.iter().for_each(|time| test.none_fires(time.0));
                more.nothing_at.iter().for_each(|time| test.nothing(time.0));
            })
        }));
        checks
    }

    fn test(
        &self,
        alert: &str,
        situation: &str,
        phases: &[(State, u32)],
        check: impl FnOnce(&mut Test<'_>),
    ) -> Value {
        self.test_in_steps(STEP, alert, situation, phases, check)
    }

    fn test_in_steps(
        &self,
        step: u32,
        alert: &str,
        situation: &str,
        phases: &[(State, u32)],
        check: impl FnOnce(&mut Test<'_>),
    ) -> Value {
        let mut test = Test { case: self, name: alert, alerts: Vec::new(), queries: Vec::new() };
        check(&mut test);
        json!({
            "name": format!("{alert}, {situation}"),
            "interval": format!("{step}s"),
            "input_series": series(&self.rows, step, phases),
            "alert_rule_test": test.alerts,
            "promql_expr_test": test.queries,
        })
    }
}

impl Recording {
    /// Returns the tests of the series with this name.
    fn tests(&self, name: &str) -> [Value; 2] {
        const PHASES: [(State, u32); 4] =
            [(State::Calm, 300), (State::Gone, 180), (State::Near, 90), (State::Bad, 90)];
        let of = self.of.as_ref().map(|of| cases().remove(of).expect("it is an alert").rows);
        let end = PHASES.iter().map(|(_, time)| time).sum::<u32>() - STEP;
        let samples = self.samples.iter().map(|(labels, value)| {
            json!({ "labels": format!("{{namespace=\"eu\", job=\"shop\", {labels}}}"), "value": value })
        });
        let rows = of.as_ref().unwrap_or(&self.rows);
        let test = |phases: &[(State, u32)], query: String, time: u32, samples: Vec<Value>| {
            json!({
                "name": name,
                "interval": format!("{STEP}s"),
                "input_series": series(rows, STEP, phases),
                "promql_expr_test": [{
                    "expr": query, "eval_time": format!("{time}s"), "exp_samples": samples,
                }],
            })
        };
        let value = format!("round(10000 * {name}{{namespace=\"eu\"}})");
        [
            test(&PHASES, value, end, samples.collect()),
            test(&[(State::Idle, 1200)], format!("{name} != {name}"), 900, Vec::new()),
        ]
    }
}

/// Returns the tests of the rule with this name, in the form of promtool.
pub(crate) fn tests_of(name: &str) -> Vec<Value> {
    match cases().get(name) {
        Some(case) => case.tests(name),
        None => recordings()[name].tests(name).into(),
    }
}

fn recordings() -> BTreeMap<String, Recording> {
    table("recordings.toml")
}

/// Reads a table beside this file.
fn table<T: DeserializeOwned>(name: &str) -> BTreeMap<String, T> {
    let path = root().join("crates/mixin/tests/it/rules").join(name);
    let text = std::fs::read_to_string(path).expect("the table is there");
    toml::from_str(&text).expect("the table is well-formed")
}

/// Returns the names of all rules that have tests.
pub(crate) fn tested() -> Vec<String> {
    cases().into_keys().chain(recordings().into_keys()).collect()
}

/// The expectations of one test.
struct Test<'c> {
    case: &'c Case,
    name: &'c str,
    alerts: Vec<Value>,
    queries: Vec<Value>,
}

impl Test<'_> {
    /// Expects the alerts with all labels and texts.
    fn firing(&mut self, time: u32) {
        let alerts = self.case.fires.iter().map(|alert| {
            json!({ "exp_labels": alert.labels, "exp_annotations": {
                "summary": alert.summary,
                "description": alert.description,
                "remedy": self.case.remedy,
                "runbook_url": format!("{RUNBOOKS}/{}.md", self.name),
                "dashboard_url": alert.dashboard.as_ref().unwrap_or(&self.case.dashboard),
            }})
        });
        let alerts: Vec<_> = alerts.collect();
        self.expect(self.name.to_owned(), time, alerts);
    }

    /// Expects that the alerts fire, by their labels.
    fn firing_names(&mut self, time: u32) {
        self.states(time, "firing");
    }

    /// Expects that the alerts are pending, with all labels, and that none fires.
    fn pending(&mut self, time: u32) {
        self.states(time, "pending");
    }

    fn states(&mut self, time: u32, state: &str) {
        let samples = self.case.fires.iter().map(|alert| {
            let labels = alert.labels.iter().map(|(key, value)| format!("{key}={value:?}"));
            let labels = labels.collect::<Vec<_>>().join(", ");
            let labels = format!("alertname={:?}, alertstate={state:?}, {labels}", self.name);
            json!({ "labels": format!("ALERTS{{{labels}}}"), "value": 1 })
        });
        let samples = samples.collect();
        self.query(format!("ALERTS{{alertname={:?}}}", self.name), time, samples);
    }

    /// Expects that no alert of this name is pending or fires.
    fn nothing(&mut self, time: u32) {
        self.query(format!("ALERTS{{alertname={:?}}}", self.name), time, Vec::new());
    }

    /// Expects that no alert of this name fires.
    fn none_fires(&mut self, time: u32) {
        self.expect(self.name.to_owned(), time, Vec::new());
    }

    /// Expects that both instances are reported as down, by their labels.
    fn target_down(&mut self, time: u32) {
        let samples = ["a", "b"].map(|instance| {
            let labels = format!("namespace=\"eu\", job=\"shop\", instance=\"{instance}\"");
            json!({ "labels": format!("{{{labels}}}"), "value": 1 })
        });
        let query = "sum by (namespace, job, instance) \
                     (ALERTS{alertname=\"TargetDown\", alertstate=\"firing\", job=\"shop\"})";
        self.query(query.to_owned(), time, samples.into());
    }

    /// Expects that no recorded series is NaN, which is not equal to itself.
    fn no_nan(&mut self, time: u32) {
        let recorded = "sum by (__name__) ({__name__=~\"namespace_.+\"})";
        self.query(format!("{recorded} != on (__name__) {recorded}"), time, Vec::new());
    }

    fn expect(&mut self, alert: String, time: u32, alerts: Vec<Value>) {
        let time = format!("{time}s");
        self.alerts.push(json!({ "eval_time": time, "alertname": alert, "exp_alerts": alerts }));
    }

    fn query(&mut self, query: String, time: u32, samples: Vec<Value>) {
        let time = format!("{time}s");
        self.queries.push(json!({ "expr": query, "eval_time": time, "exp_samples": samples }));
    }
}

impl TryFrom<String> for Time {
    type Error = humantime::DurationError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        humantime::parse_duration(&text).map(|time| Self(time.as_secs() as u32))
    }
}
