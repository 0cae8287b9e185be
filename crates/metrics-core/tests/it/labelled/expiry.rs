//! Label values that are not recorded for long expire; when they return, totals continue.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use node0_metrics_core::{DEFAULT_LATENCY_BOUNDS, Kind, Labelled, OwnedDesc, Value};

use super::{CALLS, LOOKUPS, WAIT, calls, series, total, value};
use crate::Bench;

#[test]
fn idle_series_expire_and_those_with_a_handle_stay() {
    let mut bench = Bench::new();
    let calls = calls(&bench.registry);
    let held = bench.registry.counter(&CALLS, &["GET", "/held"]).unwrap();
    calls.inc(["GET", "/idle"]);
    calls.inc(["GET", "/held"]);
    for _ in 0..200 {
        calls.inc(["GET", "/busy"]);
        calls.expire_idle(Duration::from_secs(60));
        bench.tick();
    }
    let value = |route| value(&bench.registry, "calls_total", ["GET", route]);
    assert_eq!((value("/idle"), value("/held"), value("/busy")), (None, Some(1.0), Some(200.0)));
    drop(held);
}

/// Lets what is idle expire, and says whether the series is gone.
fn expire<H: node0_metrics_core::Handle>(bench: &mut Bench, labelled: &Labelled<H, 2>) {
    for _ in 0..200 {
        labelled.expire_idle(Duration::from_secs(60));
        bench.tick();
    }
}

#[test]
fn a_name_that_expired_goes_on_from_its_last_total() {
    let mut bench = Bench::new();
    let calls = calls(&bench.registry);
    calls.add(["GET", "/"], 5);
    for total in 6..=8_u32 {
        expire(&mut bench, &calls);
        assert_eq!(series(&bench.registry, "calls_total"), 0, "it expired");
        calls.inc(["GET", "/"]);
        assert_eq!(value(&bench.registry, "calls_total", ["GET", "/"]), Some(f64::from(total)));
        let sample = bench.tick().sample;
        let labels = [("method", "GET"), ("route", "/")];
        let Some(Value::Counter(count)) = sample.snapshot.value("calls_total", &labels) else {
            panic!("it was recorded");
        };
        assert_eq!((count.total, count.recent), (total.into(), 1), "one call is recent");
    }
}

#[test]
fn a_latency_that_expired_goes_on_from_its_last_totals() {
    let mut bench = Bench::new();
    let waits = bench.registry.latencies(&WAIT).unwrap();
    let record = |nanos: &[u64]| {
        nanos.iter().for_each(|nanos| waits.record(["GET", "/"], Duration::from_nanos(*nanos)));
    };
    // In the linear octave, in others, and more in one bucket than its bits hold.
    record(&[0, 7, 500, 1_000_000, 1_000_000, 2_000_000_000]);
    (0..40_000).for_each(|_| record(&[3_000_000]));
    let labels = [("method", "GET"), ("route", "/")];
    let shown = |bench: &Bench| {
        let sample = bench.registry.read();
        match sample.snapshot.value("wait_seconds", &labels) {
            Some(Value::Histogram(histogram)) => histogram.clone(),
            other => panic!("{other:?} is no histogram"),
        }
    };
    let mut all = shown(&bench).total().clone();
    for round in 1..=3 {
        expire(&mut bench, &waits);
        assert_eq!(series(&bench.registry, "wait_seconds"), 0, "it expired");
        record(&[9, 3_000_000, 75_000_000]);
        let histogram = shown(&bench);
        assert_eq!(histogram.window().samples(), 3, "three are recent");
        assert_eq!(histogram.window().buckets().count(), 3);
        assert_eq!(histogram.summary().max.map(|max| max.as_millis() / 10), Some(7));
        all.merge(histogram.window().buckets());
        let nanos = |seconds: f64| (seconds * 1e9).round();
        for _ in 0..2 {
            let histogram = shown(&bench);
            let total = histogram.total();
            assert_eq!(histogram.count(), 40_006 + 3 * round);
            assert_eq!(total.iter().collect::<Vec<_>>(), all.iter().collect::<Vec<_>>());
            assert_eq!(nanos(histogram.sum()), nanos(all.sum()));
            assert_eq!(histogram.cumulative(), all.cumulative(DEFAULT_LATENCY_BOUNDS));
            bench.tick();
        }
    }
}

#[test]
fn both_totals_of_a_ratio_go_on_and_so_does_one_that_a_handle_asks_for() {
    let mut bench = Bench::new();
    let lookups = bench.registry.hit_ratios::<1>(&LOOKUPS).unwrap();
    (0..3).for_each(|_| lookups.hit(["L1"]));
    lookups.miss(["L1"]);
    for _ in 0..200 {
        lookups.expire_idle(Duration::from_secs(60));
        bench.tick();
    }
    assert_eq!(series(&bench.registry, "lookups_total"), 0, "it expired");
    let hits = bench.registry.counter(&LOOKUPS, &["L1", "hit"]).unwrap();
    assert_eq!(hits.total(), 3);
    lookups.miss(["L1"]);
    assert_eq!(total(&bench.registry, "lookups_total"), 5.0);
}

#[test]
fn as_many_expired_names_are_remembered_as_a_family_may_have_and_the_oldest_forgotten() {
    let mut bench = Bench::with(|builder| builder.max_scalars_per_family(2));
    let calls = calls(&bench.registry);
    for routes in [["/1", "/2"], ["/3", "/4"]] {
        routes.iter().for_each(|route| calls.add(["GET", route], 10));
        expire(&mut bench, &calls);
    }
    let mut value_after_one = |route| {
        calls.inc(["GET", route]);
        let found = value(&bench.registry, "calls_total", ["GET", route]);
        expire(&mut bench, &calls);
        found
    };
    assert_eq!(value_after_one("/1"), Some(1.0), "forgotten for the later two");
    assert_eq!(value_after_one("/4"), Some(11.0));
}

#[test]
fn totals_are_exact_and_never_fall_while_names_expire_and_come_back_on_many_threads() {
    const ROUTES: [&str; 4] = ["/a", "/b", "/c", "/d"];
    const LOOKS: usize = 1000;
    let mut bench = Bench::new();
    let (calls, waits) = (calls(&bench.registry), bench.registry.latencies(&WAIT).unwrap());
    let (looks, progress) = (AtomicUsize::new(0), [const { AtomicU64::new(0) }; 3]);
    let (mut shown, mut returns) = ([[(0.0, true); 2]; ROUTES.len()], 0);
    thread::scope(|scope| {
        for done in &progress {
            scope.spawn(|| {
                while let look @ 0..LOOKS = looks.load(Ordering::Relaxed) {
                    // Each name is recorded for some looks, and then idle for more.
                    let route = ROUTES[look / 3 % ROUTES.len()];
                    calls.inc(["GET", route]);
                    waits.record(["GET", route], Duration::from_millis(1));
                    done.fetch_add(1, Ordering::Relaxed);
                    thread::yield_now();
                }
            });
        }
        for look in 1..=LOOKS {
            // As between two looks in life, each thread ends the record that it is in.
            let before = progress.each_ref().map(|done| done.load(Ordering::Relaxed));
            while progress
                .iter()
                .zip(before)
                .any(|(now, was)| now.load(Ordering::Relaxed) < was + 2)
            {
                thread::yield_now();
            }
            bench.clock.advance(Duration::from_secs(60));
            calls.expire_idle(Duration::ZERO);
            waits.expire_idle(Duration::ZERO);
            bench.ticker.tick();
            for (route, shown) in ROUTES.iter().zip(&mut shown) {
                for (name, (total, is_there)) in ["calls_total", "wait_seconds"].iter().zip(shown) {
                    let now = value(&bench.registry, name, ["GET", route]);
                    returns += u32::from(now.is_some() && !*is_there);
                    *is_there = now.is_some();
                    let now = now.unwrap_or(*total);
                    assert!(*total <= now, "{name} of {route} fell from {total} to {now}");
                    *total = now;
                }
            }
            looks.store(look, Ordering::Relaxed);
        }
    });
    assert!(returns > 100, "{returns} names came back");
    for route in ROUTES {
        calls.add(["GET", route], 0);
        waits.record(["GET", route], Duration::ZERO);
    }
    let recorded = progress.map(AtomicU64::into_inner).iter().sum::<u64>() as f64;
    assert_eq!(total(&bench.registry, "calls_total"), recorded);
    assert_eq!(total(&bench.registry, "wait_seconds"), recorded + 4.0);
}

#[test]
fn a_name_whose_owner_let_it_go_begins_at_zero() {
    let mut bench = Bench::new();
    let owner = calls(&bench.registry);
    owner.add(["GET", "/"], 5);
    drop(owner);
    (0..3).for_each(|_| drop(bench.tick()));
    let next = calls(&bench.registry);
    next.inc(["GET", "/"]);
    assert_eq!(value(&bench.registry, "calls_total", ["GET", "/"]), Some(1.0));
}

#[test]
fn a_name_that_expired_goes_on_as_nothing_of_another_kind() {
    let mut bench = Bench::new();
    let waits = bench.registry.latencies(&WAIT).unwrap();
    waits.record(["GET", "/"], Duration::from_secs(1));
    let id = bench.registry.latency(&WAIT, &["GET", "/"]).unwrap().series_id();
    expire(&mut bench, &waits);
    let level = OwnedDesc::new(Kind::UpDown, WAIT.name(), "Those that wait.").unwrap();
    let labels = [("method", "GET"), ("route", "/")];
    let other = bench.registry.metric(&level, &labels).unwrap();
    assert_ne!(other.series_id(), id, "to readers it is another series");
    drop(other);
    bench.tick();
    // The latency goes on as it was.
    waits.record(["GET", "/"], Duration::from_secs(1));
    assert_eq!(value(&bench.registry, WAIT.name(), ["GET", "/"]), Some(2.0));
}
