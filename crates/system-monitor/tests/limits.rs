//! A process without a free file descriptor, which is a test binary of its own: no other test
//! could open a file meanwhile.
#![cfg(target_os = "linux")]

use std::fs::File;
use std::time::Duration;

use node0_metrics_core::{GuestCall, Registry};
use node0_system_monitor::SystemMonitor;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[test]
fn process_out_of_file_descriptors_is_critical_and_forgets_nothing() {
    let minute = Duration::from_secs(60);
    let builder = Registry::builder().guest_timeout(minute);
    let registry = builder.guest_budget(GuestCall::Poll, minute).build();
    let monitor = SystemMonitor::register(&registry).unwrap();
    let mut ticker = registry.ticker().unwrap();
    let before = monitor.process(&ticker.tick().sample);

    let limit = Rlimit { current: Some(64), ..getrlimit(Resource::Nofile) };
    setrlimit(Resource::Nofile, limit).unwrap();
    let all: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    // Limits are read at every fifth poll.
    let sample = (0..5).map(|_| ticker.tick().sample).last().unwrap();
    let (process, assessment) = (monitor.process(&sample), monitor.assess(&sample));
    drop(all);

    // A file that was there before the limit may be beyond it.
    assert!(process.open_file_descriptors >= Some(64));
    assert_eq!(process.max_file_descriptors, Some(64));
    assert!(process.threads.is_some());
    assert_eq!(process.memory_limit_bytes, before.memory_limit_bytes);
    assert!(process.resident_memory_bytes > Some(0));
    let finding = assessment.findings.iter().find(|found| found.code == "many_open_files");
    let finding = finding.unwrap_or_else(|| panic!("{assessment:#?}"));
    assert!(finding.message.ends_with("of 64 files are open"), "{}", finding.message);
    assert_eq!(finding.severity, node0_metrics_core::Severity::Critical);
}
