//! Missing data, stopped processes and alerts that come and go.

use std::time::Duration;

use node0_alerting::{Alerts, Metric, Rule};
use node0_metrics_core::AlertCause::{Fired, Resolved};
use node0_metrics_core::AlertState::{Firing, Pending};
use node0_metrics_core::HeldReason::{Flapping, KeptFiring, NoData};
use node0_metrics_core::{Desc, HeldReason};

use crate::house::{House, high};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn reasons(house: &House) -> Vec<HeldReason> {
    let alert = house.alert().expect("it is active");
    alert.held_back.iter().map(|held| held.reason).collect()
}

#[test]
fn a_gauge_that_cannot_be_read_resolves_nothing() {
    let mut house = House::new([high()]);
    house.at(11.0);
    house.level.set(f64::NAN);
    house.news();
    let told: Vec<_> = house.seconds(299).into_iter().map(|(_, cause)| cause).collect();
    assert!(!told.contains(&Resolved), "{told:?}");
    assert_eq!((house.state(), reasons(&house)), (Some(Firing), vec![NoData]));
    house.level.set(11.0);
    house.tick();
    assert_eq!(reasons(&house), []);
}

#[test]
fn an_alert_whose_data_stay_missing_ends_after_five_minutes() {
    let mut house = House::new([high()]);
    house.at(11.0);
    house.level.set(f64::NAN);
    let told = house.seconds(400);
    let end = told.iter().find(|(_, cause)| *cause == Resolved);
    assert_eq!(end, Some(&(301, Resolved)));
}

#[test]
fn a_series_that_is_gone_resolves_nothing_either() {
    let mut house = House::new([high()]);
    house.at(11.0);
    house.level = node0_metrics_core::Gauge::disabled();
    let told = house.seconds(100);
    assert!(told.iter().all(|(_, cause)| *cause != Resolved), "{told:?}");
}

#[test]
fn a_pending_alert_fires_on_data_only() {
    let mut house = House::new([high().lasting(seconds(3))]);
    house.at(11.0);
    house.level.set(f64::NAN);
    assert_eq!(house.seconds(60), []);
    assert_eq!(house.state(), Some(Pending));
    assert_eq!(house.at(11.0), [(Fired, "a".to_owned())]);
}

#[test]
fn time_in_which_the_process_was_stopped_does_not_count() {
    let mut house = House::new([high().lasting(seconds(60))]);
    house.at(11.0);
    assert_eq!(house.pass(seconds(600)), []);
    assert_eq!(house.seconds(30), []);
    assert_eq!(house.state(), Some(Pending));
    let fired = house.seconds(60);
    assert_eq!(fired, [(29, Fired)], "a minute of watched time, of which the gap is a second");
}

#[test]
fn rates_that_contain_a_gap_are_not_judged() {
    const JOBS: Desc = Desc::counter("jobs_total", "Jobs.");
    let idle = Rule::new("TooFew", Metric::new("jobs_total").rate().below(5.0));
    let mut house = House::new([idle]);
    let jobs = house.registry().counter(&JOBS, &[]).expect("it is new");
    for _ in 0..20 {
        jobs.add(10);
        house.tick();
    }
    house.news();
    assert_eq!(house.pass(seconds(600)), []);
    for _ in 0..20 {
        jobs.add(10);
        assert_eq!(house.tick(), [], "the process works as before");
    }
}

#[test]
fn a_latency_whose_window_contains_a_gap_is_not_judged() {
    const LAG: Desc = Desc::latency("lag_seconds", "Lag.");
    let slow = Rule::new("Slow", Metric::new("lag_seconds").quantile(0.5).above(1.0));
    let mut house = House::new([slow]);
    let lag = house.registry().latency(&LAG, &[]).expect("it is new");
    lag.record(seconds(30));
    assert_eq!(house.pass(seconds(30)), []);
    assert_eq!(house.seconds(200), [], "the window reaches back to the gap");
    // A busy series has a short window, without the gap.
    (0..1000).for_each(|_| lag.record(seconds(2)));
    assert_eq!(house.tick(), [(Fired, "custom".to_owned())]);
}

#[test]
fn a_missed_evaluation_does_not_count_for_the_time_of_a_rule() {
    let mut house = House::new([high().lasting(seconds(10))]);
    house.at(11.0);
    // Ticks that the alerts did not see: the registry ticked for somebody else.
    house.pass(seconds(3));
    assert_eq!(house.state(), Some(Pending));
}

#[test]
fn the_end_of_a_flapping_alert_is_delayed_for_longer_each_time() {
    let mut house = House::new([high().lasting(seconds(10))]);
    let mut delays = Vec::new();
    for _ in 0..5 {
        house.level.set(11.0);
        assert_eq!(house.seconds(11), [(11, Fired)]);
        house.level.set(0.0);
        let told = house.seconds(200);
        let end = told.iter().find(|(_, cause)| *cause == Resolved).expect("it ends");
        delays.push(end.0 - 1);
    }
    assert_eq!(delays, [0, 10, 20, 40, 80]);
}

#[test]
fn the_delay_of_a_flapping_alert_is_an_hour_at_most() {
    let mut house = House::new([high().lasting(seconds(600))]);
    for _ in 0..6 {
        house.level.set(11.0);
        house.seconds(601);
        house.level.set(0.0);
        house.seconds(3601);
        // It may have been resolved up to an hour before.
    }
    house.level.set(11.0);
    house.seconds(601);
    house.level.set(0.0);
    let told = house.seconds(4000);
    let end = told.iter().find(|(_, cause)| *cause == Resolved).expect("it ends");
    assert!(end.0 <= 3601, "{end:?}");
}

#[test]
fn what_is_held_back_is_shown_with_its_reason() {
    let mut house = House::new([high().keep_firing_for(seconds(5))]);
    house.at(11.0);
    house.at(0.0);
    assert_eq!(reasons(&house), [KeptFiring]);
    house.seconds(10);
    house.at(11.0);
    house.at(0.0);
    assert_eq!(reasons(&house), [Flapping]);
    let alert = house.alert().expect("it is active");
    let left = alert.held_back[0].until.map(|until| until.as_millis());
    assert_eq!(left, Some(house.clock.clock().wall().as_millis() + 5000));
}

#[test]
fn an_alert_that_was_quiet_for_an_hour_does_not_flap() {
    let mut house = House::new([high()]);
    house.at(11.0);
    house.at(0.0);
    house.seconds(3600);
    house.at(11.0);
    assert_eq!(house.at(0.0), [(Resolved, "a".to_owned())]);
}

#[test]
fn a_steady_alert_is_told_once_in_ten_minutes_of_noise_below_its_time() {
    let alerts = Alerts::builder().rules([high().keep_firing_for(seconds(5))]);
    let mut house = House::with(alerts);
    let mut told = Vec::new();
    for second in 0..600 {
        // Every fourth reading is below the threshold.
        told.extend(house.at(if second % 4 == 3 { 9.0 } else { 12.0 }));
    }
    told.retain(|(cause, _)| *cause != node0_metrics_core::AlertCause::Repeated);
    assert_eq!(told, [(Fired, "a".to_owned())]);
}
