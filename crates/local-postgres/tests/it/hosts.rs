//! Servers whose host is another user or is killed.
//!
//! A host is a second process of this test binary, which an environment variable tells to
//! hold a server.

use std::io::{self, BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use node0_local_postgres::LocalPostgres;
use tempfile::TempDir;
use testbed::tools::ToolError;
use testbed::{Deadline, tools};

use crate::failures::fake_programs;
use crate::session::start;

/// The variable that is set in a host's process, to the folder of the server's programs.
const HOST: &str = "LOCAL_POSTGRES_TEST_HOST";

/// Runs as the host that the tests below start; without the variable it does nothing.
#[test]
fn host_holds_a_server() {
    let Some(programs) = env::var_os(HOST).map(PathBuf::from) else {
        return;
    };
    let postgres = LocalPostgres::builder().bin_dirs([programs]).start().unwrap();
    println!("\nheld {} {}", postgres.pid().unwrap(), postgres.folder().display());
    // Holds the server until the other end of stdin is closed.
    io::stdin().read_line(&mut String::new()).unwrap();
}

/// Returns a command that runs a host; `program` is this binary or a copy of it.
fn host(program: &Path, programs: &Path, temporary_dir: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(["--exact", "hosts::host_holds_a_server", "--nocapture"])
        .env(HOST, programs)
        .env("TMPDIR", temporary_dir)
        .current_dir(temporary_dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// Creates a temporary folder in which every user may create others.
fn public_folder() -> TempDir {
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    folder
}

/// Checks that this machine can tether a program to its host; without, the server stays.
fn tether() -> Result<(), ToolError> {
    let probe = Command::new("setpriv").args(["--pdeathsig", "QUIT", "true"]).status();
    if probe.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    let tool = "a server that ends with its host".to_owned();
    Err(ToolError::NoHelper { tool, helper: "setpriv --pdeathsig", install: "util-linux" })
}

/// Returns the folder of the only cluster in this place.
fn cluster_in(place: &TempDir) -> Option<PathBuf> {
    fs::read_dir(place.path()).unwrap().next().map(|entry| entry.unwrap().path())
}

/// Returns `true` if the process runs; a zombie does not, since its command line is empty.
fn runs(process: &str) -> bool {
    let command_line = Path::new("/proc").join(process.trim()).join("cmdline");
    fs::read(command_line).is_ok_and(|line| !line.is_empty())
}

fn ends(process: &str) -> bool {
    Deadline::seconds(10).until(|| !runs(process))
}

#[test]
fn killed_host_takes_its_server_along_and_the_next_start_its_folder() {
    testbed::require!(tether());
    let tool = testbed::require!(tools::postgres());
    let place = public_folder();
    let mut host =
        host(&env::current_exe().unwrap(), tool.bin_dir(), place.path()).spawn().unwrap();
    let lines = BufReader::new(host.stdout.take().unwrap()).lines();
    let held = lines.map_while(Result::ok).find(|line| line.starts_with("held ")).unwrap();
    let (server, folder) = held["held ".len()..].split_once(' ').unwrap();
    assert!(runs(server));

    host.kill().unwrap();
    host.wait().unwrap();
    assert!(ends(server));
    assert!(Path::new(folder).exists());

    let next = start(&tool, LocalPostgres::builder().temporary_dir(place.path()));
    assert_eq!(cluster_in(&place).as_deref(), Some(next.folder()));
    assert!(!Path::new(folder).exists());
}

#[test]
fn host_killed_during_initdb_takes_it_along() {
    testbed::require!(tether());
    let place = public_folder();
    let hanging = "#!/bin/sh\necho $$ > new\nmv new pid\nexec sleep 60\n";
    let programs = fake_programs(hanging, "#!/bin/sh\n");
    let mut host =
        host(&env::current_exe().unwrap(), programs.path(), place.path()).spawn().unwrap();
    let init_db = Deadline::seconds(10)
        .poll(|| fs::read_to_string(cluster_in(&place)?.join("pid")).ok())
        .unwrap();

    host.kill().unwrap();
    host.wait().unwrap();
    assert!(ends(&init_db));
}

/// Runs a host as the user `nobody`, from a folder that it may enter.
#[test]
fn normal_user_can_start_a_server() {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return; // For a normal user, every other test shows the same.
    }
    let tool = testbed::require!(tools::postgres());
    let place = public_folder();
    let program = place.path().join("host");
    fs::copy(env::current_exe().unwrap(), &program).unwrap();
    let mut host = host(&program, tool.bin_dir(), place.path());
    let output = host.uid(65534).gid(65534).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("\nheld "));
}
