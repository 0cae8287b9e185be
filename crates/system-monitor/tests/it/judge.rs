//! Judgements: the findings, their penalties, and the result without data.

use std::time::Duration;

use node0_metrics_core::{Assessment, Status};
use node0_system_monitor::{RUNTIME_TOPIC, SystemMonitor, TOPIC, Thresholds};

use crate::bench::{Bench, ms};
use crate::lag::{paused, wake};
use crate::tree::{Stat, Tree};

#[track_caller]
fn check(assessment: &Assessment, score: u8, codes: &[&str]) {
    let found: Vec<_> = assessment.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(found, codes, "{assessment:#?}");
    assert_eq!(assessment.score, Some(score));
    assert_eq!(assessment.status, Status::of(Some(score)));
    assert_eq!(assessment.recommendations().len(), assessment.findings.len());
}

/// A process that holds this number of the machine's 2048 pages.
fn holding(name: &str, resident_pages: u64) -> (Tree, Bench) {
    let tree = Tree::of(name, Stat { resident_pages, ..Stat::default() });
    let bench = Bench::on(tree.root());
    (tree, bench)
}

#[track_caller]
fn judge(bench: &mut Bench) -> Assessment {
    let sample = bench.tick();
    bench.monitor.assess(&sample)
}

#[test]
#[cfg(target_os = "linux")]
fn process_within_its_limits_says_how_much_memory_it_uses() {
    let (_tree, mut bench) = holding("assess-fine", 1335);
    let assessment = judge(&mut bench);
    check(&assessment, 100, &[]);
    assert_eq!(assessment.summary, "Memory usage: 65.2%");
}

#[test]
#[cfg(target_os = "linux")]
fn memory_is_a_warning_above_eighty_percent_and_a_failure_above_ninety() {
    let (tree, mut bench) = holding("assess-memory", 1638);
    check(&judge(&mut bench), 100, &[]);
    tree.stat(Stat { resident_pages: 1639, ..Stat::default() });
    let assessment = judge(&mut bench);
    check(&assessment, 80, &["high_memory"]);
    assert_eq!(assessment.status, Status::Degraded);
    assert_eq!(assessment.summary, "Memory usage of the process: 80.0% of 8 MiB");
    assert_eq!(assessment.findings[0].threshold, 0.8);
    tree.stat(Stat { resident_pages: 1844, ..Stat::default() });
    let assessment = judge(&mut bench);
    check(&assessment, 60, &["high_memory"]);
    assert_eq!(assessment.status, Status::Unhealthy);
    assert_eq!(assessment.findings[0].threshold, 0.9);
}

#[test]
#[cfg(target_os = "linux")]
fn cgroup_that_is_nearer_to_its_limit_than_the_process_is_the_issue() {
    let (tree, _) = holding("assess-cgroup", 100);
    let v2 = "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
    tree.write("proc/self/mountinfo", v2);
    tree.write("proc/self/cgroup", "0::/\n");
    tree.write("sys/fs/cgroup/memory.max", "4194304");
    tree.write("sys/fs/cgroup/memory.current", "3984588");
    tree.write("sys/fs/cgroup/memory.stat", "inactive_file 0\n");
    let mut bench = Bench::on(tree.root());
    let assessment = judge(&mut bench);
    check(&assessment, 60, &["high_memory"]);
    assert_eq!(assessment.summary, "Memory usage of the cgroup: 95.0% of 4 MiB");
}

#[test]
#[cfg(target_os = "linux")]
fn usage_that_is_shown_is_that_of_the_group_that_is_nearer_to_its_limit() {
    let (tree, _) = holding("assess-group", 1);
    tree.write("proc/self/mountinfo", "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    tree.write("proc/self/cgroup", "0::/\n");
    tree.write("sys/fs/cgroup/memory.high", "4194304");
    tree.write("sys/fs/cgroup/memory.current", "2097152");
    tree.write("sys/fs/cgroup/memory.stat", "inactive_file 0\n");
    let mut bench = Bench::on(tree.root());
    assert_eq!(judge(&mut bench).summary, "Memory usage: 50.0%");
}

#[test]
#[cfg(target_os = "linux")]
fn process_at_its_limit_is_critical_whatever_the_thresholds() {
    let tree = Tree::of("assess-limit", Stat { resident_pages: 2048, ..Stat::default() });
    let thresholds = Thresholds { memory_warn: 1.0, memory_fail: 1.0, ..Thresholds::default() };
    let builder = SystemMonitor::builder().root(tree.root()).thresholds(thresholds);
    check(&judge(&mut Bench::with(builder)), 60, &["high_memory"]);
}

#[test]
#[cfg(target_os = "linux")]
fn open_files_are_judged_against_their_limit() {
    let thresholds = Thresholds { open_files_warn: 0.0, ..Thresholds::default() };
    let mut bench = Bench::with(SystemMonitor::builder().thresholds(thresholds));
    let sample = bench.tick();
    let assessment = bench.monitor.assess(&sample);
    let issue =
        assessment.findings.iter().find(|finding| finding.code == "many_open_files").unwrap();
    let process = bench.monitor.process(&sample);
    let (open, max) = (process.open_file_descriptors.unwrap(), process.max_file_descriptors);
    assert_eq!(issue.message, format!("{open} of {} files are open", max.unwrap()));
    assert_eq!(issue.observed, open as f64 / max.unwrap() as f64);
}

#[test]
fn process_that_tells_nothing_is_unknown() {
    let tree = Tree::new("assess-nothing");
    let mut bench = Bench::on(tree.root());
    let assessment = judge(&mut bench);
    assert_eq!((assessment.status, assessment.score), (Status::Unknown, None));
    assert_eq!(bench.tick().overall().score, None);
}

#[test]
fn monitor_without_runtimes_is_unknown() {
    let mut bench = Bench::new();
    let sample = bench.tick();
    let runtime = sample.topics.iter().find(|health| health.topic.check_key == "runtime").unwrap();
    assert_eq!(runtime.assessment.status, Status::Unknown);
    assert_eq!(runtime.assessment.summary, "no runtime is attached");
    assert!(bench.monitor.assess_runtime(&sample, "main").is_none());
}

#[test]
fn runtime_that_was_not_seen_at_work_is_unknown() {
    paused(Bench::new(), async |bench, _main| {
        let sample = bench.tick_now();
        let assessment = bench.monitor.assess_runtime(&sample, "main").unwrap();
        assert_eq!(assessment.status, Status::Unknown);
    });
}

/// A runtime whose workers' business does not matter, since a test's own is not steady.
fn lag_only() -> Bench {
    let thresholds = Thresholds { busy_ratio: 1.0, ..Thresholds::default() };
    Bench::with(SystemMonitor::builder().thresholds(thresholds))
}

#[test]
fn runtime_that_keeps_up_is_healthy() {
    paused(lag_only(), async |bench, _main| {
        for _ in 0..120 {
            wake(bench, ms(1)).await;
        }
        let sample = bench.tick_now();
        let assessment = bench.monitor.assess_runtime(&sample, "main").unwrap();
        check(&assessment, 100, &[]);
        assert_eq!(assessment.summary, "Runtime keeps up");
    });
}

#[test]
fn lag_is_a_warning_and_a_longer_one_a_failure() {
    for (late, score, threshold) in [(ms(120), 80, 0.1), (ms(900), 60, 0.5)] {
        paused(lag_only(), async |bench, _main| {
            for _ in 0..20 {
                wake(bench, late).await;
            }
            let sample = bench.tick_now();
            let assessment = bench.monitor.assess_runtime(&sample, "main").unwrap();
            check(&assessment, score, &["high_runtime_lag"]);
            assert_eq!(assessment.findings[0].threshold, threshold);
            assert_eq!(assessment.findings[0].component, "main");
        });
    }
}

#[test]
fn judging_a_sample_again_gives_the_same_and_changes_no_series() {
    paused(lag_only(), async |bench, _main| {
        for _ in 0..20 {
            wake(bench, ms(120)).await;
        }
        let sample = bench.tick_now();
        let series = |bench: &Bench| {
            let (sample, ours) = (bench.registry.read(), |name: &str| !name.starts_with("node0_"));
            let families = sample.snapshot.families().filter(|family| ours(&family.desc.name));
            families.map(|family| format!("{family:?}")).collect::<Vec<_>>()
        };
        let before = series(bench);
        let believed = |topic| sample.view().health(topic).map(|health| health.assessment.clone());
        for _ in 0..2 {
            assert_eq!(Some(bench.monitor.assess(&sample)), believed(&TOPIC));
            let main = bench.monitor.assess_runtime(&sample, "main");
            check(main.as_ref().unwrap(), 80, &["high_runtime_lag"]);
            assert_eq!(main, believed(&RUNTIME_TOPIC));
        }
        assert!(before.iter().any(|family| family.contains("tokio_lag_seconds")), "{before:#?}");
        assert_eq!(series(bench), before);
    });
}

#[test]
fn few_wake_ups_are_too_few_to_judge_the_lag() {
    paused(lag_only(), async |bench, _main| {
        for _ in 0..19 {
            wake(bench, ms(105)).await;
        }
        let sample = bench.tick_now();
        check(&bench.monitor.assess_runtime(&sample, "main").unwrap(), 100, &[]);
        wake(bench, ms(105)).await;
        let sample = bench.tick_now();
        let assessment = bench.monitor.assess_runtime(&sample, "main").unwrap();
        check(&assessment, 80, &["high_runtime_lag"]);
    });
}

#[test]
fn runtime_that_wakes_no_task_has_stalled() {
    paused(lag_only(), async |bench, _main| {
        bench.clock.advance(Duration::from_millis(1220));
        let sample = bench.tick_now();
        let assessment = bench.monitor.assess_runtime(&sample, "main").unwrap();
        check(&assessment, 60, &["runtime_stalled"]);
        assert_eq!(assessment.summary, "runtime `main` has woken no task for 1.200 s");
    });
}
