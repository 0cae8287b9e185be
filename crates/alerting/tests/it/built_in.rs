//! The rules that come with node0.

use std::time::Duration;

use node0_alerting::{Alerts, Condition, built_in};
use node0_metrics_core::Registry;

const PAGE: &str = include_str!("../../../../docs/alerts.md");

#[test]
fn the_rules_can_work_together() {
    let registry = Registry::new();
    let alerts = Alerts::builder().register(&registry).expect("they are good");
    assert_eq!(alerts.overview().rules.len(), built_in().len());
}

#[test]
fn each_rule_says_what_is_wrong_what_it_means_and_what_to_do() {
    for rule in built_in() {
        let texts = [&rule.summary, &rule.description, &rule.remedy, &rule.runbook];
        assert!(texts.iter().all(|text| !text.is_empty()), "{}", rule.name);
        assert!(rule.lasting >= Duration::from_secs(60), "{} wakes people early", rule.name);
        assert_ne!(rule.group, "custom_alerts", "{}", rule.name);
    }
}

#[test]
fn each_rule_has_a_page_at_its_address() {
    for rule in built_in() {
        let page = format!("docs/runbooks/{}.md", rule.name);
        assert!(rule.runbook.ends_with(&page), "{}", rule.runbook);
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../");
        let text = std::fs::read_to_string(format!("{path}{page}")).expect("the page is there");
        assert!(text.starts_with(&format!("# {}\n", rule.name)), "{page}");
        assert!(PAGE.contains(&format!("(runbooks/{}.md)", rule.name)), "{page} is not listed");
    }
}

#[test]
fn thresholds_are_those_that_were_asked_for() {
    let check = |name: &str, expected: f64| {
        let rule = built_in().into_iter().find(|rule| rule.name == name).expect("it is there");
        let Condition::Metric(condition) = rule.condition else { panic!("{name} has none") };
        assert_eq!(condition.threshold, expected, "{name}");
    };
    check("HighP95Latency", 1.0);
    check("LowCacheHitRate", 0.7);
    check("PoolWaitQueue", 5.0);
    check("CircuitOpen", 1.0);
    check("CircuitFailureRate", 0.5);
    check("ThroughputCollapsed", 0.1);
}
