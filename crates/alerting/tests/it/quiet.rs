//! Silences, inhibition, and the cap on alerts.

use std::time::Duration;

use node0_alerting::{Alerts, Matcher, Metric, Rule};
use node0_metrics_core::AlertCause::{Fired, Repeated, Resolved};
use node0_metrics_core::HeldReason::{Inhibited, Silenced};

use crate::house::{House, LEVEL, high};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A rule that explains `HighLevel`.
fn burst() -> Rule {
    Rule::new("Burst", Metric::new("level").by(["tank"]).above(20.0))
}

#[test]
fn a_silenced_alert_is_announced_when_the_silence_ends() {
    let mut house = House::new([high()]);
    house.alerts.silence([Matcher::is("tank", "a")], seconds(10), "cleaning");
    assert_eq!(house.at(11.0), []);
    let held = &house.alert().expect("it fires").held_back[0];
    assert_eq!((held.reason, held.by.as_str()), (Silenced, "silence-1"));
    assert_eq!(house.seconds(10), [(9, Fired)]);
}

#[test]
fn a_silenced_alert_that_ends_is_never_told() {
    let mut house = House::new([high()]);
    house.alerts.silence([], seconds(600), "everything");
    house.at(11.0);
    assert_eq!(house.at(0.0), []);
    assert_eq!(house.alerts.overview().recent.len(), 1, "but it is shown");
}

#[test]
fn an_alert_that_was_announced_is_told_to_end_in_spite_of_a_silence() {
    let mut house = House::new([high()]);
    house.at(11.0);
    house.alerts.silence([Matcher::is("alertname", "HighLevel")], seconds(600), "");
    assert_eq!(house.seconds(60), [(60, Repeated)]);
    assert_eq!(house.at(0.0), [(Resolved, "a".to_owned())]);
}

#[test]
fn a_silence_matches_by_all_its_conditions() {
    let check = |matchers: Vec<Matcher>, is_silenced: bool| {
        let mut house = House::new([high().topic("tanks").label("team", "water")]);
        house.alerts.silence(matchers.clone(), seconds(60), "");
        assert_eq!(house.at(11.0).is_empty(), is_silenced, "{matchers:?}");
    };
    check(vec![Matcher::is("tank", "a")], true);
    check(vec![Matcher::is("tank", "b")], false);
    check(vec![Matcher::is_not("tank", "b")], true);
    check(vec![Matcher::is_not("tank", "a")], false);
    check(vec![Matcher::is("topic", "tanks"), Matcher::is("component", "a")], true);
    check(vec![Matcher::is("topic", "tanks"), Matcher::is("component", "b")], false);
    check(vec![Matcher::is("severity", "warning"), Matcher::is("team", "water")], true);
    check(vec![Matcher::is("region", "eu")], false);
    check(vec![Matcher::is_not("region", "eu")], true);
}

#[test]
fn a_silence_can_be_ended() {
    let mut house = House::new([high()]);
    let id = house.alerts.silence([], seconds(600), "");
    house.at(11.0);
    assert!(house.alerts.unsilence(&id));
    assert!(!house.alerts.unsilence(&id), "it is gone");
    assert_eq!(house.tick(), [(Fired, "a".to_owned())]);
}

#[test]
fn an_alert_is_not_announced_while_another_explains_it() {
    let mut house = House::new([high().inhibited_by("Burst"), burst()]);
    assert_eq!(house.at(21.0), [(Fired, "a".to_owned())], "only the cause");
    let active = &house.alerts.overview().active;
    let high = active.iter().find(|alert| alert.name == "HighLevel").expect("it fires");
    assert_eq!((high.held_back[0].reason, high.held_back[0].by.as_str()), (Inhibited, "Burst"));
    house.level.set(11.0);
    let told = house.seconds(30);
    assert_eq!(told, [(1, Resolved), (15, Fired)], "it lingers for fifteen seconds");
}

#[test]
fn an_alert_of_another_component_explains_nothing() {
    let mut house = House::new([high().inhibited_by("Burst"), burst()]);
    let other = house.registry().gauge(&LEVEL, &["b"]).expect("it is new");
    other.set(30.0);
    let news = house.at(11.0);
    assert!(news.contains(&(Fired, "a".to_owned())), "{news:?}");
}

#[test]
fn a_rule_has_a_maximum_of_alerts_and_the_rest_is_counted() {
    let mut house = House::with(Alerts::builder().rules([high()]).max_alerts_per_rule(3));
    let tanks: Vec<_> = (0..5)
        .map(|tank| house.registry().gauge(&LEVEL, &[&tank.to_string()]).expect("it is new"))
        .collect();
    tanks.iter().for_each(|tank| tank.set(11.0));
    assert_eq!(house.tick().len(), 3);
    assert_eq!(house.alerts.overview().rules[0].left_out, 2);
    // A place becomes free.
    tanks[0].set(0.0);
    assert_eq!(house.tick().len(), 1, "the end of the first");
    assert_eq!(house.tick(), [(Fired, "3".to_owned())]);
    assert_eq!(house.alerts.overview().rules[0].left_out, 1);
}
