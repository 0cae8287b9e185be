//! Each statistic of a metric, with its threshold on both sides.

use std::time::Duration;

use node0_alerting::{Condition, Metric, Rule};
use node0_metrics_core::AlertState::Firing;
use node0_metrics_core::{Desc, Unit};

use crate::house::House;

const CALLS: Desc = Desc::counter("calls_total", "Calls.").labels(&["shop", "outcome"]);
const TIMES: Desc = Desc::latency("call_duration_seconds", "Time.").labels(&["shop"]);
const USED: Desc = Desc::gauge("used_bytes", "Used.").unit(Unit::Bytes).labels(&["shop"]);
const LIMIT: Desc = Desc::gauge("limit_bytes", "Limit.").labels(&["shop"]);

fn house(condition: Condition) -> House {
    House::new([Rule::new("R", condition).summary("{value} {threshold}")])
}

/// Returns the message of the only alert, if one fires.
fn message(house: &House) -> Option<String> {
    let alert = house.alert()?;
    assert_eq!(alert.state, Firing);
    Some(alert.message.clone())
}

#[test]
fn a_gauge_is_added_up_by_the_labels_that_are_named() {
    let sum = Metric::new("used_bytes").above(100.0);
    let mut house = house(sum);
    let used = ["a", "b"].map(|shop| house.registry().gauge(&USED, &[shop]).expect("new"));
    used.iter().for_each(|used| used.set(50.0));
    house.tick();
    assert_eq!(message(&house), None);
    used[0].set(51.0);
    house.tick();
    assert_eq!(message(&house).as_deref(), Some("101 bytes 100 bytes"));
    assert_eq!(house.alert().expect("it fires").component, "custom");
}

#[test]
fn only_series_that_match_count() {
    let of_a = Metric::new("used_bytes").only("shop", "a").by(["shop"]).above(1.0);
    let mut house = house(of_a);
    let used = ["a", "b"].map(|shop| house.registry().gauge(&USED, &[shop]).expect("new"));
    used[1].set(2.0);
    house.tick();
    assert_eq!(message(&house), None);
    used[0].set(2.0);
    house.tick();
    assert_eq!(house.alert().expect("it fires").component, "a");
}

#[test]
fn a_rate_is_per_second_over_ten_ticks() {
    let mut house = house(Metric::new("calls_total").rate().above(5.0));
    let calls = house.registry().counter(&CALLS, &["a", "ok"]).expect("new");
    for _ in 0..10 {
        calls.add(5);
        house.tick();
    }
    assert_eq!(message(&house), None);
    calls.add(6);
    house.tick();
    assert_eq!(message(&house).as_deref(), Some("5.1 5"));
}

#[test]
fn a_quantile_needs_enough_samples_and_is_in_seconds() {
    let p95 = Metric::new("call_duration_seconds").by(["shop"]).quantile(0.95).min_data(20.0);
    let mut house = house(p95.above(1.0));
    let times = house.registry().latency(&TIMES, &["a"]).expect("new");
    (0..19).for_each(|_| times.record(Duration::from_secs(2)));
    house.tick();
    assert_eq!(message(&house), None);
    times.record(Duration::from_secs(2));
    house.tick();
    let alert = house.alert().expect("it fires");
    assert!((alert.value - 2.0).abs() < 0.05, "{}", alert.value);
    assert_eq!((alert.unit, alert.threshold), (Unit::Seconds, 1.0));
}

#[test]
fn a_mean_and_a_quantile_merge_series() {
    let mut house = house(Metric::new("call_duration_seconds").mean().above(1.0));
    let times = ["a", "b"].map(|shop| house.registry().latency(&TIMES, &[shop]).expect("new"));
    times[0].record(Duration::from_millis(100));
    times[1].record(Duration::from_millis(2100));
    house.tick();
    assert!(message(&house).is_some(), "the mean of both is 1.1 s");
    times[0].record(Duration::from_millis(100));
    house.tick();
    assert_eq!(message(&house), None, "the mean of three is 0.8 s");
}

#[test]
fn a_share_needs_enough_increments() {
    let failed = Metric::new("calls_total")
        .by(["shop"])
        .share("outcome", ["failed"], ["failed", "ok"])
        .min_data(10.0);
    let mut house = house(failed.above(0.5));
    let [failed, ok, odd] = ["failed", "ok", "odd"]
        .map(|outcome| house.registry().counter(&CALLS, &["a", outcome]).expect("new"));
    failed.add(9);
    odd.add(100);
    house.tick();
    assert_eq!(message(&house), None, "nine calls are too few");
    ok.add(1);
    house.tick();
    assert_eq!(message(&house).as_deref(), Some("90 % 50 %"));
    ok.add(8);
    house.tick();
    assert_eq!(message(&house), None, "half is not more than half");
    // The ten ticks of the window pass without calls: that is no problem, and no missing data.
    failed.add(50);
    house.tick();
    assert!(message(&house).is_some());
    house.seconds(11);
    assert_eq!(message(&house), None);
}

#[test]
fn a_gauge_is_divided_by_that_of_the_same_labels() {
    let share = Metric::new("used_bytes").by(["shop"]).divided_by("limit_bytes");
    let mut house = house(share.above(0.9));
    let used = house.registry().gauge(&USED, &["a"]).expect("new");
    let limit = house.registry().gauge(&LIMIT, &["a"]).expect("new");
    used.set(91.0);
    house.tick();
    assert_eq!(message(&house), None, "a limit of zero is no limit");
    limit.set(100.0);
    house.tick();
    assert_eq!(message(&house).as_deref(), Some("91 % 90 %"));
    limit.set(f64::NAN);
    house.tick();
    assert!(message(&house).is_some(), "a limit that cannot be read resolves nothing");
}

#[test]
fn traffic_is_compared_with_that_of_the_hour() {
    let share = Metric::new("calls_total").by(["shop"]).share_of_hourly_mean().min_data(1.0);
    let mut house = house(share.below(0.1));
    let calls = house.registry().counter(&CALLS, &["a", "ok"]).expect("new");
    for second in 0..600 {
        calls.add(if second < 300 { 10 } else { 0 });
        house.tick();
        assert_eq!(message(&house), None, "ten minutes say nothing: {second}");
    }
    house.tick();
    assert_eq!(message(&house).as_deref(), Some("0 % 10 %"));
    (0..10).for_each(|_| {
        calls.add(10);
        house.tick();
    });
    assert_eq!(message(&house), None);
}

#[test]
fn a_tenth_of_the_hours_traffic_is_the_limit() {
    let check = |ten_seconds: [u64; 10], fires: bool| {
        let share = Metric::new("calls_total").by(["shop"]).share_of_hourly_mean().min_data(1.0);
        let mut house = house(share.below(0.1));
        let calls = house.registry().counter(&CALLS, &["a", "ok"]).expect("new");
        for _ in 0..1200 {
            calls.add(10);
            house.tick();
        }
        for count in ten_seconds {
            calls.add(count);
            house.tick();
        }
        assert_eq!(message(&house).is_some(), fires, "{ten_seconds:?}");
    };
    check([2, 1, 1, 1, 1, 1, 1, 1, 1, 1], false);
    check([0, 1, 1, 1, 1, 1, 1, 1, 1, 1], true);
}

#[test]
fn little_traffic_cannot_collapse() {
    let share = Metric::new("calls_total").by(["shop"]).share_of_hourly_mean().min_data(1.0);
    let mut house = house(share.below(0.1));
    let calls = house.registry().counter(&CALLS, &["a", "ok"]).expect("new");
    for second in 0..3600 {
        calls.add(u64::from(second % 2 == 0 && second < 3000));
        house.tick();
        assert_eq!(message(&house), None, "second {second}");
    }
}
