//! The budget of memory, in a process of its own because it is the process's.

#[path = "support/service.rs"]
mod service;

use node0_metrics_core::THINNED_SERIES;

use crate::service::{Service, THREADS, gauge};

#[test]
fn five_thousand_latencies_of_all_octaves_keep_to_the_budget_and_give_back_when_idle() {
    const LATENCIES: usize = 5000;
    const BUDGET: usize = 64 << 20;
    let mut service = Service::new(LATENCIES, |builder| builder.recording_bytes(BUDGET));
    (0..6).for_each(|second| drop(service.second(second, 200)));
    let busy = service.bytes();
    assert!(busy <= BUDGET as f64, "{busy} bytes");
    assert!(gauge(&service.tick(), &THINNED_SERIES) > 0.0, "a metric tells what it cost");
    let records = LATENCIES as u64 * THREADS * 6 * 200;
    assert_eq!(service.records(), records);

    service.idle();
    let idle = service.bytes();
    // The blocks of the threads, and exact totals.
    assert!(idle <= 0.9 * busy && idle <= 10e3 * LATENCIES as f64, "{idle} bytes of {busy}");
    assert_eq!(service.records(), records);
    service.second(7, 1);
    assert_eq!(service.records(), records + LATENCIES as u64 * THREADS);
}
