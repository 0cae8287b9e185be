//! The wall clock is set while alerts are active: their states and waits do not care.

use std::time::Duration;

use node0_metrics_core::AlertCause::{Fired, Repeated, Resolved};
use node0_metrics_core::{Alert, AlertState, Timestamp};

use crate::house::{House, SECOND, high};

/// The wall time at which the clock of a house begins.
const START: u64 = 1_577_836_800_000;
const HOUR_BACK: u64 = START - 3_600_000;
const TEN_YEARS_AHEAD: u64 = START + 315_576_000_000;

/// Receivers refuse an alert that ends before it starts, and show one that starts in the future oddly.
fn check_times(alert: &Alert, house: &House) {
    let wall = house.clock.clock().wall();
    let start = alert.starts_at.expect("it fired");
    assert!(alert.active_at <= start && start <= wall, "{alert:?}");
    assert!(start <= alert.expires_at, "{alert:?}");
    assert!(alert.ends_at.is_none_or(|end| start <= end && end <= wall), "{alert:?}");
}

#[test]
fn a_firing_alert_goes_on_and_its_end_is_told_once() {
    for to in [HOUR_BACK, TEN_YEARS_AHEAD] {
        let mut house = House::new([high()]);
        house.at(11.0);
        house.seconds(5);
        house.news();
        house.clock.set_wall(Timestamp::from_millis(to));
        assert_eq!(house.seconds(60), [(55, Repeated)], "a minute after the first");
        assert_eq!(house.state(), Some(AlertState::Firing));
        check_times(&house.alert().expect("it is active"), &house);

        assert_eq!(house.at(1.0), [(Resolved, "a".into())]);
        house.clock.set_wall(Timestamp::from_millis(HOUR_BACK - 3_600_000));
        assert_eq!(house.seconds(61).len(), 1, "its end is repeated");
        let overview = house.alerts.overview();
        assert!(overview.active.is_empty());
        assert_eq!(overview.recent.len(), 1, "it ended once");
    }
}

#[test]
fn the_end_is_not_in_the_future_when_it_is_repeated() {
    let mut house = House::new([high()]);
    house.at(11.0);
    house.at(1.0);
    house.news();
    house.clock.set_wall(Timestamp::from_millis(HOUR_BACK));
    house.level.set(1.0);
    (0..61).for_each(|_| house.pass_unheard(SECOND));
    let news = house.news();
    let [(Repeated, alert)] = &news[..] else { panic!("one repetition: {news:?}") };
    check_times(alert, &house);
}

#[test]
fn a_pending_alert_waits_as_long_as_its_rule_says() {
    for to in [HOUR_BACK, TEN_YEARS_AHEAD] {
        let mut house = House::new([high().lasting(Duration::from_secs(30))]);
        assert!(house.at(11.0).is_empty());
        assert!(house.seconds(10).is_empty());
        house.clock.set_wall(Timestamp::from_millis(to));
        assert_eq!(house.seconds(30), [(20, Fired)]);
        check_times(&house.alert().expect("it is active"), &house);
    }
}
