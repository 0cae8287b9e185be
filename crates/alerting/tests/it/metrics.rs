//! The metrics about alerts.

use node0_metrics_core::Desc;

use crate::house::{House, LEVEL, high};

#[test]
fn active_alerts_are_counted_by_name_state_and_severity() {
    let mut house = House::new([high().lasting(std::time::Duration::from_secs(1))]);
    let alerts = |house: &House, state: &str| {
        let labels = [("alertname", "HighLevel"), ("state", state), ("severity", "warning")];
        house.value("node0_alerts", &labels)
    };
    house.at(11.0);
    assert_eq!((alerts(&house, "pending"), alerts(&house, "firing")), (Some(1.0), None));
    house.tick();
    assert_eq!((alerts(&house, "pending"), alerts(&house, "firing")), (Some(0.0), Some(1.0)));
    house.at(0.0);
    assert_eq!((alerts(&house, "pending"), alerts(&house, "firing")), (Some(0.0), Some(0.0)));
}

#[test]
fn news_are_counted_by_cause() {
    let mut house = House::new([high()]);
    house.at(11.0);
    house.seconds(60);
    house.at(0.0);
    for cause in ["fired", "repeated", "resolved"] {
        let value = house.value("node0_alert_news_total", &[("cause", cause)]);
        assert_eq!(value, Some(1.0), "{cause}");
    }
}

#[test]
fn alerts_beyond_the_maximum_are_counted() {
    let one = node0_alerting::Alerts::builder().rules([high()]).max_alerts_per_rule(1);
    let mut house = House::with(one);
    let other = house.registry().gauge(&LEVEL, &["b"]).expect("it is new");
    other.set(11.0);
    house.at(11.0);
    let value = house.value("node0_alerts_left_out", &[("alertname", "HighLevel")]);
    assert_eq!(value, Some(1.0));
}

#[test]
fn every_metric_is_described() {
    let names: Vec<_> = node0_alerting::DESCS.iter().map(|desc: &&Desc| desc.name()).collect();
    assert_eq!(names.len(), 4);
    assert!(names.iter().all(|name| name.starts_with("node0_alert")));
}
