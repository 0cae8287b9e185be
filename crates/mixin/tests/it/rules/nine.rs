//! Each alert has the nine cases that an alert must get right.
//!
//! The check reads the tests that promtool gets, not the table that they are made of, so that a
//! case which the table no longer yields is missed here.

use std::collections::BTreeSet;

use serde_json::Value;

use super::case::tests_of;
use super::file::RulesFile;

/// A case, and the check that the tests of an alert contain it.
type Case = (&'static str, fn(&Tests) -> bool);

const CASES: [Case; 9] = [
    ("near the threshold: nothing for an hour", |tests| {
        tests.states("near the threshold") == [State::Nothing; 6]
    }),
    ("beyond the threshold for less than `for`: pending only", |tests| {
        tests.states("beyond the threshold").ends_with(&[State::Pending, State::Pending])
    }),
    ("beyond the threshold: fires with all labels and texts", Tests::texts_are_compared),
    ("recovery: fires to its end, and no longer", |tests| {
        tests.states("recovery") == [State::Firing, State::Nothing, State::Nothing]
    }),
    ("failed scrapes: quiet, and TargetDown fires", |tests| {
        tests.asks("failed scrapes", "alertname=\"TargetDown\"") && tests.is_quiet("failed scrapes")
    }),
    ("neighbours: other labels, which do not fire", Tests::have_neighbours),
    ("no traffic: nothing, and no NaN", |tests| {
        tests.states("no traffic") == [State::Nothing; 3] && tests.asks("no traffic", "!= on")
    }),
    ("flapping faster than `for`: pending, and never firing", |tests| {
        tests.states("flapping") == [State::Pending] && tests.is_quiet("flapping")
    }),
    ("two instances, and several series that are one in the alert", Tests::have_parts),
];

/// Cases that an alert does not have: the alert, the beginning of the case, and the reason.
const WITHOUT: &[(&str, &str, &str)] = &[
    ("TargetDown", "failed scrapes", "it is the alert of failed scrapes, and fires for them"),
    ("TargetDown", "two instances", "each target is one series, and the alert keeps its labels"),
];

/// What a query for an alert's states returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Nothing,
    Pending,
    Firing,
}

/// The tests of one alert, as promtool gets them.
struct Tests {
    name: String,
    tests: Vec<Value>,
}

impl Tests {
    fn of(name: &str) -> Self {
        Self { name: name.to_owned(), tests: tests_of(name) }
    }

    /// Returns the parts of this kind of the test of this situation.
    fn parts(&self, situation: &str, kind: &str) -> &[Value] {
        let name = format!("{}, {situation}", self.name);
        let test = self.tests.iter().find(|test| test["name"] == name);
        test.and_then(|test| test[kind].as_array()).map_or(&[], Vec::as_slice)
    }

    /// Returns the states that the test expects of the alert, in the order of its queries.
    fn states(&self, situation: &str) -> Vec<State> {
        let own = format!("ALERTS{{alertname={:?}}}", self.name);
        let queries = self.parts(situation, "promql_expr_test").iter();
        let states = queries.filter(|query| query["expr"] == own).map(|query| {
            match query["exp_samples"][0]["labels"].as_str() {
                None => State::Nothing,
                Some(labels) if labels.contains("alertstate=\"pending\"") => State::Pending,
                Some(_) => State::Firing,
            }
        });
        states.collect()
    }

    /// Returns `true` if a query of the test contains this text.
    fn asks(&self, situation: &str, text: &str) -> bool {
        let mut queries = self.parts(situation, "promql_expr_test").iter();
        queries.any(|query| query["expr"].as_str().is_some_and(|expr| expr.contains(text)))
    }

    /// Returns `true` if the test expects, at least once, that the alert does not fire, and never
    /// that it does.
    fn is_quiet(&self, situation: &str) -> bool {
        let expected = self.parts(situation, "alert_rule_test");
        let quiet = |test: &Value| {
            test["alertname"] == self.name.as_str()
                && test["exp_alerts"].as_array().is_some_and(Vec::is_empty)
        };
        !expected.is_empty() && expected.iter().all(quiet)
    }

    /// Returns the alerts that fire beyond the threshold.
    fn alerts(&self) -> Vec<&Value> {
        let tests = self.parts("beyond the threshold", "alert_rule_test").iter();
        tests.filter_map(|test| test["exp_alerts"].as_array()).flatten().collect()
    }

    fn texts_are_compared(&self) -> bool {
        const TEXTS: [&str; 5] =
            ["summary", "description", "remedy", "runbook_url", "dashboard_url"];
        let alerts = self.alerts();
        let is_whole = |alert: &&Value| {
            TEXTS.iter().all(|text| alert["exp_annotations"][text].is_string())
                && alert["exp_labels"]["severity"].is_string()
        };
        !alerts.is_empty() && alerts.iter().all(is_whole)
    }

    /// Returns the names of the series beyond the threshold.
    ///
    /// Leaves out the series about targets, which all tests have, where the alert does not ask for
    /// them.
    fn series(&self) -> Vec<&str> {
        let is_asked_for = |series: &&str| {
            self.name.starts_with("Target")
                || !(series.starts_with("up{") || series.starts_with("node0_recording_threads{"))
        };
        let series = self.parts("beyond the threshold", "input_series").iter();
        series.filter_map(|series| series["series"].as_str()).filter(is_asked_for).collect()
    }

    /// Returns `true` if the alert has all labels that the series has of it, but for the severity.
    fn is_of(series: &str, alert: &Value) -> bool {
        let labels = alert["exp_labels"].as_object().into_iter().flatten();
        labels
            .filter(|(key, _)| *key != "severity")
            .all(|(key, value)| series.contains(&format!("{key}={value}")))
    }

    /// Returns `true` if there are series of other label values in the namespace of the alerts, and
    /// series in another namespace.
    fn have_neighbours(&self) -> bool {
        let alerts = self.alerts();
        let mut rest = self.series();
        rest.retain(|series| !alerts.iter().any(|alert| Self::is_of(series, alert)));
        let (here, elsewhere): (Vec<_>, Vec<_>) =
            rest.into_iter().partition(|series| series.contains("namespace=\"eu\""));
        !here.is_empty() && !elsewhere.is_empty()
    }

    /// Returns `true` if two instances have series, and an alert has several of one metric.
    fn have_parts(&self) -> bool {
        let (alerts, series) = (self.alerts(), self.series());
        let after = series.iter().filter_map(|series| series.split("instance=\"").nth(1));
        let instances: BTreeSet<_> = after.filter_map(|rest| rest.split('"').next()).collect();
        let parts = |alert: &&Value| {
            let metrics: Vec<_> = series
                .iter()
                .filter(|series| Self::is_of(series, alert))
                .filter_map(|series| series.split('{').next())
                .collect();
            metrics.len() > metrics.iter().collect::<BTreeSet<_>>().len()
        };
        instances.len() >= 2 && alerts.iter().any(parts)
    }
}

#[test]
fn every_alert_has_the_nine_cases_or_a_reason() {
    let shipped = RulesFile::shipped();
    let names = shipped.rules().map(|rule| rule.alert.as_str()).filter(|name| !name.is_empty());
    let mut missing = BTreeSet::new();
    for tests in names.map(Tests::of) {
        for (case, contains) in CASES {
            if !contains(&tests) {
                missing.insert((tests.name.clone(), case.split(':').next().unwrap_or(case)));
            }
        }
    }
    let listed = WITHOUT.iter().map(|(alert, case, _)| {
        let known = CASES.iter().filter_map(|(known, _)| known.split(':').next());
        let case = known.into_iter().find(|known| known.starts_with(case));
        ((*alert).to_owned(), case.expect("it is one of the nine cases"))
    });
    assert_eq!(missing, listed.collect(), "left: missing, right: missing with a reason");
}
