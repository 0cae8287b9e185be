//! The memory of busy and idle latencies, in a process of its own because a metric counts the
//! process's.

#[path = "support/service.rs"]
mod service;

use crate::service::{Service, THREADS};

#[test]
fn two_hundred_latencies_of_all_octaves_take_less_than_the_budget_of_sixteen_megabytes() {
    let mut service = Service::new(200, |builder| builder);
    (0..20).for_each(|second| drop(service.second(second, 200)));
    let busy = service.bytes();
    assert!(busy <= 14e6, "{busy} bytes");
    let records = 200 * THREADS * 20 * 200;
    assert_eq!(service.records(), records);

    service.idle();
    let idle = service.bytes();
    // Of which 7 MB are the blocks of the threads.
    assert!(idle <= 10.5e6, "{idle} bytes");
    assert_eq!(service.records(), records);
}
