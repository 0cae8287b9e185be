//! Rules that are replaced while alerts are active.

use std::time::Duration;

use node0_alerting::{Metric, Rule};
use node0_metrics_core::AlertCause::{Fired, Repeated, Resolved};
use node0_metrics_core::AlertState::Firing;

use crate::house::{House, high};

#[test]
fn alerts_of_a_rule_that_stays_go_on() {
    let mut house = House::new([high()]);
    house.at(15.0);
    let before = house.alert().expect("it fires");
    house.alerts.reload([high().threshold(12.0).summary("changed")]).expect("it is good");
    assert_eq!(house.tick(), []);
    let after = house.alert().expect("it fires");
    assert_eq!((after.starts_at, after.message.as_str()), (before.starts_at, "changed"));
}

#[test]
fn an_alert_that_is_announced_keeps_its_labels_until_it_begins_anew() {
    let mut house = House::new([high()]);
    house.at(15.0);
    let before = house.alert().expect("it fires");
    house.alerts.reload([high().label("team", "shop")]).expect("it is good");
    house.tick();
    assert_eq!(house.alert().expect("it fires").id, before.id, "receivers know it by its labels");
    house.at(5.0);
    let ended = &house.alerts.overview().recent[0];
    assert_eq!(ended.id, before.id, "so its end is told under the same ones");
    house.at(15.0);
    assert_eq!(house.alert().expect("it fires").labels.get("team"), Some("shop"));
}

#[test]
fn alerts_of_a_rule_that_is_gone_are_resolved_and_that_is_repeated() {
    for rules in [vec![], vec![high().disabled()]] {
        let mut house = House::new([high()]);
        house.at(15.0);
        house.alerts.reload(rules).expect("they are good");
        assert_eq!(house.seconds(61), [(1, Resolved), (61, Repeated)]);
        assert!(house.alerts.overview().active.is_empty());
    }
}

#[test]
fn a_rule_that_comes_back_begins_anew() {
    let mut house = House::new([high()]);
    house.at(15.0);
    house.alerts.reload([]).expect("no rule is a set of rules");
    house.tick();
    house.alerts.reload([high()]).expect("it is good");
    assert_eq!(house.tick(), [(Fired, "a".to_owned())]);
}

#[test]
fn a_mistake_keeps_the_rules_before() {
    let mut house = House::new([high()]);
    let wrong = Rule::new("", Metric::new("level").above(1.0));
    let error = house.alerts.reload([wrong]).expect_err("it has no name");
    assert_eq!(error.field, "name");
    house.at(15.0);
    assert_eq!(house.state(), Some(Firing));
    let labels = [("outcome", "refused")];
    assert_eq!(house.value("node0_alert_rule_reloads_total", &labels), Some(1.0));
}

#[test]
fn new_rules_are_shown_at_once() {
    let house = House::new([high()]);
    house.alerts.reload([high().lasting(Duration::from_secs(7))]).expect("it is good");
    assert_eq!(house.alerts.overview().rules[0].lasting, Duration::from_secs(7));
}
