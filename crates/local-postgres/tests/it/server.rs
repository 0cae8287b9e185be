//! Start, crash, restart and removal.

use std::path::Path;
use std::{fs, thread};

use node0_local_postgres::LocalPostgres;
use testbed::tools;

use crate::session::{ask, ask_as_superuser, start};

#[test]
fn started_server_answers_as_configured() {
    let tool = testbed::require!(tools::postgres());
    let postgres = start(&tool, LocalPostgres::builder().max_connections(17));
    assert_eq!(ask(&postgres, "SHOW max_connections").as_deref(), Some("17"));
    assert_eq!(ask(&postgres, "SHOW listen_addresses").as_deref(), Some(""));
    for zone in ["SHOW timezone", "SHOW log_timezone"] {
        assert_eq!(ask(&postgres, zone).as_deref(), Some("GMT"));
    }
}

#[test]
fn killed_server_restarts_with_its_data_on_its_socket() {
    let tool = testbed::require!(tools::postgres());
    let mut postgres = start(&tool, LocalPostgres::builder());
    let socket = postgres.socket();
    let first = postgres.pid();
    ask(&postgres, "CREATE TABLE kept (n int)");
    ask(&postgres, "INSERT INTO kept VALUES (42)");
    ask_as_superuser(&postgres, "CHECKPOINT");

    postgres.kill();
    assert_eq!(postgres.pid(), None);
    postgres.restart().unwrap();

    assert_eq!(postgres.socket(), socket);
    assert!(postgres.pid().is_some() && postgres.pid() != first);
    assert_eq!(ask(&postgres, "SELECT n FROM kept").as_deref(), Some("42"));
}

#[test]
fn stopped_server_restarts_with_its_data() {
    let tool = testbed::require!(tools::postgres());
    let mut postgres = start(&tool, LocalPostgres::builder());
    ask(&postgres, "CREATE TABLE kept AS SELECT 7 AS n");
    postgres.stop();
    assert_eq!(postgres.pid(), None);
    postgres.restart().unwrap();
    assert_eq!(ask(&postgres, "SELECT n FROM kept").as_deref(), Some("7"));
}

#[test]
fn dropped_handle_leaves_no_process_and_no_folder() {
    let tool = testbed::require!(tools::postgres());
    let postgres = start(&tool, LocalPostgres::builder());
    let (pid, folder) = (postgres.pid().unwrap(), postgres.folder().to_owned());
    assert!(folder.exists());
    drop(postgres);
    assert!(!folder.exists());
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn killed_server_leaves_no_shared_memory() {
    let tool = testbed::require!(tools::postgres());
    let mut postgres = start(&tool, LocalPostgres::builder());
    let pid_file = fs::read_to_string(postgres.folder().join("data/postmaster.pid")).unwrap();
    let segment = pid_file.lines().nth(6).unwrap().split_whitespace().nth(1).unwrap().to_owned();
    // A removed segment stays listed while children of the killed server hold it. It is
    // marked by a bit above the permissions, which makes them longer than three digits.
    let is_kept = || {
        let segments = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
        segments.lines().any(|line| {
            let mut columns = line.split_whitespace().skip(1);
            columns.next() == Some(segment.as_str())
                && columns.next().is_some_and(|permissions| permissions.len() <= 3)
        })
    };
    assert!(is_kept());
    postgres.kill();
    assert!(is_kept());
    drop(postgres);
    assert!(!is_kept());
}

#[test]
fn server_outlives_the_thread_that_started_it() {
    let tool = testbed::require!(tools::postgres());
    let start = || start(&tool, LocalPostgres::builder());
    let postgres = thread::scope(|scope| scope.spawn(start).join().unwrap());
    assert_eq!(ask(&postgres, "SELECT 1").as_deref(), Some("1"));
    assert!(postgres.pid().is_some());
}

#[test]
fn servers_started_together_do_not_meet() {
    let tool = testbed::require!(tools::postgres());
    let start = || start(&tool, LocalPostgres::builder());
    let servers: Vec<_> = thread::scope(|scope| {
        let starting: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
        starting.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for server in &servers {
        let data = server.folder().join("data");
        assert_eq!(
            ask_as_superuser(server, "SHOW data_directory"),
            Some(data.display().to_string())
        );
    }
}
