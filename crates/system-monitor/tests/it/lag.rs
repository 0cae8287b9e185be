//! The lag canary: its records under a manual clock, and beside tasks that really block.

use std::sync::{Arc, Barrier};
use std::time::Duration;

use node0_metrics_core::{Assessment, Sample};
use node0_system_monitor::{MonitoredRuntime, SystemMonitor};
use testbed::Deadline;
use testbed::deadline::pause;
use tokio::runtime::Builder;
use tokio::task::yield_now;

use crate::bench::{Bench, Driven, ms, number, real, sum_millis};

const MAIN: &[(&str, &str)] = &[("runtime", "main")];

/// Runs on a runtime whose time stands still, with a canary that sleeps by then.
pub(crate) fn paused(mut bench: Bench, test: impl AsyncFnOnce(&mut Bench, MonitoredRuntime)) {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let main = bench.monitor.attach("main", runtime.handle()).unwrap();
    runtime.block_on(async {
        yield_now().await;
        test(&mut bench, main).await;
    });
}

/// Wakes the canary so late.
pub(crate) async fn wake(bench: &Bench, late: Duration) {
    bench.clock.advance(ms(20) + late);
    tokio::time::advance(ms(21)).await;
    yield_now().await;
}

#[test]
fn wake_up_in_time_has_no_lag() {
    paused(Bench::new(), async |bench, _main| {
        for _ in 0..3 {
            wake(bench, Duration::ZERO).await;
        }
        let sample = bench.tick_now();
        assert_eq!(number(&sample, "tokio_lag_seconds", MAIN), 3.0);
        assert_eq!(sum_millis(&sample, "tokio_lag_seconds", MAIN), 0.0);
    });
}

#[test]
fn missed_wake_ups_count_with_the_rest_of_the_time() {
    paused(Bench::new(), async |bench, _main| {
        wake(bench, ms(65)).await;
        let sample = bench.tick_now();
        // Those that were due after 20 and 40 ms of it waited for 45 and 25.
        assert_eq!(number(&sample, "tokio_lag_seconds", MAIN), 3.0);
        assert_eq!(sum_millis(&sample, "tokio_lag_seconds", MAIN), 135.0);
        let lag = bench.monitor.runtime(&sample, "main").unwrap().lag;
        let max = lag.max.unwrap();
        assert!(max.abs_diff(ms(65)) < ms(1), "{max:?}");
    });
}

#[test]
fn longest_stall_is_recorded_in_bounded_time() {
    paused(Bench::new(), async |bench, _main| {
        wake(bench, Duration::from_secs(3600)).await;
        let count = number(&bench.tick_now(), "tokio_lag_seconds", MAIN);
        assert!((900.0..=1000.0).contains(&count), "{count}");
    });
}

#[test]
fn canary_that_was_not_woken_is_a_stall() {
    paused(Bench::new(), async |bench, _main| {
        assert_eq!(number(&bench.tick_now(), "tokio_stall_seconds", MAIN), 0.0);
        bench.clock.advance(ms(770));
        assert_eq!(number(&bench.tick_now(), "tokio_stall_seconds", MAIN), 0.75);
        wake(bench, Duration::ZERO).await;
        assert_eq!(number(&bench.tick_now(), "tokio_stall_seconds", MAIN), 0.0);
    });
}

/// The lag and the pauses that are recorded: their numbers.
fn recorded(sample: &Sample) -> [f64; 2] {
    let pauses = number(sample, "process_pause_duration_seconds", &[]);
    [number(sample, "tokio_lag_seconds", MAIN), pauses]
}

#[test]
fn stop_of_the_whole_process_is_one_pause_and_no_lag() {
    // After a stop, either the poll or the canary comes first.
    for poll_is_first in [false, true] {
        paused(Bench::new(), async |bench, _main| {
            for _ in 0..5 {
                for _ in 0..50 {
                    wake(bench, Duration::ZERO).await;
                }
                bench.tick_now();
            }
            let [before, none] = recorded(&bench.tick_now());
            assert_eq!(none, 0.0);
            bench.clock.advance(Duration::from_secs(15));
            if poll_is_first {
                assert_eq!(number(&bench.tick_now(), "tokio_stall_seconds", MAIN), 0.0);
            }
            wake(bench, Duration::ZERO).await;
            let sample = bench.tick_now();
            let [after, pauses] = recorded(&sample);
            assert_eq!((after - before, pauses), (1.0, 1.0), "poll first: {poll_is_first}");
            let seconds = sum_millis(&sample, "process_pause_duration_seconds", &[]) / 1e3;
            assert!((14.0..=15.1).contains(&seconds), "{seconds} s");
            let codes = |assessment: Assessment| -> Vec<_> {
                assessment.findings.iter().map(|finding| finding.code).collect()
            };
            let runtime = bench.monitor.assess_runtime(&sample, "main").unwrap();
            let late = ["runtime_stalled", "high_runtime_lag"];
            assert!(!codes(runtime).iter().any(|code| late.contains(code)));
            let system = bench.monitor.assess(&sample);
            assert_eq!(system.score, Some(92));
            assert_eq!(codes(system), ["process_paused"]);
            let later = bench.tick_now();
            assert!(codes(bench.monitor.assess(&later)).is_empty(), "it is over");
        });
    }
}

#[test]
fn stall_of_the_runtime_alone_is_lag_and_no_pause() {
    paused(Bench::new(), async |bench, _main| {
        for _ in 0..20 {
            bench.tick();
        }
        wake(bench, Duration::ZERO).await;
        let [lags, pauses] = recorded(&bench.tick_now());
        assert!(lags > 900.0, "{lags}");
        assert_eq!(pauses, 0.0);
    });
}

#[test]
fn late_wake_ups_are_lag_where_nobody_ticks() {
    paused(Bench::new(), async |bench, _main| {
        bench.tick();
        wake(bench, Duration::from_secs(15)).await;
        assert_eq!(recorded(&bench.tick_now())[1], 0.0);
    });
}

#[test]
fn canary_sleeps_as_long_as_it_is_set() {
    let bench = Bench::with(SystemMonitor::builder().canary_interval(ms(50)));
    paused(bench, async |bench, _main| {
        bench.clock.advance(ms(60));
        tokio::time::advance(ms(45)).await;
        yield_now().await;
        assert_eq!(number(&bench.tick_now(), "tokio_lag_seconds", MAIN), 0.0);
        tokio::time::advance(ms(6)).await;
        yield_now().await;
        assert_eq!(sum_millis(&bench.tick_now(), "tokio_lag_seconds", MAIN), 10.0);
    });
}

/// Blocks this number of workers for 200 ms at once, and waits until the lag shows it.
#[track_caller]
fn check_blocked(runtime: &Driven, tasks: usize) {
    let (registry, monitor) = real();
    let _main = monitor.attach("main", runtime.handle()).unwrap();
    let longest = || monitor.runtime(&registry.read(), "main")?.lag.max;
    let sings = Deadline::seconds(10).until(|| longest().is_some());
    assert!(sings, "the canary does not wake");
    let at_once = Arc::new(Barrier::new(tasks));
    for _ in 0..tasks {
        let at_once = at_once.clone();
        runtime.handle().spawn(async move {
            at_once.wait();
            pause(ms(200));
        });
    }
    let seen = Deadline::seconds(2).until(|| longest() >= Some(ms(175)));
    assert!(seen, "the longest lag is {:?}", longest());
}

#[test]
fn task_that_blocks_a_current_thread_runtime_shows_within_two_seconds() {
    check_blocked(&Driven::current_thread(), 1);
}

#[test]
fn two_tasks_that_block_both_workers_at_once_show_within_two_seconds() {
    check_blocked(&Driven::two_workers(), 2);
}
