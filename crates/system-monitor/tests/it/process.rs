//! The numbers of the process: compared with those of other programs, and read from fixed files.

use std::process;

use node0_metrics_core::RegisterError;
use node0_system_monitor::SystemMonitor;
use testbed::Deadline;

use crate::ask::ask;
use crate::bench::{Bench, number, real};
use crate::computing::Computing;
use crate::tree::{PAGE, Stat, Tree};

#[test]
fn most_open_files_agree_with_getconf() {
    let theirs = testbed::require!(ask("getconf", &["OPEN_MAX"]));
    let (registry, monitor) = real();
    assert_eq!(monitor.process(&registry.read()).max_file_descriptors, Some(theirs[0]));
}

#[test]
fn start_agrees_with_ps() {
    let pid = process::id().to_string();
    let age = || ask("ps", &["-o", "etimes=", "-p", &pid]);
    let before = testbed::require!(age())[0];
    let (registry, monitor) = real();
    let sample = registry.read();
    let uptime = monitor.process(&sample).uptime.unwrap();
    // It has whole seconds, and a loaded machine takes its time between two looks.
    let theirs = before as f64 - 1.0..=age().unwrap()[0] as f64 + 1.0;
    assert!(theirs.contains(&uptime.as_secs_f64()), "{uptime:?}, and ps has {theirs:?}");
    let start = number(&sample, "process_start_time_seconds", &[]);
    let now = sample.at.as_millis() as f64 / 1e3;
    assert!((now - start - uptime.as_secs_f64()).abs() < 1.0, "{start} is {uptime:?} before {now}");
}

#[test]
fn process_that_computes_uses_cpu() {
    let _computing = Computing::start();
    let (registry, monitor) = real();
    let seen = Deadline::seconds(20).poll(|| {
        let percent = monitor.process(&registry.read()).cpu_percent?;
        // Two threads compute; how much they get of the cores is up to the machine.
        (percent > 5.0).then_some(percent)
    });
    assert!(seen.is_some());
}

#[test]
fn every_number_is_what_the_files_say() {
    let tree = Tree::of("files", Stat::default());
    let mut bench = Bench::on(tree.root());
    let sample = bench.tick();
    let expected = [
        ("process_cpu_seconds_total", 12.34),
        ("process_max_fds", 1024.0),
        ("process_virtual_memory_bytes", f64::from(64 << 20)),
        ("process_virtual_memory_max_bytes", f64::INFINITY),
        ("process_resident_memory_bytes", (512 * PAGE) as f64),
        ("process_threads", 7.0),
        ("process_uptime_seconds", 601.5),
        ("process_start_time_seconds", 1_577_836_800.0 - 600.5),
        ("process_memory_limit_bytes", f64::from(8 << 20)),
        ("process_cpu_usage_cores", 0.0),
    ];
    for (name, value) in expected {
        assert_eq!(number(&sample, name, &[]), value, "{name}");
    }
    let families = sample.snapshot.families().map(|family| family.desc.name.to_string());
    let found: Vec<_> = families
        .filter(|name| name.starts_with("process_") || name.starts_with("cgroup_"))
        .collect();
    assert_eq!(found.len(), expected.len(), "absent, since no file tells it: {found:?}");
}

#[test]
fn nothing_is_shown_of_what_cannot_be_read() {
    let tree = Tree::new("nothing");
    let mut bench = Bench::on(tree.root());
    let sample = bench.tick();
    let shown = sample.snapshot.families().map(|family| family.desc.name.to_string());
    let shown: Vec<_> = shown.filter(|name| !name.starts_with("node0_")).collect();
    assert_eq!(shown, Vec::<String>::new());
    let process = bench.monitor.process(&sample);
    assert_eq!((process.threads, process.cpu_percent, process.uptime), (None, None, None));
}

#[test]
fn what_cannot_be_read_any_more_is_unknown() {
    let tree = Tree::of("gone", Stat::default());
    let mut bench = Bench::on(tree.root());
    assert_eq!(bench.monitor.process(&bench.registry.read()).threads, Some(7));
    tree.write("proc/self/stat", "");
    let sample = bench.tick();
    assert_eq!(bench.monitor.process(&sample).threads, None);
    assert!(number(&sample, "process_threads", &[]).is_nan());
    assert_eq!(number(&sample, "process_cpu_seconds_total", &[]), 12.34);
}

#[test]
fn cpu_is_what_was_used_since_the_last_tick() {
    let stat = |cpu_ticks| Stat { cpu_ticks, ..Stat::default() };
    let tree = Tree::of("cpu", stat(1000));
    let mut bench = Bench::on(tree.root());
    let percent = |bench: &Bench| bench.monitor.process(&bench.registry.latest()).cpu_percent;
    bench.tick_now();
    assert_eq!(percent(&bench), None);
    tree.stat(stat(1050));
    bench.tick();
    assert_eq!(percent(&bench), Some(50.0));
    tree.stat(stat(1300));
    bench.tick();
    assert_eq!(percent(&bench), Some(250.0));
    // Polls in between change nothing: the kernel counts too coarsely for them.
    tree.stat(stat(1301));
    bench.tick_now();
    assert_eq!(percent(&bench), Some(250.0));
    assert_eq!(number(&bench.tick(), "process_cpu_seconds_total", &[]), 13.01);
}

#[test]
fn process_in_a_container_with_an_uptime_of_its_own_has_no_start() {
    let tree = Tree::of("lxc", Stat { start_ticks: 200_000, ..Stat::default() });
    let mut bench = Bench::on(tree.root());
    let sample = bench.tick();
    assert!(sample.snapshot.value("process_start_time_seconds", &[]).is_none());
    assert_eq!(bench.monitor.process(&sample).uptime, None);
    assert_eq!(bench.monitor.process(&sample).threads, Some(7));
}

#[test]
fn heap_is_what_the_hosts_allocator_says() {
    let tree = Tree::new("heap");
    let heap = || Some(4096);
    let mut bench = Bench::with(SystemMonitor::builder().root(tree.root()).heap(heap));
    assert_eq!(number(&bench.tick(), "process_heap_bytes", &[]), 4096.0);
}

#[test]
fn registry_has_one_system_monitor() {
    let bench = Bench::new();
    let second = SystemMonitor::register(&bench.registry).unwrap_err();
    assert_eq!(second, RegisterError::DuplicateTopic { topic: "system" });
}
