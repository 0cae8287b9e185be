//! A rule that names what the service does not have says so, until it comes.

use std::time::Duration;

use node0_alerting::{Condition, Findings, Metric, Rule};
use node0_metrics_core::{AlertState, Desc};

use crate::house::{House, SECOND};

const JOBS: Desc = Desc::counter("jobs_total", "Jobs done.").labels(&["outcome"]);
const WORK: Desc = Desc::latency("work_seconds", "Time of a job.");

/// Returns what a rule with this condition lacks.
fn missing(condition: impl Into<Condition>) -> Option<String> {
    let mut house = House::new([Rule::new("R", condition)]);
    let jobs = house.registry().counter(&JOBS, &["done"]).expect("there is room");
    let work = house.registry().latency(&WORK, &[]).expect("there is room");
    jobs.inc();
    work.record(Duration::from_millis(5));
    house.at(1.0);
    house.alerts.overview().rules[0].missing.clone()
}

#[track_caller]
fn check(condition: impl Into<Condition>, expected: &str) {
    assert_eq!(missing(condition).as_deref(), Some(expected));
}

#[test]
fn what_a_rule_lacks_is_named_with_what_to_do() {
    let wait = "correct the name, or wait until something records it";
    check(Metric::new("lvl").above(1.0), &format!("there is no metric `lvl` now: {wait}"));
    let divided = Metric::new("level").divided_by("size").above(1.0);
    check(divided, &format!("there is no metric `size` now: {wait}"));
    check(Metric::new("level").by(["pool"]).above(1.0), "`level` has no label `pool`: it has tank");
    let share = Metric::new("jobs_total").share("result", ["hit"], ["hit"]).above(0.5);
    check(share, "`jobs_total` has no label `result`: it has outcome");
    let by = Metric::new("work_seconds").by(["job"]).quantile(0.5).above(1.0);
    check(by, "`work_seconds` has no label `job`: it has none");
    let other = "no series of `level` has these labels: correct `where`, or wait";
    check(Metric::new("level").only("tank", "z").above(1.0), other);
    let statistic = |condition, wanted: &str| {
        let said = missing(condition).expect("it cannot be judged");
        assert!(said.ends_with(&format!("` has no such statistic: it needs {wanted}")), "{said}");
    };
    statistic(Metric::new("level").quantile(0.5).above(1.0), "a latency or distribution");
    statistic(Metric::new("jobs_total").mean().above(1.0), "a latency or distribution");
    statistic(Metric::new("level").rate().above(1.0), "a counter");
    statistic(Metric::new("work_seconds").rate().above(1.0), "a counter");
    let gauge = "a gauge; of a latency take a quantile or the mean";
    statistic(Metric::new("work_seconds").above(1.0), gauge);
    let said = missing(Findings::new("queue", "deep")).expect("there is no such monitor");
    assert!(said.starts_with("no monitor has the topic `queue`: there are "), "{said}");
}

#[test]
fn a_rule_that_can_be_judged_lacks_nothing() {
    for condition in [
        Metric::new("level").by(["tank"]).above(1.0),
        Metric::new("level").except("tank", "a").above(1.0),
        Metric::new("level").divided_by("level").above(1.0),
        Metric::new("jobs_total").rate().above(1.0),
        Metric::new("jobs_total").share("outcome", ["failed"], ["failed", "done"]).above(0.5),
        Metric::new("jobs_total").share_of_hourly_mean().below(0.1),
        Metric::new("work_seconds").quantile(0.5).above(1.0),
        Findings::any().into(),
    ] {
        assert_eq!(missing(condition.clone()), None, "{condition}");
    }
}

#[test]
fn a_metric_that_comes_later_is_judged_from_then_on() {
    let rule = Rule::new("R", Metric::new("jobs_total").rate().above(0.0)).lasting(SECOND);
    let mut house = House::new([rule]);
    let lacks_it = |house: &House| house.alerts.overview().rules[0].missing.is_some();
    assert!(!lacks_it(&house), "nothing was evaluated yet");
    house.seconds(3);
    assert!(lacks_it(&house));
    let jobs = house.registry().counter(&JOBS, &["done"]).expect("there is room");
    jobs.inc();
    house.seconds(2);
    assert!(!lacks_it(&house));
    assert_eq!(house.state(), Some(AlertState::Firing));
}
