//! The levels of a tier: set, polled, unknown.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use node0_cache_monitor::Levels;

use crate::bench::{Bench, number};

const L1: [(&str, &str); 2] = [("cache", "demo"), ("tier", "L1")];

/// A cache whose closure holds it weakly, and the number of its entries.
fn shelf(entries: u64) -> (Arc<AtomicU64>, impl Fn() -> Option<Levels>) {
    let shelf = Arc::new(AtomicU64::new(entries));
    let weak = Arc::downgrade(&shelf);
    let levels = move || {
        let entries = Some(weak.upgrade()?.load(Ordering::Relaxed));
        Some(Levels { entries, max_bytes: Some(1 << 20), ..Levels::default() })
    };
    (shelf, levels)
}

#[test]
fn closure_is_asked_once_a_tick_and_not_by_readers() {
    let (mut bench, tier) = Bench::with_tier();
    let (shelf, levels) = shelf(3);
    tier.poll(levels);
    let sample = bench.tick();
    assert_eq!(number(&sample, "cache_entries", &L1), Some(3.0));
    assert_eq!(number(&sample, "cache_max_bytes", &L1), Some(1048576.0));
    assert_eq!(number(&sample, "cache_bytes", &L1), None);
    shelf.store(5, Ordering::Relaxed);
    assert_eq!(number(&bench.registry.read(), "cache_entries", &L1), Some(3.0));
    assert_eq!(number(&bench.tick(), "cache_entries", &L1), Some(5.0));
}

#[test]
fn levels_of_a_cache_that_is_gone_are_unknown() {
    let (mut bench, tier) = Bench::with_tier();
    let (shelf, levels) = shelf(3);
    tier.poll(levels);
    bench.tick();
    drop(shelf);
    let sample = bench.tick();
    assert!(number(&sample, "cache_entries", &L1).unwrap().is_nan());
    assert_eq!(bench.metrics("L1").levels.entries, None);
    // Set by hand from now on: no poll clears it.
    tier.set_levels(Levels { entries: Some(8), ..Levels::default() });
    bench.tick();
    assert_eq!(bench.metrics("L1").levels.entries, Some(8));
}

#[test]
fn later_closure_takes_the_place_of_the_first() {
    let (mut bench, tier) = Bench::with_tier();
    let (_first, levels) = shelf(3);
    tier.poll(levels);
    let (_second, levels) = shelf(4);
    tier.poll(levels);
    bench.tick();
    assert_eq!(bench.metrics("L1").levels.entries, Some(4));
}

#[test]
fn closure_may_ask_the_monitor_while_it_is_polled() {
    let (mut bench, tier) = Bench::with_tier();
    let (monitor, same) = (bench.monitor.clone(), tier.clone());
    tier.poll(move || {
        let other = monitor.tier("demo", "made while polled").unwrap();
        other.poll(|| None);
        same.poll(|| Some(Levels { entries: Some(2), ..Levels::default() }));
        Some(Levels { entries: Some(1), ..Levels::default() })
    });
    bench.tick();
    assert_eq!(bench.metrics("L1").levels.entries, Some(1));
    bench.tick();
    assert_eq!(bench.metrics("L1").levels.entries, Some(2));
}
