//! Workers, queue and tasks of real runtimes that are idle, blocked and busy.

use node0_metrics_core::Registry;
use node0_system_monitor::SystemMonitor;
use testbed::Deadline;

use crate::bench::{Bench, Driven, number, real};

/// Waits until the busy ratios of all workers, the busiest first, are as wanted.
#[track_caller]
fn wait_for(registry: &Registry, monitor: &SystemMonitor, wanted: impl Fn(&[f64]) -> bool) {
    let mut last = Vec::new();
    let seen = Deadline::seconds(10).until(|| {
        let ratios = monitor.worker_busy_ratios(&registry.read(), "main").unwrap();
        let Some(mut ratios) = ratios.into_iter().collect::<Option<Vec<_>>>() else {
            return false;
        };
        ratios.sort_by(|a, b| b.total_cmp(a));
        last.clone_from(&ratios);
        wanted(&ratios)
    });
    assert!(seen, "the workers' busy ratios are {last:?}");
}

#[test]
fn one_blocked_worker_of_two_shows_as_busy_while_it_is_blocked() {
    let runtime = Driven::two_workers();
    let (registry, monitor) = real();
    let _main = monitor.attach("main", runtime.handle()).unwrap();
    let blocked = runtime.block();
    wait_for(&registry, &monitor, |busy| busy[0] >= 0.9 && busy[1] < 0.5);
    let all = monitor.runtime(&registry.read(), "main").unwrap().busy_ratio.unwrap();
    assert!((0.45..0.75).contains(&all), "{all}");
    drop(blocked);
    wait_for(&registry, &monitor, |busy| busy[0] < 0.5);
}

#[test]
fn blocked_current_thread_runtime_is_busy_and_an_idle_one_is_not() {
    let runtime = Driven::current_thread();
    let (registry, monitor) = real();
    let _main = monitor.attach("main", runtime.handle()).unwrap();
    wait_for(&registry, &monitor, |busy| busy == [busy[0]] && busy[0] < 0.5);
    let blocked = runtime.block();
    wait_for(&registry, &monitor, |busy| busy == [1.0]);
    drop(blocked);
}

#[test]
fn tasks_that_no_worker_takes_are_the_queue() {
    let runtime = Driven::current_thread();
    let (registry, monitor) = real();
    let _main = monitor.attach("main", runtime.handle()).unwrap();
    let blocked = runtime.block();
    let tasks: Vec<_> = (0..5).map(|_| runtime.handle().spawn(async {})).collect();
    let seen = Deadline::seconds(10).until(|| {
        let main = monitor.runtime(&registry.read(), "main").unwrap();
        // The one that blocks is alive too, and waits no more.
        (main.queue_depth, main.tasks) == (Some(5), Some(6))
    });
    assert!(seen);
    drop(blocked);
    assert!(Deadline::seconds(10).until(|| tasks.iter().all(|task| task.is_finished())));
}

#[test]
fn tasks_are_counted_without_the_canary_from_the_first_on() {
    let runtime = Driven::current_thread();
    let tasks = [1, 2].map(|_| runtime.handle().spawn(std::future::pending::<()>()));
    let bench = Bench::new();
    let _main = bench.monitor.attach("main", runtime.handle()).unwrap();
    // Nobody has polled yet: the bench ticks when it is told.
    assert_eq!(bench.monitor.runtime(&bench.registry.read(), "main").unwrap().tasks, Some(2));
    tasks.iter().for_each(|task| task.abort());
}

#[test]
fn idle_workers_park() {
    let runtime = Driven::two_workers();
    let (registry, monitor) = real();
    let _main = monitor.attach("main", runtime.handle()).unwrap();
    let parks = || {
        let sample = registry.read();
        let of = |worker| {
            let labels = [("runtime", "main"), ("worker", worker)];
            number(&sample, "tokio_worker_parks_total", &labels)
        };
        of("0") + of("1")
    };
    // The canary alone wakes one of them a hundred times a second.
    assert!(Deadline::seconds(10).until(|| parks() > 10.0));
}

#[test]
fn several_runtimes_add_up() {
    let (one, two) = (Driven::current_thread(), Driven::two_workers());
    let (registry, monitor) = real();
    let _one = monitor.attach("one", one.handle()).unwrap();
    let _two = monitor.attach("two", two.handle()).unwrap();
    let sample = registry.read();
    assert_eq!(monitor.totals(&sample).workers, Some(3));
    assert_eq!(monitor.runtime(&sample, "two").unwrap().workers, Some(2));
    assert_eq!(monitor.runtimes(), ["one", "two"]);
}
