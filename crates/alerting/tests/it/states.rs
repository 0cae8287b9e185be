//! The states of an alert over time, as the Alert Generator Compliance Specification has them.

use std::time::Duration;

use node0_metrics_core::AlertCause::{Fired, Repeated, Resolved};
use node0_metrics_core::AlertState::{Firing, Pending};

use crate::house::{House, SECOND, high};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn an_alert_is_pending_for_its_time_and_then_fires() {
    let mut house = House::new([high().lasting(seconds(3))]);
    house.level.set(11.0);
    for second in 0..3 {
        assert!(house.tick().is_empty(), "second {second}");
        assert_eq!(house.state(), Some(Pending), "second {second}");
    }
    assert_eq!(house.tick(), [(Fired, "a".to_owned())]);
    let alert = house.alert().expect("it fires");
    assert_eq!(alert.message, "tank a is at 11, above 10");
    assert_eq!(alert.starts_at.map(|at| at.as_millis() - alert.active_at.as_millis()), Some(3000));
}

#[test]
fn without_a_time_it_fires_at_once() {
    let mut house = House::new([high()]);
    assert_eq!(house.at(11.0), [(Fired, "a".to_owned())]);
    assert_eq!(house.state(), Some(Firing));
}

#[test]
fn a_time_under_the_interval_fires_at_the_next_evaluation() {
    let mut house = House::new([high().lasting(Duration::from_millis(100))]);
    assert!(house.at(11.0).is_empty());
    assert_eq!(house.state(), Some(Pending));
    assert_eq!(house.tick(), [(Fired, "a".to_owned())]);
}

#[test]
fn ticks_that_come_a_little_late_or_early_do_not_make_an_alert_wait_for_longer() {
    let mut house = House::new([high().lasting(seconds(2)).keep_firing_for(seconds(2))]);
    let mut at = |level: f64, millis| {
        house.level.set(level);
        house.pass(Duration::from_millis(millis))
    };
    assert!(at(0.0, 1000).is_empty());
    // The first is late, and the next ones are not.
    assert!(at(11.0, 1080).is_empty() && at(11.0, 960).is_empty());
    assert_eq!(at(11.0, 965), [(Fired, "a".to_owned())]);
    assert!(at(0.0, 1090).is_empty() && at(0.0, 910).is_empty());
    assert_eq!(at(0.0, 1000), [(Resolved, "a".to_owned())]);
}

#[test]
fn a_pending_alert_that_ends_is_never_told() {
    let mut house = House::new([high().lasting(seconds(3))]);
    for level in [11.0, 11.0, 9.0, 11.0, 11.0, 9.0] {
        assert!(house.at(level).is_empty());
    }
    assert_eq!(house.state(), None);
    assert!(house.alerts.overview().recent.is_empty());
}

#[test]
fn a_firing_alert_is_repeated_each_minute_and_its_end_for_fifteen() {
    let mut house = House::new([high()]);
    house.at(11.0);
    assert_eq!(house.seconds(150), [(60, Repeated), (120, Repeated)]);
    house.level.set(0.0);
    let told = house.seconds(30 * 60);
    assert_eq!(told[0], (1, Resolved));
    let repeated: Vec<_> = (1..15).map(|minute| (1 + 60 * minute, Repeated)).collect();
    assert_eq!(told[1..], repeated);
    let recent = &house.alerts.overview().recent[0];
    assert_eq!(recent.expires_at, recent.ends_at.expect("it ended"));
}

#[test]
fn an_active_alert_expires_four_intervals_ahead() {
    let mut house = House::new([high()]);
    house.at(11.0);
    let alert = house.alert().expect("it fires");
    let now = house.clock.clock().wall().as_millis();
    assert_eq!((alert.expires_at.as_millis(), alert.ends_at), (now + 240_000, None));
}

#[test]
fn an_alert_that_fires_again_begins_anew() {
    let mut house = House::new([high().lasting(seconds(1))]);
    house.at(11.0);
    house.at(11.0);
    let first = house.alert().expect("it fires");
    house.at(0.0);
    assert!(house.at(11.0).is_empty());
    let second = house.alert().expect("it is pending");
    assert_eq!((second.state, second.id.as_str()), (Pending, first.id.as_str()));
    assert!(second.active_at > first.active_at);
    assert_eq!(house.tick(), [(Fired, "a".to_owned())]);
}

#[test]
fn it_is_kept_firing_for_the_time_of_the_rule() {
    let mut house = House::new([high().keep_firing_for(seconds(3))]);
    house.at(11.0);
    house.level.set(0.0);
    assert_eq!(house.seconds(10), [(4, Resolved)]);
}

#[test]
fn a_value_must_come_back_to_where_it_clears() {
    let mut house = House::new([high().clears_at(5.0)]);
    assert!(house.at(7.0).is_empty(), "between the two, nothing fires");
    house.at(11.0);
    assert!(house.at(7.0).is_empty(), "nor is it resolved");
    assert_eq!(house.at(5.0), [(Resolved, "a".to_owned())]);
}

#[test]
fn evaluations_are_an_interval_apart_whatever_the_tick() {
    let mut house = House::new([high().lasting(seconds(1))]);
    house.level.set(11.0);
    let tenth = SECOND / 10;
    let told: Vec<_> = (0..30).filter(|_| !house.pass(tenth).is_empty()).collect();
    assert_eq!(told, [10], "not before the second evaluation, a second after the first");
}
