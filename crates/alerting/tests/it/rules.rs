//! Rules that cannot work are refused, with the field and the remedy.

use std::time::Duration;

use node0_alerting::{Alerts, Findings, Metric, Rule};
use node0_metrics_core::Registry;

use crate::house::high;

#[track_caller]
fn check(rule: Rule, field: &str, problem: &str) {
    let error = rule.check().expect_err("the rule cannot work");
    assert_eq!(error.field, field, "{error}");
    assert!(error.problem.contains(problem), "{error}");
}

#[test]
fn each_field_that_cannot_work_is_named_with_a_remedy() {
    let level = || Metric::new("level");
    let week = Duration::from_secs(7 * 24 * 3600);
    check(Rule::new("", level().above(1.0)), "name", "must begin with a letter");
    check(Rule::new("1st", level().above(1.0)), "name", "must begin with a letter");
    check(Rule::new("a b", level().above(1.0)), "name", "letters, digits and `_` only");
    check(Rule::new("a".repeat(65), level().above(1.0)), "name", "shorten it");
    check(high().lasting(week + Duration::from_secs(1)), "for", "use a shorter time");
    check(high().keep_firing_for(Duration::MAX), "keep_firing_for", "use a shorter time");
    check(high().inhibited_by("HighLevel"), "inhibited_by", "name another rule");
    check(Rule::new("R", Metric::new("").above(1.0)), "metric", "name a metric");
    for name in ["queue length", "1st", "queue-length", "l\u{e9}vel", "a{b=\"c\"}", "rate(a[1m])"] {
        let problem = "which is no name of a metric: begin with a letter or `_`, and use letters";
        check(Rule::new("R", Metric::new(name).above(1.0)), "metric", problem);
        check(Rule::new("R", level().divided_by(name).above(1.0)), "divided_by", problem);
        let problem = "which is no key of a label: begin with a letter or `_`, and use letters";
        check(Rule::new("R", level().by(["tank", name]).above(1.0)), "by", problem);
        check(Rule::new("R", level().only(name, "a").above(1.0)), "where", problem);
        check(Rule::new("R", level().except(name, "a").above(1.0)), "where_not", problem);
        let share = level().share(name, ["a"], ["a"]).above(1.0);
        check(Rule::new("R", share), "share", problem);
    }
    check(Rule::new("R", level().divided_by("").above(1.0)), "divided_by", "no name of a metric");
    check(Rule::new("R", level().by([""]).above(1.0)), "by", "no key of a label");
    check(Rule::new("R", level().above(f64::NAN)), "threshold", "write one");
    check(Rule::new("R", level().above(f64::INFINITY)), "threshold", "write one");
    check(Rule::new("R", level().min_data(-1.0).above(1.0)), "min_data", "write one");
    check(high().clears_at(11.0), "clears_at", "choose a value on the other side");
    check(Rule::new("R", level().quantile(1.5).above(1.0)), "quantile", "from 0 to 1");
    let none: [&str; 0] = [];
    check(Rule::new("R", level().share("a", none, none).above(1.0)), "share", "has no values");
    let odd = level().share("a", ["x"], ["y"]).above(1.0);
    check(Rule::new("R", odd), "share", "has `x` in the part, but not in the whole");
    check(high().label("my team", "water"), "labels", "begin with a letter");
    check(high().label("", "water"), "labels", "begin with a letter");
    check(high().label("1st", "water"), "labels", "begin with a letter");
    check(high().summary("{nothing}"), "summary", "use one of {value}");
    check(high().description("{"), "description", "close it");
    check(high().remedy("{code}"), "remedy", "no alert has");
    check(high().runbook("{code}"), "runbook", "no alert has");
    assert_eq!(Rule::new("R", Findings::any()).summary("{code} {advice}").check(), Ok(()));
    assert_eq!(high().label("team", "water").summary("{team}").check(), Ok(()));
}

#[test]
fn rules_are_checked_together() {
    let register = |builder: node0_alerting::AlertingBuilder| {
        let error = builder.register(&Registry::new()).expect_err("they cannot work");
        error.to_string()
    };
    let twice = register(Alerts::builder().rules([high(), high()]));
    assert_eq!(twice, "rule `HighLevel`: `name` is the name of two rules: rename one");
    let unknown = register(Alerts::builder().rules([high().inhibited_by("Flood")]));
    assert!(unknown.contains("names `Flood`, which is no rule: HighLevel"), "{unknown}");
    let edited = register(Alerts::builder().edit("HighLatency", |rule| rule));
    assert!(edited.starts_with("rule `HighLatency`: `name` is no rule: name one of"), "{edited}");
    assert!(edited.contains("HighP95Latency"), "{edited}");
    let label = register(Alerts::builder().label("my-service", "shop"));
    assert!(
        label.starts_with("the alerts' label has the key `my-service`, which is no"),
        "{label}"
    );
}

#[test]
fn a_registry_has_alerts_once() {
    let registry = Registry::new();
    let first = Alerts::builder().register(&registry);
    assert!(first.is_ok());
    let second = Alerts::builder().register(&registry).expect_err("there are alerts already");
    assert_eq!(second.to_string(), "the alerts cannot be registered");
}

#[test]
fn a_rule_with_the_name_of_another_replaces_it() {
    let registry = Registry::new();
    let alerts = Alerts::builder().rule(high()).rule(high().threshold(5.0)).register(&registry);
    let overview = alerts.expect("they are good").overview();
    let found: Vec<_> = overview.rules.iter().filter(|one| one.rule.name == "HighLevel").collect();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].rule.condition.to_string(), "sum by (tank) (level) > 5");
}
