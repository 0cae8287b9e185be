//! The server keeps out other users of the machine, and its clients keep out of the machine.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use node0_local_postgres::LocalPostgres;
use testbed::tools;
use testbed::tools::ToolError;

use crate::session::{answer, ask, start};

/// A user who owns nothing on this machine.
const STRANGER: u32 = 4_000_000;

/// Returns a program that connects to the socket that is its last argument, as a stranger.
fn stranger() -> Result<Command, ToolError> {
    let connect = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])";
    let mut command = Command::new("python3");
    command.uid(STRANGER).gid(STRANGER).current_dir("/").stdin(Stdio::null());
    let mut probe = Command::new("python3");
    probe.uid(STRANGER).gid(STRANGER).current_dir("/").args(["-c", "import socket"]);
    if probe.stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
        command.args(["-c", connect]);
        return Ok(command);
    }
    let tool = "a second user".to_owned();
    Err(ToolError::NoHelper { tool, helper: "python3, as root", install: "python3" })
}

#[test]
fn other_users_cannot_reach_the_server() {
    let tool = testbed::require!(tools::postgres());
    let mut stranger = testbed::require!(stranger());
    let postgres = start(&tool, LocalPostgres::builder());
    assert_eq!(ask(&postgres, "SELECT 1").as_deref(), Some("1"));
    let output = stranger.arg(postgres.socket()).output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && log.contains("PermissionError"), "{log}");
}

#[test]
fn folder_of_the_socket_is_closed_to_others() {
    let tool = testbed::require!(tools::postgres());
    let postgres = start(&tool, LocalPostgres::builder());
    assert_eq!(fs::metadata(postgres.folder()).unwrap().mode() & 0o777, 0o700);
    assert_eq!(postgres.socket().parent(), Some(postgres.folder()));
    assert_eq!(ask(&postgres, "SHOW listen_addresses").as_deref(), Some(""));
}

#[test]
fn clients_may_create_tables_but_neither_run_programs_nor_read_files() {
    let tool = testbed::require!(tools::postgres());
    let postgres = start(&tool, LocalPostgres::builder());
    ask(&postgres, "CREATE TABLE theirs (n int)");
    let is_superuser = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user";
    assert_eq!(ask(&postgres, is_superuser).as_deref(), Some("f"));
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().display();
    for sql in [
        "COPY (SELECT 1) TO PROGRAM 'true'".to_owned(),
        format!("COPY (SELECT 1) TO '{path}'"),
        "COPY theirs FROM '/etc/passwd'".to_owned(),
        "SELECT pg_read_file('/etc/passwd')".to_owned(),
        "SELECT pg_ls_dir('/')".to_owned(),
        "SELECT lo_import('/etc/passwd')".to_owned(),
        "ALTER SYSTEM SET archive_command = 'true'".to_owned(),
        "SET ROLE postgres".to_owned(),
    ] {
        let error = answer(&postgres.url(), &sql).expect_err(&sql);
        assert_eq!(error.code().map(|code| code.code()), Some("42501"), "{sql}: {error}");
    }
}
