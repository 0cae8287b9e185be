use std::time::Duration;

use node0_metrics_core::{
    Desc, GUEST_FAILURES, GuestCall, Kind, OTHER, OwnedDesc, SERIES_FOLDED, Value,
};

use crate::Bench;

const CALLS: Desc = Desc::counter("calls_total", "Calls.").labels(&["path", "method"]);
const WAIT: Desc = Desc::latency("wait_seconds", "Waits.").labels(&["path"]);

#[test]
fn past_its_cap_a_family_folds_and_totals_stay_right() {
    let bench = Bench::with(|builder| builder.max_scalars_per_family(10));
    let registry = &bench.registry;
    let held: Vec<_> = (0..100)
        .map(|i| {
            let calls = registry.counter(&CALLS, &[&format!("/{i}"), "GET"]).unwrap();
            calls.inc();
            calls
        })
        .collect();
    let sample = registry.read();
    let family = sample.snapshot.family("calls_total").unwrap();
    assert_eq!(family.series().len(), 11);
    let total: f64 = family.series().map(|(_, value)| value.as_f64()).sum();
    assert_eq!(total, 100.0);
    let other = sample.snapshot.value("calls_total", &[("path", OTHER), ("method", OTHER)]);
    assert_eq!(other.map(Value::as_f64), Some(90.0));
    let folded = sample.snapshot.value(SERIES_FOLDED.name(), &[("metric", "calls_total")]);
    assert_eq!(folded.map(Value::as_f64), Some(90.0));
    drop(held);
}

#[test]
fn earlier_series_keep_their_values_when_the_family_is_full() {
    let bench = Bench::with(|builder| builder.max_histograms_per_family(1));
    let first = bench.registry.latency(&WAIT, &["/a"]).unwrap();
    first.record(std::time::Duration::from_millis(1));
    let _other = bench.registry.latency(&WAIT, &["/b"]).unwrap();
    let again = bench.registry.latency(&WAIT, &["/a"]).unwrap();
    again.record(std::time::Duration::from_millis(1));
    let sample = bench.registry.read();
    assert_eq!(sample.view().latency(&first).unwrap().total().count(), 2);
}

#[test]
fn the_total_cap_folds_in_every_family() {
    let bench = Bench::with(|builder| builder.max_series(50));
    let held: Vec<_> = (0..200)
        .map(|i| {
            let path = format!("/{i}");
            let calls = bench.registry.counter(&CALLS, &[&path, "GET"]).unwrap();
            (calls, bench.registry.latency(&WAIT, &[&path]).unwrap())
        })
        .collect();
    let sample = bench.registry.read();
    let series: usize = sample.snapshot.families().map(|family| family.series().len()).sum();
    assert!(series <= 54, "50, one `_other` for each family and their two counts: {series}");
    drop(held);
}

#[test]
fn folded_calls_that_hold_no_handle_are_not_forgotten() {
    let mut bench = Bench::with(|builder| builder.max_scalars_per_family(1));
    let _first = bench.registry.counter(&CALLS, &["/", "GET"]).unwrap();
    for i in 0..10 {
        bench.registry.counter(&CALLS, &[&format!("/{i}"), "GET"]).unwrap().inc();
        bench.tick();
    }
    let sample = bench.registry.read();
    let other = sample.snapshot.value("calls_total", &[("path", OTHER), ("method", OTHER)]);
    assert_eq!(other.map(Value::as_f64), Some(10.0));
}

#[test]
fn a_series_leaves_with_its_last_handle_after_one_more_sample() {
    let mut bench = Bench::new();
    let calls = bench.registry.counter(&CALLS, &["/", "GET"]).unwrap();
    calls.inc();
    drop(calls);
    let labels = [("path", "/"), ("method", "GET")];
    assert!(bench.tick().sample.snapshot.value("calls_total", &labels).is_some());
    assert!(bench.tick().sample.snapshot.value("calls_total", &labels).is_none());
    let again = bench.registry.counter(&CALLS, &["/", "GET"]).unwrap();
    assert_eq!(again.total(), 0, "the cells were given back empty");
}

#[test]
fn guests_keep_their_names_in_a_full_registry() {
    let bench = Bench::with(|builder| {
        builder.max_series(1).max_families(1).guest_timeout(Duration::from_secs(60))
    });
    let _calls = bench.registry.counter(&CALLS, &["/a", "GET"]);
    let guards: Vec<_> = ["first", "second"]
        .map(|name| bench.registry.guard(name, GuestCall::Check).unwrap())
        .into_iter()
        .collect();
    guards[1].run(|| panic!("told to")).unwrap_err();
    let snapshot = &bench.registry.read().snapshot;
    let failures = |guest| {
        let labels = [("guest", guest), ("call", "check"), ("reason", "panic")];
        snapshot.value(GUEST_FAILURES.name(), &labels).map(Value::as_f64)
    };
    assert_eq!((failures("first"), failures("second")), (Some(0.0), Some(1.0)));
}

#[test]
fn only_a_description_of_run_time_is_replaced() {
    let bench = Bench::new();
    let calls = bench.registry.counter(&CALLS, &["/a", "GET"]).unwrap();
    assert!(!bench.registry.describe(CALLS.name(), "Other words."));
    assert!(bench.registry.counter(&CALLS, &["/b", "GET"]).is_ok(), "it has its own words still");
    let jobs = OwnedDesc::new(Kind::Counter, "jobs", "").unwrap();
    let jobs = bench.registry.metric(&jobs, &[]).unwrap();
    assert!(bench.registry.describe("jobs_total", "Jobs."));
    let sample = bench.registry.read();
    assert_eq!(sample.snapshot.family("jobs_total").unwrap().desc.help, "Jobs.");
    drop((calls, jobs));
}

#[test]
fn a_malformed_description_is_refused_before_it_reaches_a_page() {
    let made = |make: fn() -> Desc| std::panic::catch_unwind(make).is_ok();
    assert!(made(|| Desc::latency("a_seconds", "A.").bounds(&[0.1, 1.0])));
    assert!(!made(|| Desc::latency("a_seconds", "A.").bounds(&[1.0, f64::INFINITY])));
    assert!(!made(|| Desc::latency("a_seconds", "A.").bounds(&[f64::NAN])));
    assert!(!made(|| Desc::counter("a_total", "A.").labels(&["b", "b"])));
}
