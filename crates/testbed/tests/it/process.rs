//! The guard of a child process.

use std::process::Command;

use testbed::Deadline;
use testbed::process::{Process, ProcessError, Signal};

fn shell(script: &str) -> Process {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    Process::spawn(command).expect("a shell starts")
}

fn is_running(pid: u32) -> bool {
    std::path::Path::new(&format!("/proc/{pid}")).exists()
}

#[test]
fn line_is_found_on_either_stream() {
    let mut child = shell("echo one; echo two >&2; exec sleep 60");
    let deadline = Deadline::seconds(10);
    assert_eq!(child.wait_for_line("on", deadline).expect("stdout"), "one");
    assert_eq!(child.wait_for_line("tw", deadline).expect("stderr"), "two");
    assert_eq!((child.stdout().as_str(), child.stderr().as_str()), ("one\n", "two\n"));
}

#[test]
fn end_before_the_line_reports_everything_said() {
    let mut child = shell("echo the reason >&2; exit 7");
    let error = child.wait_for_line("ready", Deadline::seconds(10)).expect_err("it ended");
    let ProcessError::Ended { status, output, .. } = error else { panic!("{error}") };
    assert_eq!((status.code(), output.as_str()), (Some(7), "the reason\n"));
}

#[test]
fn silence_ends_with_the_deadline() {
    let mut child = shell("exec sleep 60");
    let error = child.wait_for_line("ready", Deadline::seconds(0)).expect_err("it is silent");
    assert!(matches!(error, ProcessError::Silent { .. }), "{error}");
    let error = child.wait(Deadline::seconds(0)).expect_err("it runs on");
    assert!(matches!(error, ProcessError::StillRunning { .. }), "{error}");
}

#[test]
fn program_that_is_not_there_is_named() {
    let error = Process::spawn(Command::new("/nowhere/at-all")).expect_err("no such program");
    assert!(error.to_string().contains("/nowhere/at-all"));
}

#[test]
fn dropped_guard_ends_the_child() {
    let child = shell("exec sleep 60");
    let pid = child.pid();
    assert!(is_running(pid));
    drop(child);
    assert!(!is_running(pid));
}

#[test]
fn terminate_lets_the_child_clean_up() {
    let mut child = shell("trap 'echo clean; exit 3' TERM; echo up; while :; do sleep 0.05; done");
    child.wait_for_line("up", Deadline::seconds(10)).expect("it starts");
    let status = child.terminate(Deadline::seconds(10)).expect("it ends");
    assert_eq!((status.code(), child.stdout().as_str()), (Some(3), "up\nclean\n"));
}

#[test]
fn signal_to_an_ended_child_is_refused() {
    let mut child = shell("exit 0");
    child.wait(Deadline::seconds(10)).expect("it ends");
    let error = child.signal(Signal::TERM).expect_err("nobody to signal");
    assert!(matches!(error, ProcessError::Control { .. }), "{error}");
}
