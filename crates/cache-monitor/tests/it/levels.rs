//! The levels of a tier: set, polled, unknown.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

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

#[test]
fn a_source_that_panics_hides_its_own_levels_only_and_until_it_answers_again() {
    let (mut bench, first) = Bench::with_tier();
    let broken = Arc::new(AtomicBool::new(true));
    let asked = broken.clone();
    first.poll(move || {
        if asked.load(Ordering::Relaxed) {
            // Without the panic hook: a backtrace takes longer than a poll may.
            resume_unwind(Box::new("a lock is poisoned"));
        }
        Some(Levels { entries: Some(1), ..Levels::default() })
    });
    // After the one that panics, in the order of names.
    let second = bench.monitor.tier("demo", "L2").unwrap();
    second.poll(|| Some(Levels { entries: Some(2), ..Levels::default() }));
    for panics in [1.0, 2.0] {
        let sample = bench.tick();
        assert_eq!(number(&sample, "cache_source_panics_total", &L1), Some(panics));
    }
    assert_eq!(bench.metrics("L1").levels.entries, None);
    assert_eq!(bench.metrics("L2").levels.entries, Some(2));
    broken.store(false, Ordering::Relaxed);
    bench.tick();
    assert_eq!(bench.metrics("L1").levels.entries, Some(1));
}

/// Panics when it is dropped.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        resume_unwind(Box::new("told to, in a destructor"));
    }
}

#[test]
fn a_source_whose_destructor_panics_hides_no_level_of_another_tier() {
    let (mut bench, first) = Bench::with_tier();
    let owned = Grenade;
    first.poll(move || {
        let _owned = &owned;
        // Its cache is gone, so that the source is dropped at once.
        None
    });
    let second = bench.monitor.tier("demo", "L2").unwrap();
    second.poll(|| resume_unwind(Box::new(Grenade)));
    let third = bench.monitor.tier("demo", "L3").unwrap();
    third.poll(|| Some(Levels { entries: Some(3), ..Levels::default() }));
    bench.tick();
    assert_eq!(bench.metrics("L3").levels.entries, Some(3));
}
