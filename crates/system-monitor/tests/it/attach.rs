//! Attaching runtimes: names, refusals, and the ends of attachments, runtimes and registries.

use std::time::Duration;

use node0_metrics_core::{Desc, InstanceError, RegisterError};
use node0_system_monitor::{AttachError, DESCS, SystemMonitor};
use testbed::{Deadline, promtool, tools};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::bench::{Bench, Driven, number, real};

fn idle() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

/// Waits until no task of a runtime is left.
#[track_caller]
fn wait_for_silence(runtime: &Handle) {
    let tasks = || runtime.metrics().num_alive_tasks();
    assert!(Deadline::seconds(10).until(|| tasks() == 0), "{} tasks are left", tasks());
}

#[test]
fn name_means_one_living_runtime() {
    let bench = Bench::new();
    let runtime = idle();
    let main = bench.monitor.attach("main", runtime.handle()).unwrap();
    assert_eq!(main.name(), "main");
    let error = bench.monitor.attach("main", idle().handle()).unwrap_err();
    let AttachError::Instance(InstanceError::Duplicate { ref name, .. }) = error else {
        panic!("{error:?}")
    };
    assert_eq!(name, "main");
    assert_eq!(
        error.to_string(),
        "runtime `main` is watched already: clone its handle or choose another name"
    );
    let again = bench.monitor.attach("again", runtime.handle()).unwrap_err();
    assert_eq!(
        again.to_string(),
        "runtime `again` is watched already, as `main`: use what watches that one"
    );
    let other = idle();
    let _other = bench.monitor.attach("other", other.handle()).unwrap();
    assert_eq!(bench.monitor.runtimes(), ["main", "other"]);
}

#[test]
fn name_that_cannot_be_a_label_of_one_runtime_is_refused() {
    let bench = Bench::new();
    let runtime = idle();
    for name in ["", "_other", "line\nbreak", &"x".repeat(257)] {
        let error = bench.monitor.attach(name, runtime.handle()).unwrap_err();
        let AttachError::Instance(InstanceError::Name { name: refused, .. }) = error else {
            panic!("{error:?}")
        };
        assert_eq!(refused, name);
    }
    assert!(bench.monitor.runtimes().is_empty());
}

#[test]
fn runtime_without_timers_is_refused() {
    let bench = Bench::new();
    let runtime = Builder::new_current_thread().build().unwrap();
    let error = bench.monitor.attach("main", runtime.handle()).unwrap_err();
    assert!(matches!(error, AttachError::NoTimers { ref name } if name == "main"), "{error:?}");
    assert!(bench.monitor.attach("main", idle().handle()).is_ok());
}

#[test]
fn taken_metric_name_refuses_the_runtime() {
    const OTHERS: Desc = Desc::up_down("tokio_workers", "Somebody else's.");
    let bench = Bench::new();
    let _others = bench.registry.up_down(&OTHERS, &[]).unwrap();
    let error = bench.monitor.attach("main", idle().handle()).unwrap_err();
    let AttachError::Instance(InstanceError::Register { source, .. }) = error else {
        panic!("{error:?}")
    };
    assert!(matches!(source, RegisterError::Conflict { .. }), "{source:?}");
}

#[test]
fn dropped_attachment_takes_its_series_along_and_frees_its_name() {
    let mut bench = Bench::new();
    let runtime = idle();
    let main = bench.monitor.attach("main", runtime.handle()).unwrap();
    let same = main.clone();
    drop(main);
    assert_eq!(number(&bench.tick(), "tokio_workers", &[("runtime", "main")]), 1.0);
    drop(same);
    assert!(bench.monitor.attach("main", runtime.handle()).is_ok());
    bench.tick();
    let sample = bench.tick();
    let left = sample.snapshot.families().filter(|family| family.desc.name.starts_with("tokio_"));
    assert_eq!(left.count(), 0);
    assert!(bench.monitor.runtime(&sample, "main").is_none());
    assert!(bench.monitor.runtimes().is_empty());
}

#[test]
fn canary_ends_with_the_attachment() {
    let runtime = Driven::two_workers();
    // One that would sleep for longer than this test.
    let hour = Duration::from_secs(3600);
    let bench = Bench::with(SystemMonitor::builder().canary_interval(hour));
    let main = bench.monitor.attach("main", runtime.handle()).unwrap();
    assert_eq!(runtime.handle().metrics().num_alive_tasks(), 1);
    drop(main);
    wait_for_silence(runtime.handle());
}

#[test]
fn canary_ends_with_the_registry() {
    let runtime = Driven::current_thread();
    let (registry, monitor) = real();
    let _main = monitor.attach("main", runtime.handle()).unwrap();
    drop((registry, monitor));
    wait_for_silence(runtime.handle());
}

#[test]
fn runtime_that_is_gone_leaves_no_levels_behind_and_frees_its_name() {
    let mut bench = Bench::new();
    let runtime = idle();
    let _main = bench.monitor.attach("main", runtime.handle()).unwrap();
    bench.tick();
    drop(runtime);
    let sample = bench.tick();
    assert!(number(&sample, "tokio_workers", &[("runtime", "main")]).is_nan());
    assert!(bench.monitor.runtimes().is_empty());
    let next = idle();
    let _next = bench.monitor.attach("main", next.handle()).unwrap();
    assert_eq!(number(&bench.tick(), "tokio_workers", &[("runtime", "main")]), 1.0);
}

#[test]
fn thousands_of_attachments_leave_nothing() {
    let mut bench = Bench::new();
    let runtime = Driven::two_workers();
    // From the first runtime on, pauses are known.
    drop(bench.monitor.attach("main", runtime.handle()).unwrap());
    bench.tick();
    let before = bench.tick().snapshot.families().len();
    for cycle in 0..5000 {
        drop(bench.monitor.attach("main", runtime.handle()).unwrap());
        if cycle % 100 == 0 {
            bench.tick();
        }
    }
    wait_for_silence(runtime.handle());
    bench.tick();
    assert_eq!(bench.tick().snapshot.families().len(), before);
}

#[test]
fn every_description_has_its_series_on_linux() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let mut bench = Bench::with(SystemMonitor::builder().heap(|| Some(1)));
    let runtime = idle();
    let _main = bench.monitor.attach("main", runtime.handle()).unwrap();
    let sample = bench.tick();
    // A machine may have no cgroups.
    let missing: Vec<_> = DESCS
        .iter()
        .map(|desc| desc.name())
        .filter(|name| !name.starts_with("cgroup_") && sample.snapshot.family(name).is_none())
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn promtool_has_nothing_to_say_about_the_names() {
    let page: String = DESCS
        .iter()
        .map(|desc| {
            let (name, help, kind) = (desc.name(), desc.help(), desc.kind().metric_type());
            let sample = match kind {
                "histogram" => {
                    format!("{name}_bucket{{le=\"+Inf\"}} 1\n{name}_sum 1\n{name}_count 1")
                }
                _ => format!("{name} 1"),
            };
            format!("# HELP {name} {help}\n# TYPE {name} {kind}\n{sample}\n")
        })
        .collect();
    for tool in [tools::prometheus_2_42(), tools::prometheus_2_53()] {
        let tool = testbed::require!(tool);
        let report = promtool::check_metrics(&tool, &page).unwrap();
        assert_eq!((report.exit, report.lines), (Some(0), Vec::new()));
    }
}
