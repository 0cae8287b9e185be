//! Signals that stop the demo, at any time, and what it leaves: nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use testbed::process::{Process, Signal};
use testbed::{Deadline, tools};

use crate::demo::{Demo, command, prepared};

/// Creates an empty folder in which every user may write.
fn public_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o1777)).expect("it is ours");
    folder
}

fn entries(folder: &Path) -> usize {
    fs::read_dir(folder).expect("it exists").count()
}

#[test]
fn each_signal_that_stops_leaves_nothing_behind() {
    for signal in [Signal::HUP, Signal::QUIT, Signal::INT, Signal::TERM] {
        let folder = public_folder();
        // SIGHUP may be ignored by who runs the tests, as by `nohup`, and then by the demo too.
        let mut usual = Command::new("env");
        usual.args(["--default-signal=HUP", env!("CARGO_BIN_EXE_node0-demo")]);
        let mut command = prepared(usual, &["--database", "embedded", "--drain", "100ms"]);
        command.env("TMPDIR", folder.path());
        let mut demo = Demo::spawn(command);
        assert!(entries(folder.path()) > 0);
        demo.process.signal(signal).expect("it runs");
        let status = demo.process.wait(Deadline::seconds(7)).expect("it ends by itself");
        assert!(status.success(), "{signal:?}: {status}: {}", demo.process.stderr());
        assert_eq!(entries(folder.path()), 0, "{signal:?}");
    }
}

#[test]
fn two_signals_at_once_are_two() {
    let mut demo = Demo::start(&["--drain", "30s"]);
    demo.process.signal(Signal::TERM).expect("it runs");
    demo.process.signal(Signal::INT).expect("it runs");
    demo.process.wait(Deadline::seconds(7)).expect("it does not wait for the drain");
}

#[test]
fn a_signal_during_the_start_leaves_nothing_behind() {
    let postgres = testbed::require!(tools::postgres());
    let (bin, folder) = (postgres.bin_dir().display().to_string(), public_folder());
    let mut command = command(&["--database", "local", "--postgres-bin", &bin]);
    command.env("TMPDIR", folder.path());
    let mut process = Process::spawn(command).expect("it starts");
    assert!(Deadline::seconds(20).until(|| entries(folder.path()) > 0), "initdb begins");
    process.signal(Signal::TERM).expect("it runs");
    let status = process.wait(Deadline::seconds(20)).expect("it ends by itself");
    assert!(status.success(), "{status}: {}", process.stderr());
    assert_eq!(entries(folder.path()), 0, "{}", process.stderr());
}
