//! Tiers by their handles: what each call counts, names, refusals, and the ends of tiers.

use std::sync::Arc;

use node0_cache_monitor::{
    CacheMonitor, DESCS, Events, EvictionCause, Levels, LoadOutcome, Operation, Size, Tier,
};
use node0_metrics_core::{Desc, InstanceError, Measuring, RegisterError};

use crate::bench::{Bench, families, ms, number};

/// Does once whatever a tier can be told.
fn do_everything(tier: &Tier) {
    tier.hit(ms(1));
    tier.miss(ms(2));
    tier.set(ms(3), Size::Compressed { raw: 400, stored: 100 });
    tier.delete(ms(4));
    for operation in [Operation::Get, Operation::Set, Operation::Delete] {
        tier.error(operation, ms(5));
        drop(tier.start(operation));
    }
    for cause in EvictionCause::ALL {
        tier.eviction(cause, Some(100));
    }
    for outcome in LoadOutcome::ALL {
        tier.load(outcome, ms(6));
    }
    tier.coalesced();
    tier.stale_served();
    tier.promotion();
    tier.set_levels(Levels {
        entries: Some(1),
        max_entries: Some(2),
        bytes: Some(3),
        max_bytes: Some(4),
    });
}

#[test]
fn each_event_is_counted_once_in_its_own_series() {
    let (bench, tier) = Bench::with_tier();
    do_everything(&tier);
    let sample = bench.registry.read();
    // Panics of sources have a test of their own: they hide the levels.
    for desc in DESCS.iter().filter(|desc| desc.name() != "cache_source_panics_total") {
        let words: &[&str] = match desc.label_keys() {
            ["cache", "tier"] => &[""],
            [.., "result"] => &["hit", "miss"],
            [.., "cause"] => &["size", "expired", "explicit", "replaced"],
            [.., "outcome"] => &["success", "failure", "cancelled"],
            [.., "operation"] if desc.name() == "cache_writes_total" => &["set", "delete"],
            [.., "operation"] if desc.name().ends_with("_seconds") => {
                &["get", "set", "delete", "load"]
            }
            [.., "operation"] => &["get", "set", "delete"],
            other => panic!("unexpected labels {other:?}"),
        };
        for word in words {
            let mut labels = vec![("cache", "demo"), ("tier", "L1")];
            labels.extend(desc.label_keys().get(2).map(|key| (*key, *word)));
            let expected = match (desc.name(), *word) {
                // The hit, the miss, the error and the one that was dropped.
                ("cache_operation_duration_seconds", "get") => 4.0,
                ("cache_operation_duration_seconds", _) => 3.0,
                ("cache_evicted_bytes_total" | "cache_stored_bytes_total", _) => 100.0,
                ("cache_raw_bytes_total", _) => 400.0,
                ("cache_max_entries", _) => 2.0,
                ("cache_bytes", _) => 3.0,
                ("cache_max_bytes", _) => 4.0,
                _ => 1.0,
            };
            let found = number(&sample, desc.name(), &labels);
            assert_eq!(found, Some(expected), "{} {word}", desc.name());
        }
        let series = sample.snapshot.family(desc.name()).unwrap().series().len();
        assert_eq!(series, words.len(), "{}", desc.name());
    }
}

#[test]
fn typed_numbers_say_what_was_recorded() {
    let bench = Bench::new();
    do_everything(&bench.monitor.tier("demo", "L1").unwrap());
    let metrics = bench.metrics("L1");
    assert_eq!((metrics.hits, metrics.misses, metrics.hit_rate_total), (1, 1, Some(0.5)));
    assert_eq!((metrics.sets, metrics.deletes), (Some(1), Some(1)));
    assert_eq!((metrics.errors, metrics.cancellations), (Some(3), Some(3)));
    assert_eq!((metrics.evictions, metrics.evicted_bytes), (Some(2), Some(400)));
    let causes = metrics.evictions_by_cause.unwrap();
    assert!(causes.values().all(|entries| *entries == 1), "{causes:?}");
    let loads = metrics.loads.unwrap();
    assert_eq!((loads.succeeded, loads.failed, loads.cancelled, loads.coalesced), (1, 1, 1, 1));
    assert_eq!((metrics.stale_served, metrics.promotions), (Some(1), Some(1)));
    assert_eq!(metrics.compression_ratio, Some(4.0));
    assert_eq!((metrics.levels.entries, metrics.levels.max_entries), (Some(1), Some(2)));
    assert_eq!((metrics.levels.bytes, metrics.levels.max_bytes), (Some(3), Some(4)));
}

#[test]
fn times_are_told_apart_by_operation() {
    let bench = Bench::new();
    do_everything(&bench.monitor.tier("demo", "L1").unwrap());
    let sample = bench.registry.read();
    let times = |operation| bench.monitor.latency_distribution(&sample, "L1", operation).unwrap();
    let gets = times(Operation::Get);
    assert_eq!((gets.samples, gets.count, gets.avg), (4, 4, Some(ms(2))));
    assert_eq!(times(Operation::Load).samples, 3);
    assert!(times(Operation::Set).max.unwrap() >= ms(4));
    assert!(bench.monitor.latency_distribution(&sample, "L2", Operation::Get).is_none());
}

#[test]
fn hit_rate_is_of_the_last_ten_ticks_and_since_the_start() {
    let (mut bench, tier) = Bench::with_tier();
    (0..30).for_each(|_| tier.miss(ms(1)));
    bench.tick();
    (0..10).for_each(|_| tier.hit(ms(1)));
    bench.tick();
    assert_eq!(bench.metrics("L1").hit_rate, Some(0.25));
    for _ in 0..9 {
        bench.tick();
    }
    let metrics = bench.metrics("L1");
    assert_eq!((metrics.hit_rate, metrics.hit_rate_total), (Some(1.0), Some(0.25)));
    bench.tick();
    assert_eq!(bench.metrics("L1").hit_rate, None);
}

#[test]
fn evictions_per_minute_are_those_that_the_tier_decided() {
    let (mut bench, tier) = Bench::with_tier();
    for cause in EvictionCause::ALL {
        (0..5).for_each(|_| tier.eviction(cause, None));
    }
    let evicting = EvictionCause::ALL.into_iter().filter(|cause| cause.was_evicted());
    assert_eq!(evicting.count(), 2);
    for _ in 0..10 {
        bench.tick();
    }
    assert_eq!(bench.metrics("L1").evictions_per_minute, Some(60.0));
}

#[test]
fn what_nobody_declared_or_recorded_is_absent() {
    let (bench, tier) = Bench::with_tier();
    let known = ["cache_gets_total", "cache_operation_duration_seconds"];
    assert_eq!(families(&bench.registry.read()), known);
    let metrics = bench.metrics("L1");
    assert_eq!((metrics.hits, metrics.hit_rate, metrics.hit_rate_total), (0, None, None));
    assert_eq!((metrics.errors, metrics.evictions, metrics.levels.entries), (None, None, None));
    assert_eq!((metrics.loads, metrics.compression_ratio), (None, None));

    tier.declare(&[Events::Evictions, Events::Errors, Events::Loads, Events::Writes]);
    let metrics = bench.metrics("L1");
    assert_eq!((metrics.errors, metrics.evictions, metrics.sets), (Some(0), Some(0), Some(0)));
    assert_eq!(metrics.loads.unwrap().coalesced, 0);
    assert_eq!((metrics.stale_served, metrics.levels.entries), (None, None));
}

#[test]
fn failed_load_is_no_error_of_the_tier() {
    let (bench, tier) = Bench::with_tier();
    tier.error(Operation::Load, ms(1));
    drop(tier.start(Operation::Load));
    let metrics = bench.metrics("L1");
    let loads = metrics.loads.unwrap();
    assert_eq!((loads.failed, loads.cancelled), (1, 1));
    assert_eq!((metrics.errors, metrics.cancellations), (None, None));
}

#[test]
fn timed_operations_are_counted_but_not_timed_while_measuring_is_off() {
    let (bench, tier) = Bench::with_tier();
    bench.registry.set_measuring(Measuring::Off);
    assert_eq!(tier.start(Operation::Get).looked_up(Some(7)), Some(7));
    assert_eq!(tier.start(Operation::Get).looked_up(None::<u8>), None);
    tier.start(Operation::Set).set(Size::Unknown);
    tier.start(Operation::Delete).deleted();
    tier.start(Operation::Load).loaded(LoadOutcome::Success);
    let metrics = bench.metrics("L1");
    assert_eq!((metrics.hits, metrics.misses), (1, 1));
    assert_eq!((metrics.sets, metrics.deletes), (Some(1), Some(1)));
    let sample = bench.registry.read();
    let gets = bench.monitor.latency_distribution(&sample, "L1", Operation::Get).unwrap();
    assert_eq!(gets.count, 0);
}

#[test]
fn registry_has_one_cache_monitor() {
    let bench = Bench::new();
    let second = CacheMonitor::register(&bench.registry).unwrap_err();
    assert_eq!(second, RegisterError::DuplicateTopic { topic: "cache" });
}

#[test]
fn name_means_one_living_tier() {
    let bench = Bench::new();
    let first = bench.monitor.tier("demo", "L1").unwrap();
    let error = bench.monitor.tier("demo", "L1").unwrap_err();
    assert!(matches!(error, InstanceError::Duplicate { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "cache tier `demo/L1` is watched already: clone its handle or choose another name"
    );
    let _others = [("demo", "L2"), ("other", "L1")]
        .map(|(cache, tier)| bench.monitor.tier(cache, tier).unwrap());
    let clone = first.clone();
    drop(first);
    assert!(bench.monitor.tier("demo", "L1").is_err());
    drop(clone);
    assert!(bench.monitor.tier("demo", "L1").is_ok());
}

#[test]
fn name_that_cannot_be_shown_is_refused() {
    let bench = Bench::new();
    let long = "x".repeat(257);
    for name in ["", "_other", "a/b", "line\nbreak", &long] {
        for (cache, tier) in [(name, "L1"), ("demo", name)] {
            let error = bench.monitor.tier(cache, tier).unwrap_err();
            assert!(
                matches!(error, InstanceError::Name { name: ref refused, .. } if refused == name)
            );
        }
    }
    for name in ["timestamp", "health", "caches"] {
        let error = bench.monitor.tier("demo", name).unwrap_err();
        assert!(matches!(error, InstanceError::Name { .. }), "{error:?}");
    }
    assert!(bench.monitor.tier("health", "L1").is_ok());
}

#[test]
fn taken_metric_name_refuses_the_monitor_or_the_tier() {
    const OTHERS: Desc = Desc::counter("cache_gets_total", "Somebody else's.");
    let registry = node0_metrics_core::Registry::new();
    let _others = registry.counter(&OTHERS, &[]).unwrap();
    let error = CacheMonitor::register(&registry).unwrap_err();
    assert!(matches!(error, RegisterError::Conflict { .. }), "{error:?}");

    let bench = Bench::new();
    let _others = bench.registry.counter(&OTHERS, &[]).unwrap();
    let error = bench.monitor.tier("demo", "L1").unwrap_err();
    assert!(
        matches!(error, InstanceError::Register { source: RegisterError::Conflict { .. }, .. }),
        "{error:?}"
    );
}

#[test]
fn dropped_tier_takes_its_series_along() {
    let (mut bench, tier) = Bench::with_tier();
    let stays = bench.monitor.tier("demo", "L2").unwrap();
    do_everything(&tier);
    let sample = bench.tick();
    assert_eq!(bench.monitor.layers(&sample), ["L1", "L2"]);
    drop(tier);
    bench.tick();
    let sample = bench.tick();
    assert_eq!(bench.monitor.layers(&sample), ["L2"]);
    assert_eq!(families(&sample), ["cache_gets_total", "cache_operation_duration_seconds"]);
    assert!(bench.monitor.tier_metrics(&sample, "L1").is_none());
    assert!(bench.monitor.assess(&sample, "L1").is_none());
    drop(stays);
}

#[test]
fn monitor_keeps_no_registry_alive() {
    let (bench, tier) = Bench::with_tier();
    tier.poll(|| Some(Levels::default()));
    // The registry drops its listeners when it is dropped itself.
    let held = Arc::new(());
    let registry_lives = Arc::downgrade(&held);
    bench.registry.listen("held", move |_| assert_eq!(*held, ())).unwrap();
    drop((bench, tier));
    assert!(registry_lives.upgrade().is_none());
}
