mod expiry;

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use node0_metrics_core::{
    Counter, Desc, Gauge, Labelled, Latency, MAX_LABEL_VALUE_BYTES, OTHER, RegisterError, Registry,
    SERIES_FOLDED, VALUES_DROPPED, Value,
};

use crate::Bench;

const CALLS: Desc = Desc::counter("calls_total", "Calls.").labels(&["method", "route"]);
const WAIT: Desc = Desc::latency("wait_seconds", "Waits.").labels(&["method", "route"]);
const DEPTH: Desc = Desc::gauge("depth", "Depth.").labels(&["queue"]);
const LOOKUPS: Desc = Desc::counter("lookups_total", "Lookups.").labels(&["tier", "result"]);

fn calls(registry: &Registry) -> Labelled<Counter, 2> {
    registry.counters(&CALLS).expect("the description is right")
}

fn value(registry: &Registry, name: &str, values: [&str; 2]) -> Option<f64> {
    let labels = [("method", values[0]), ("route", values[1])];
    registry.read().snapshot.value(name, &labels).map(Value::as_f64)
}

fn series(registry: &Registry, name: &str) -> usize {
    registry.read().snapshot.family(name).map_or(0, |family| family.series().len())
}

fn total(registry: &Registry, name: &str) -> f64 {
    let sample = registry.read();
    sample
        .snapshot
        .family(name)
        .expect("it was recorded")
        .series()
        .map(|(_, value)| value.as_f64())
        .sum()
}

#[test]
fn each_list_of_values_has_its_series() {
    let bench = Bench::new();
    let (calls, waits) = (calls(&bench.registry), bench.registry.latencies(&WAIT).unwrap());
    for route in ["/a", "/b", "/a"] {
        calls.add(["GET", route], 2);
        calls.inc(["PUT", route]);
        waits.record(["GET", route], Duration::from_millis(1));
    }
    let value = |name, values| value(&bench.registry, name, values);
    assert_eq!(value("calls_total", ["GET", "/a"]), Some(4.0));
    assert_eq!(value("calls_total", ["GET", "/b"]), Some(2.0));
    assert_eq!(value("calls_total", ["PUT", "/a"]), Some(2.0));
    assert_eq!(value("wait_seconds", ["GET", "/a"]), Some(2.0));
    assert_eq!(value("wait_seconds", ["PUT", "/a"]), None);
}

#[test]
fn every_kind_of_handle_can_be_had_by_its_values() {
    let bench = Bench::new();
    let depths: Labelled<Gauge, 1> = bench.registry.gauges(&DEPTH).unwrap();
    let lookups = bench.registry.hit_ratios(&LOOKUPS).unwrap();
    for i in 1..=2 {
        depths.with(["mail"], |depth| depth.add(f64::from(i)));
        lookups.hit(["L1"]);
    }
    lookups.miss(["L1"]);
    let sample = bench.registry.read();
    let value = |name, labels: &[_]| sample.snapshot.value(name, labels).map(Value::as_f64);
    assert_eq!(value("depth", &[("queue", "mail")]), Some(3.0));
    assert_eq!(value("lookups_total", &[("tier", "L1"), ("result", "hit")]), Some(2.0));
    assert_eq!(value("lookups_total", &[("tier", "L1"), ("result", "miss")]), Some(1.0));
    assert!(depths.with(["mail"], Gauge::value) == 3.0);
}

#[test]
fn values_that_join_to_the_same_text_are_not_mixed_up() {
    let bench = Bench::new();
    let calls = calls(&bench.registry);
    let same_when_joined =
        [["a", "bc"], ["ab", "c"], ["abc", ""], ["", "abc"], ["a\0", "bc"], ["a", "\0bc"]];
    for (i, values) in same_when_joined.into_iter().cycle().take(600).enumerate() {
        calls.add(values, i as u64 % 6 + 1);
    }
    for (i, values) in same_when_joined.into_iter().enumerate() {
        let expected = 100.0 * (i + 1) as f64;
        assert_eq!(value(&bench.registry, "calls_total", values), Some(expected), "{values:?}");
    }
}

#[test]
fn values_of_all_lengths_are_told_apart() {
    let bench = Bench::with(|builder| builder.max_scalars_per_family(10_000));
    let calls = calls(&bench.registry);
    let long = "x".repeat(MAX_LABEL_VALUE_BYTES);
    let values: Vec<String> = (0..=long.len())
        .flat_map(|len| {
            let text = &long[..len];
            let changed = |at: usize| format!("{}y{}", &text[..at], &text[at + 1..]);
            let changed = (0..len).step_by(7).map(changed).collect::<Vec<_>>();
            changed.into_iter().chain([text.to_owned()])
        })
        .collect();
    for _ in 0..3 {
        values.iter().for_each(|value| calls.inc([value, "/"]));
    }
    let sample = bench.registry.read();
    let family = sample.snapshot.family("calls_total").unwrap();
    assert_eq!(family.series().len(), values.len());
    assert!(family.series().all(|(_, value)| value.as_f64() == 3.0));
}

#[test]
fn values_beyond_the_limit_are_one_when_they_are_cut() {
    let bench = Bench::new();
    let calls = calls(&bench.registry);
    let long = "ü".repeat(MAX_LABEL_VALUE_BYTES);
    for i in 0..1000 {
        calls.inc([&format!("{long}{i}"), "/"]);
    }
    assert_eq!(series(&bench.registry, "calls_total"), 1);
    let cut = &long[..MAX_LABEL_VALUE_BYTES];
    assert_eq!(value(&bench.registry, "calls_total", [cut, "/"]), Some(1000.0));
}

#[test]
fn another_number_of_values_than_labels_is_refused_when_it_is_made() {
    let registry = Registry::new();
    let refused = registry.counters::<3>(&CALLS).unwrap_err();
    let expected = RegisterError::LabelCount { name: "calls_total".into(), expected: 2, got: 3 };
    assert_eq!(refused, expected);
    assert!(matches!(registry.counters::<1>(&CALLS), Err(RegisterError::LabelCount { .. })));
    assert!(matches!(registry.hit_ratios::<2>(&LOOKUPS), Err(RegisterError::LabelCount { .. })));
}

#[test]
fn another_kind_or_description_is_refused_when_it_is_made() {
    const OTHER_HELP: Desc = Desc::counter("calls_total", "Others.").labels(&["method", "route"]);
    let registry = Registry::builder().max_families(32).build();
    assert!(matches!(registry.latencies::<2>(&CALLS), Err(RegisterError::Kind { .. })));
    let calls = calls(&registry);
    calls.inc(["GET", "/"]);
    assert!(matches!(registry.counters::<2>(&OTHER_HELP), Err(RegisterError::Conflict { .. })));
    let full = Registry::builder().max_families(0).build();
    assert!(matches!(full.counters::<2>(&CALLS), Err(RegisterError::TooManyFamilies { .. })));
}

#[test]
fn a_record_that_no_cell_can_hold_is_counted_as_dropped() {
    const TAKEN: Desc = Desc::counter("calls_total", "Taken.");
    let mut bench = Bench::new();
    let calls = calls(&bench.registry);
    let _taken = bench.registry.counter(&TAKEN, &[]).unwrap();
    calls.inc(["GET", "/"]);
    calls.inc(["GET", "/"]);
    bench.tick();
    let dropped = bench.tick().sample.snapshot.value(VALUES_DROPPED.name(), &[]).map(Value::as_f64);
    assert_eq!(dropped, Some(2.0));
}

#[test]
fn past_the_cap_values_are_folded_each_time_and_totals_are_exact() {
    let bench = Bench::with(|builder| builder.max_histograms_per_family(10));
    let waits = bench.registry.latencies(&WAIT).unwrap();
    for i in 0..300 {
        // Each comes back, so that a folded handle which was kept would be found.
        waits.record(["GET", &format!("/{}", i % 100)], Duration::from_millis(1));
    }
    let value = |values| value(&bench.registry, "wait_seconds", values);
    assert_eq!(series(&bench.registry, "wait_seconds"), 11);
    assert_eq!((value(["GET", "/0"]), value([OTHER, OTHER])), (Some(3.0), Some(270.0)));
    let sample = bench.registry.read();
    let folded = sample.snapshot.value(SERIES_FOLDED.name(), &[("metric", "wait_seconds")]);
    assert_eq!(folded.map(Value::as_f64), Some(270.0));
}

#[test]
fn past_the_cap_ratios_are_folded_and_no_lookup_is_lost() {
    // Odd, so that of one ratio only the misses are folded.
    let mut bench = Bench::with(|builder| builder.max_scalars_per_family(5));
    let lookups = bench.registry.hit_ratios(&LOOKUPS).unwrap();
    for i in 0..100 {
        lookups.hit([&format!("L{}", i % 10)]);
        lookups.miss([&format!("L{}", i % 10)]);
        bench.tick();
    }
    assert_eq!(total(&bench.registry, "lookups_total"), 200.0);
    assert_eq!(series(&bench.registry, "lookups_total"), 6);
    let sample = bench.registry.read();
    let folded = sample.snapshot.value(SERIES_FOLDED.name(), &[("metric", "lookups_total")]);
    // The two of each call with one of seven values, and once the misses of the third.
    assert_eq!(folded.map(Value::as_f64), Some(2.0 * 2.0 * 70.0 + 1.0));
}

#[test]
fn two_of_one_description_share_their_series() {
    let mut bench = Bench::new();
    let (first, second) = (calls(&bench.registry), calls(&bench.registry));
    let handle = bench.registry.counter(&CALLS, &["GET", "/"]).unwrap();
    for _ in 0..3 {
        first.inc(["GET", "/"]);
        second.clone().inc(["GET", "/"]);
    }
    assert_eq!(handle.total(), 6);
    drop((first, handle));
    (0..3).for_each(|_| drop(bench.tick()));
    second.inc(["GET", "/"]);
    assert_eq!(value(&bench.registry, "calls_total", ["GET", "/"]), Some(7.0));
}

#[test]
fn owners_on_one_thread_keep_their_values_apart() {
    let (a, b) = (Bench::new(), Bench::new());
    let owners: [Labelled<Counter, 2>; 2] = [calls(&a.registry), calls(&b.registry)];
    let waits = a.registry.latencies(&WAIT).unwrap();
    for i in 0..100 {
        owners[i % 2].add(["GET", "/"], i as u64 % 2 * 9 + 1);
        waits.record(["GET", "/"], Duration::from_millis(1));
    }
    assert_eq!(value(&a.registry, "calls_total", ["GET", "/"]), Some(50.0));
    assert_eq!(value(&b.registry, "calls_total", ["GET", "/"]), Some(500.0));
    assert_eq!(value(&a.registry, "wait_seconds", ["GET", "/"]), Some(100.0));
}

#[test]
fn threads_record_the_same_values_into_one_series() {
    const EACH: u64 = 20_000;
    let registry = Registry::new();
    let calls = calls(&registry);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                (0..EACH).for_each(|i| calls.inc(["GET", if i % 4 == 0 { "/a" } else { "/b" }]));
            });
        }
    });
    assert_eq!(value(&registry, "calls_total", ["GET", "/a"]), Some(EACH as f64));
    assert_eq!(value(&registry, "calls_total", ["GET", "/b"]), Some(3.0 * EACH as f64));
}

#[test]
fn the_series_of_a_dropped_owner_leave_although_idle_threads_recorded_through_it() {
    let mut bench = Bench::new();
    let calls = calls(&bench.registry);
    let mine = bench.registry.counter(&CALLS, &["GET", "/held"]).unwrap();
    let (end, ended) = mpsc::channel::<()>();
    let (recorded, has_recorded) = mpsc::channel();
    let idle = thread::spawn({
        let calls = calls.clone();
        move || {
            calls.inc(["GET", "/gone"]);
            calls.inc(["GET", "/held"]);
            drop(calls);
            recorded.send(()).unwrap();
            ended.recv().unwrap_err();
        }
    });
    has_recorded.recv().unwrap();
    calls.inc(["GET", "/gone"]);
    drop(calls);
    let mut tick = || {
        let sample = bench.tick().sample;
        let labels = |route| [("method", "GET"), ("route", route)];
        ["/gone", "/held"]
            .map(|route| sample.snapshot.value("calls_total", &labels(route)).map(Value::as_f64))
    };
    assert_eq!(tick(), [Some(2.0), Some(1.0)], "sampled once more");
    assert_eq!(tick(), [None, Some(1.0)]);
    drop(end);
    idle.join().unwrap();
    // The thread's handles are gone by now, and no longer on the count of those that lapsed.
    mine.inc();
    assert_eq!(tick(), [None, Some(2.0)]);
    assert_eq!(tick(), [None, Some(2.0)]);
}

#[test]
fn what_comes_after_a_drop_finds_no_handle_of_before() {
    let mut bench = Bench::new();
    for _ in 0..3 {
        let calls = calls(&bench.registry);
        calls.inc(["GET", "/"]);
        calls.inc(["GET", "/"]);
        assert_eq!(value(&bench.registry, "calls_total", ["GET", "/"]), Some(2.0));
        drop(calls);
        bench.tick();
        bench.tick();
        assert_eq!(series(&bench.registry, "calls_total"), 0);
    }
}

#[test]
fn a_record_inside_of_another_counts() {
    let bench = Bench::new();
    let (outer, inner) = (calls(&bench.registry), calls(&bench.registry));
    for _ in 0..3 {
        outer.with(["GET", "/outer"], |calls| {
            calls.inc();
            inner.inc(["GET", "/inner"]);
            outer.inc(["GET", "/new"]);
            drop(self::calls(&bench.registry));
        });
    }
    for route in ["/outer", "/inner", "/new"] {
        assert_eq!(value(&bench.registry, "calls_total", ["GET", route]), Some(3.0), "{route}");
    }
}

#[test]
fn a_record_while_the_thread_is_torn_down_counts() {
    struct Late(Labelled<Counter, 2>);
    impl Drop for Late {
        fn drop(&mut self) {
            self.0.inc(["GET", "/late"]);
        }
    }
    thread_local!(static LATE: std::cell::RefCell<Option<Late>> = const { std::cell::RefCell::new(None) });

    let bench = Bench::new();
    let calls = calls(&bench.registry);
    for is_table_first in [true, false] {
        let calls = calls.clone();
        // Whether the destructor runs before or after the table's depends on which was used first.
        let work = move || {
            if is_table_first {
                calls.inc(["GET", "/late"]);
            }
            LATE.with_borrow_mut(|late| *late = Some(Late(calls.clone())));
            if !is_table_first {
                calls.inc(["GET", "/late"]);
            }
        };
        thread::spawn(work).join().unwrap();
    }
    assert_eq!(total(&bench.registry, "calls_total"), 4.0);
}

#[test]
fn a_disabled_one_takes_everything_and_registers_nothing() {
    const NONE: Labelled<Latency, 2> = Labelled::disabled();
    NONE.record(["GET", "/"], Duration::from_millis(1));
    assert!(NONE.with(["GET", "/"], |latency| latency.start().stop().is_zero()));
}
