//! Recording by name allocates nothing once a thread has recorded under that name.
//!
//! The allocator of this process counts for each thread by itself, so it is a process of
//! its own, and what the sampling thread allocates is not mistaken for the recording one's.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use allocation_counter::measure;
use node0_metrics_core::Registry;
use node0_performance_monitor::PerformanceMonitor;

/// Calls in one measurement.
const CALLS: u64 = 1000;

fn record(performance: &PerformanceMonitor, i: u64) {
    performance.record_latency("api:request", Duration::from_micros(i));
    performance.record_throughput("api:request", i);
    performance.record_cache_hit("L1");
    performance.record_cache_miss("L1");
}

fn allocations(performance: &PerformanceMonitor) -> u64 {
    measure(|| (0..CALLS).for_each(|i| record(performance, i))).count_total
}

#[test]
fn second_record_on_a_thread_and_all_after_it_allocate_nothing() {
    let registry = Registry::new();
    let performance = PerformanceMonitor::register(&registry).expect("the topic is free");
    assert_ne!(allocations(&performance), 0, "the counter counts");
    let (is_done, passes) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                registry.read();
                passes.fetch_add(1, Ordering::Relaxed);
            }
        });
        let mut made = 0;
        // Until whole passes have run beside it.
        while passes.load(Ordering::Relaxed) < 10 {
            made += allocations(&performance);
        }
        is_done.store(true, Ordering::Relaxed);
        assert_eq!(made, 0);
    });
}

#[test]
fn disabled_monitor_never_allocates() {
    assert_eq!(allocations(&PerformanceMonitor::disabled()), 0);
}
