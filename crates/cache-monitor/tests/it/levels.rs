//! The levels of a tier: set, polled, unknown.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cache_monitor::{LevelSource, Levels};

use crate::bench::{Bench, number};

const L1: [(&str, &str); 2] = [("cache", "demo"), ("tier", "L1")];

struct Shelf(AtomicU64);

impl LevelSource for Shelf {
    fn levels(&self) -> Levels {
        Levels {
            entries: Some(self.0.load(Ordering::Relaxed)),
            max_bytes: Some(1 << 20),
            ..Levels::default()
        }
    }
}

#[test]
fn source_is_asked_once_a_tick_and_not_by_readers() {
    let mut bench = Bench::new();
    let tier = bench.monitor.tier("demo", "L1").unwrap();
    let shelf = Arc::new(Shelf(AtomicU64::new(3)));
    tier.poll(&shelf);
    let sample = bench.tick();
    assert_eq!(number(&sample, "cache_entries", &L1), Some(3.0));
    assert_eq!(number(&sample, "cache_max_bytes", &L1), Some(1048576.0));
    assert_eq!(number(&sample, "cache_bytes", &L1), None);
    shelf.0.store(5, Ordering::Relaxed);
    assert_eq!(number(&bench.registry.read(), "cache_entries", &L1), Some(3.0));
    assert_eq!(number(&bench.tick(), "cache_entries", &L1), Some(5.0));
}

#[test]
fn levels_of_a_source_that_is_gone_are_unknown() {
    let mut bench = Bench::new();
    let tier = bench.monitor.tier("demo", "L1").unwrap();
    let shelf = Arc::new(Shelf(AtomicU64::new(3)));
    tier.poll(&shelf);
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
fn later_source_takes_the_place_of_the_first() {
    let mut bench = Bench::new();
    let tier = bench.monitor.tier("demo", "L1").unwrap();
    let shelves = [3, 4].map(|entries| Arc::new(Shelf(AtomicU64::new(entries))));
    shelves.iter().for_each(|shelf| tier.poll(shelf));
    bench.tick();
    assert_eq!(bench.metrics("L1").levels.entries, Some(4));
}

#[test]
fn source_may_ask_the_monitor_while_it_is_polled() {
    struct Asks(cache_monitor::CacheMonitor);

    impl LevelSource for Asks {
        fn levels(&self) -> Levels {
            let other = self.0.tier("demo", "made while polled").unwrap();
            other.poll(&Arc::new(Shelf(AtomicU64::new(0))));
            Levels { entries: Some(1), ..Levels::default() }
        }
    }

    let mut bench = Bench::new();
    let tier = bench.monitor.tier("demo", "L1").unwrap();
    tier.poll(&Arc::new(Asks(bench.monitor.clone())));
    let asks = Arc::new(Asks(bench.monitor.clone()));
    tier.poll(&asks);
    bench.tick();
    assert_eq!(bench.metrics("L1").levels.entries, Some(1));
}
