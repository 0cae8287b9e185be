//! Custom metrics, and the time of a monitoring for tests.

use std::time::Duration;

use node0::{Kind, Monitoring};

#[test]
fn a_metric_that_is_registered_again_is_one_series_and_a_counter_adds_up() {
    let testing = Monitoring::testing();
    let labels = [("service", "api")];
    let register = || testing.register_metric("jobs", Kind::Counter, "Jobs.", 2.0, &labels);
    drop(register().unwrap());
    for _ in 0..3 {
        drop(register().unwrap());
    }
    assert_eq!(testing.value("jobs_total", &labels), Some(8.0));
}

#[test]
fn a_tick_ends_once_its_time_has_passed_in_several_steps() {
    let mut testing = Monitoring::testing();
    let ticks = |testing: &node0::Testing| testing.registry().latest().tick;
    let half = Duration::from_millis(500);
    testing.advance(half);
    assert_eq!(ticks(&testing), 0);
    testing.advance(half);
    assert_eq!(ticks(&testing), 1);
    testing.clock().advance(half);
    testing.advance(Duration::from_secs(2));
    assert_eq!(ticks(&testing), 3, "two and a half seconds later");
}
