//! Starts of the demo by different users in different environments, and its cleanup.

use std::fs;
use std::path::Path;
use std::process::Command;

use testbed::Deadline;
use testbed::process::Signal;
use testbed::tools;

use crate::demo::{Demo, command, prepared};

/// Starts a demo, places and reads an order, stops it, and checks that nothing is left.
fn check(command: Command, database: &str, temporary: &Path) {
    let mut demo = Demo::spawn(command);
    assert_eq!(demo.said("database"), database, "{}", demo.ready);
    assert_eq!(demo.said("pid"), demo.process.pid().to_string());
    assert_eq!(demo.get("/health/ready").status, 200);
    let id = demo.order();
    assert_eq!(demo.json(&format!("/orders/{id}"))["customer"], "ann");
    assert_eq!(demo.process.stdout().lines().count(), 1, "one line on stdout");

    let children = children_of(demo.process.pid());
    demo.process.signal(Signal::TERM).expect("it runs");
    let status = demo.process.wait(Deadline::seconds(7)).expect("it ends within drain + 5 s");
    assert!(status.success(), "{status}: {}", demo.process.stderr());
    let gone = |pid: &u32| !Path::new(&format!("/proc/{pid}")).exists();
    assert!(Deadline::seconds(5).until(|| children.iter().all(gone)), "a child outlived the demo");
    let left: Vec<_> = fs::read_dir(temporary).expect("it exists").flatten().collect();
    assert!(left.is_empty(), "{left:?} was left behind");
}

/// Returns all descendants of a process.
fn children_of(pid: u32) -> Vec<u32> {
    let listed = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let of_threads =
        threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let children = listed.into_iter().chain(of_threads);
    let children: Vec<u32> = children
        .flat_map(|list| {
            list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()
        })
        .collect();
    children.iter().flat_map(|&child| [vec![child], children_of(child)].concat()).collect()
}

/// Creates an empty folder in which every user may write.
fn temporary() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let open = fs::Permissions::from_mode(0o1777);
    fs::set_permissions(folder.path(), open).expect("it is ours");
    folder
}

/// Returns a command that runs the demo as a user without rights, or `None` unless root
/// runs the tests.
fn as_nobody(arguments: &[&str]) -> Option<(Command, tempfile::TempDir)> {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        return None;
    }
    // The program is copied, because the build may lie below a folder that only root may enter.
    let folder = temporary();
    let program = folder.path().join("node0-demo");
    fs::copy(env!("CARGO_BIN_EXE_node0-demo"), &program).expect("there is room for a copy");
    let mut setpriv = Command::new("setpriv");
    setpriv.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
    setpriv.env("HOME", "/nonexistent");
    Some((prepared(setpriv, arguments), folder))
}

#[test]
fn with_postgres_on_the_machine_the_database_is_local() {
    let postgres = testbed::require!(tools::postgres());
    let (bin, folder) = (postgres.bin_dir().display().to_string(), temporary());
    let mut as_we_are = command(&["--postgres-bin", &bin]);
    as_we_are.env("TMPDIR", folder.path());
    check(as_we_are, "local", folder.path());
    if let Some((mut as_nobody, _program)) = as_nobody(&["--postgres-bin", &bin]) {
        as_nobody.env("TMPDIR", folder.path());
        check(as_nobody, "local", folder.path());
    }
}

#[test]
fn without_postgres_the_database_is_embedded() {
    let (none, folder) = (temporary(), temporary());
    let bin = none.path().display().to_string();
    let mut as_we_are = command(&["--postgres-bin", &bin]);
    as_we_are.env("TMPDIR", folder.path());
    check(as_we_are, "embedded", folder.path());
    if let Some((mut as_nobody, _program)) = as_nobody(&["--postgres-bin", &bin]) {
        as_nobody.env("TMPDIR", folder.path());
        check(as_nobody, "embedded", folder.path());
    }
}

#[test]
fn a_second_signal_ends_the_demo_at_once() {
    let mut demo = Demo::start(&["--drain", "30s"]);
    demo.process.signal(Signal::TERM).expect("it runs");
    assert!(Deadline::seconds(5).until(|| demo.get("/health/ready").status == 503));
    demo.process.signal(Signal::TERM).expect("it drains");
    demo.process.wait(Deadline::seconds(5)).expect("it does not wait for the drain");
}
