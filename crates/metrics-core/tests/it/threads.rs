use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use node0_metrics_core::{Counter, Desc, Latency, RECORDING_BYTES, Registry, Value};

use crate::Bench;

const JOBS: Desc = Desc::counter("jobs_total", "Jobs.").labels(&["n"]);
const SHARE: Desc = Desc::gauge("share", "Shares.").labels(&["n"]);
const WAIT: Desc = Desc::latency("wait_seconds", "Waits.").labels(&["n"]);

#[test]
fn totals_are_exact_and_never_fall_while_threads_record() {
    const EACH: u64 = 200_000;
    let registry = Registry::new();
    let jobs = registry.counter(&JOBS, &["all"]).unwrap();
    let wait = registry.latency(&WAIT, &["all"]).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut jobs_before, mut count_before, mut sum_before) = (0, 0, 0.0);
            while !done.load(Ordering::Relaxed) {
                let sample = registry.read();
                let (jobs, total) =
                    (sample.view().counter(&jobs), sample.view().latency(&wait).unwrap().total());
                assert!(jobs >= jobs_before && total.count() >= count_before);
                assert!(total.sum() >= sum_before);
                assert_eq!(total.iter().map(|(_, n)| n).sum::<u64>(), total.count());
                (jobs_before, count_before, sum_before) = (jobs, total.count(), total.sum());
            }
        });
        let writers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    for i in 0..EACH {
                        jobs.inc();
                        wait.record(Duration::from_nanos(i * 37));
                    }
                })
            })
            .collect();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap();
    });
    let sample = registry.read();
    assert_eq!(sample.view().counter(&jobs), 4 * EACH);
    let total = sample.view().latency(&wait).unwrap().total();
    assert_eq!(total.count(), 4 * EACH);
    let exact = 4.0 * 37.0 * (EACH * (EACH - 1) / 2) as f64 * 1e-9;
    assert!((total.sum() - exact).abs() <= exact * 1e-12);
}

#[test]
fn threads_that_end_lose_nothing_and_leave_nothing() {
    let registry = Registry::new();
    let jobs = registry.counter(&JOBS, &["short"]).unwrap();
    let wait = registry.latency(&WAIT, &["short"]).unwrap();
    let run = |n| {
        for _ in 0..n {
            thread::scope(|scope| {
                scope.spawn(|| {
                    jobs.inc();
                    wait.record(Duration::from_millis(1));
                });
            });
        }
        registry.read();
        let sample = registry.read();
        sample.snapshot.value(RECORDING_BYTES.name(), &[]).map(Value::as_f64)
    };
    let few = run(50);
    let many = run(2000);
    // Other tests of this process lease lanes too; a lane for each thread would be 20 MB.
    assert!(many.unwrap() - few.unwrap() < 4e6, "{few:?} to {many:?}");
    assert_eq!(registry.read().view().counter(&jobs), 2050);
    assert_eq!(registry.read().view().latency(&wait).unwrap().total().count(), 2050);
}

#[test]
fn beyond_the_budget_records_are_shared_and_not_lost() {
    let bench = Bench::with(|builder| builder.recording_bytes(0));
    let jobs = bench.registry.counter(&JOBS, &["poor"]).unwrap();
    let wait = bench.registry.latency(&WAIT, &["poor"]).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10_000 {
                    jobs.inc();
                    wait.record(Duration::from_micros(3));
                }
            });
        }
    });
    let sample = bench.registry.read();
    assert_eq!(sample.view().counter(&jobs), 40_000);
    let total = sample.view().latency(&wait).unwrap().total();
    assert_eq!(total.count(), 40_000);
    assert!((total.sum() - 0.12).abs() < 1e-9);
}

#[test]
fn a_record_while_the_thread_is_torn_down_counts() {
    struct Late(Counter, Latency);
    impl Drop for Late {
        fn drop(&mut self) {
            self.0.inc();
            self.1.record(Duration::from_millis(2));
        }
    }
    thread_local!(static LATE: std::cell::RefCell<Option<Late>> = const { std::cell::RefCell::new(None) });

    let bench = Bench::new();
    let jobs = bench.registry.counter(&JOBS, &["late"]).unwrap();
    let wait = bench.registry.latency(&WAIT, &["late"]).unwrap();
    for first in [true, false] {
        let (jobs, wait) = (jobs.clone(), wait.clone());
        // Whether the destructor runs before or after the lane's depends on which was used first.
        let work = move || {
            if first {
                jobs.inc();
            }
            LATE.with_borrow_mut(|late| *late = Some(Late(jobs.clone(), wait)));
            if !first {
                jobs.inc();
            }
        };
        thread::spawn(work).join().unwrap();
    }
    assert_eq!(jobs.total(), 4);
    assert_eq!(bench.registry.read().view().latency(&wait).unwrap().total().count(), 2);
}

#[test]
fn series_that_come_and_go_reuse_their_cells() {
    let mut bench = Bench::new();
    for i in 0..5000 {
        let wait = bench.registry.latency(&WAIT, &[&format!("s{i}")]).unwrap();
        wait.record(Duration::from_millis(1));
        assert_eq!(bench.registry.read().view().latency(&wait).unwrap().total().count(), 1);
        drop(wait);
        bench.tick();
        bench.tick();
    }
    let bytes =
        bench.registry.latest().snapshot.value(RECORDING_BYTES.name(), &[]).unwrap().as_f64();
    assert!(bytes < 20e6, "{bytes} bytes for one series at a time");
}

#[test]
fn gauges_that_are_set_at_once_are_seen_at_once() {
    let registry = Registry::new();
    // So many that a pass and a call take long enough to meet.
    let gauges: Vec<_> =
        (0..300).map(|at| registry.gauge(&SHARE, &[&at.to_string()]).unwrap()).collect();
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        for value in [1.0, 2.0] {
            let values: Vec<_> = gauges.iter().map(|gauge| (gauge, value)).collect();
            let (registry, is_done) = (&registry, &is_done);
            scope.spawn(move || {
                while !is_done.load(Ordering::Relaxed) {
                    registry.set_all(&values);
                }
            });
        }
        let mixed = (0..500).find(|_| {
            let sample = registry.read();
            let seen = |gauge| sample.view().gauge(gauge);
            gauges.iter().any(|gauge| seen(gauge) != seen(&gauges[0]))
        });
        is_done.store(true, Ordering::Relaxed);
        assert_eq!(mixed, None, "a pass that saw some of a change");
    });
}

#[test]
fn readers_that_arrive_together_share_passes() {
    let registry = Registry::new();
    registry.read();
    let _held: Vec<_> =
        (0..400).map(|i| registry.latency(&WAIT, &[&format!("w{i}")]).unwrap()).collect();
    let before = registry.read().pass;
    let reads = 64;
    thread::scope(|scope| {
        for _ in 0..reads {
            scope.spawn(|| registry.read());
        }
    });
    let passes = registry.read().pass - before;
    assert!(passes <= reads + 1);
}
