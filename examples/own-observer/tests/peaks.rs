//! The peaks are those of the counters, also beside the history and after a panic of another guest.

use std::sync::Arc;
use std::time::Duration;

use node0::{Event, Monitoring, Observer, Sample};
use own_observer::{Busiest, Peak};

/// An observer that panics.
struct Broken;

impl Observer for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    fn observe(&mut self, _: &Arc<Sample>, _: u64) -> Vec<Event> {
        panic!("on purpose");
    }
}

#[test]
fn the_busiest_second_of_a_counter_is_remembered() {
    let mut testing = Monitoring::testing();
    let busiest = Busiest::default();
    testing.registry().observe(Broken).expect("no other has its name");
    testing.registry().observe(busiest.clone()).expect("no other has its name");
    let mut wanted = None;
    for count in [3, 8, 5, 8, 1] {
        testing.performance().record_throughput("jobs", count);
        testing.advance(Duration::from_secs(1));
        if count == 8 && wanted.is_none() {
            wanted = Some(Peak { count, at: testing.registry().latest().at });
        }
    }
    let peaks = busiest.peaks();
    assert_eq!(peaks.get("operations_total{\"operation\": \"jobs\"}"), wanted.as_ref());
}
