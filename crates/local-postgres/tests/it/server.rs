//! Start, crash, restart and removal.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs, thread};

use local_postgres::{LocalPostgres, StartError};

use crate::session::{ask, eventually, start};

/// Set for the process that plays the host of a server.
const HOST: &str = "LOCAL_POSTGRES_TEST_HOST";

#[test]
fn started_server_answers_as_configured() {
    let Some(postgres) = start(LocalPostgres::builder().max_connections(17)) else {
        return;
    };
    assert_eq!(ask(&postgres, "SHOW max_connections").as_deref(), Some("17"));
    assert_eq!(ask(&postgres, "SHOW port"), Some(postgres.port().to_string()));
    assert_eq!(ask(&postgres, "SHOW unix_socket_directories").as_deref(), Some(""));
}

#[test]
fn killed_server_restarts_with_its_data_on_its_port() {
    let Some(mut postgres) = start(LocalPostgres::builder()) else {
        return;
    };
    let port = postgres.port();
    let first = postgres.pid();
    ask(&postgres, "CREATE TABLE kept (n int)");
    ask(&postgres, "INSERT INTO kept VALUES (42)");
    ask(&postgres, "CHECKPOINT");

    postgres.kill();
    assert_eq!(postgres.pid(), None);
    postgres.restart().unwrap();

    assert_eq!(postgres.port(), port);
    assert!(postgres.pid().is_some() && postgres.pid() != first);
    assert_eq!(ask(&postgres, "SELECT n FROM kept").as_deref(), Some("42"));
}

#[test]
fn stopped_server_restarts_with_its_data() {
    let Some(mut postgres) = start(LocalPostgres::builder()) else {
        return;
    };
    ask(&postgres, "CREATE TABLE kept AS SELECT 7 AS n");
    postgres.stop();
    assert_eq!(postgres.pid(), None);
    postgres.restart().unwrap();
    assert_eq!(ask(&postgres, "SELECT n FROM kept").as_deref(), Some("7"));
}

#[test]
fn dropped_handle_leaves_no_process_and_no_folder() {
    let Some(postgres) = start(LocalPostgres::builder()) else {
        return;
    };
    let (pid, folder) = (postgres.pid().unwrap(), postgres.folder().to_owned());
    assert!(folder.exists());
    drop(postgres);
    assert!(!folder.exists());
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn killed_server_leaves_no_shared_memory() {
    let Some(mut postgres) = start(LocalPostgres::builder()) else {
        return;
    };
    let pid_file = fs::read_to_string(postgres.folder().join("data/postmaster.pid")).unwrap();
    let segment = pid_file.lines().nth(6).unwrap().split_whitespace().nth(1).unwrap().to_owned();
    // A removed segment stays listed while children of the killed server hold it, with
    // a bit above the permissions that says so.
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
    let started = thread::spawn(|| start(LocalPostgres::builder())).join().unwrap();
    let Some(postgres) = started else { return };
    assert_eq!(ask(&postgres, "SELECT 1").as_deref(), Some("1"));
    assert!(postgres.pid().is_some());
}

#[test]
fn servers_started_together_do_not_meet() {
    let starting: Vec<_> =
        (0..4).map(|_| thread::spawn(|| start(LocalPostgres::builder()))).collect();
    let servers: Vec<_> =
        starting.into_iter().filter_map(|thread| thread.join().unwrap()).collect();
    for server in &servers {
        let data = server.folder().join("data");
        assert_eq!(ask(server, "SHOW data_directory"), Some(data.display().to_string()));
    }
}

#[test]
fn restart_on_a_taken_port_says_so_and_works_once_it_is_free() {
    let Some(mut postgres) = start(LocalPostgres::builder()) else {
        return;
    };
    postgres.stop();
    let thief = std::net::TcpListener::bind(("127.0.0.1", postgres.port())).unwrap();
    let error = postgres.restart().unwrap_err();
    assert!(matches!(error, StartError::PortTaken { port } if port == postgres.port()), "{error}");
    drop(thief);
    postgres.restart().unwrap();
}

/// Not a test by itself: the host that the next test kills.
#[test]
fn host_holds_a_server() {
    if env::var_os(HOST).is_none() {
        return;
    }
    let postgres = start(LocalPostgres::builder()).unwrap();
    println!("\nheld {} {}", postgres.pid().unwrap(), postgres.folder().display());
    // Held until the other side goes away.
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

#[test]
fn server_ends_with_a_host_that_is_killed() {
    let can_tether = Command::new("setpriv").args(["--pdeathsig", "QUIT", "true"]).status();
    if !can_tether.is_ok_and(|status| status.success()) || start(LocalPostgres::builder()).is_none()
    {
        return; // Documented: without `setpriv` the server stays.
    }
    let mut host = Command::new(env::current_exe().unwrap())
        .args(["--exact", "server::host_holds_a_server", "--nocapture"])
        .env(HOST, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(host.stdout.take().unwrap()).lines();
    let line = lines.map_while(Result::ok).find(|line| line.starts_with("held ")).unwrap();
    let (pid, folder) = line["held ".len()..].split_once(' ').unwrap();
    let process = Path::new("/proc").join(pid);
    assert!(process.exists());

    host.kill().unwrap();
    host.wait().unwrap();

    let is_gone = eventually(|| !process.exists());
    fs::remove_dir_all(folder).unwrap();
    assert!(is_gone);
}

/// Runs another test of this binary as the user `nobody`, from a place that it may enter.
#[test]
fn normal_user_can_start_a_server() {
    let is_root = fs::metadata("/proc/self").is_ok_and(|us| {
        use std::os::unix::fs::MetadataExt;
        us.uid() == 0
    });
    if !is_root {
        return; // Every other test of this file has just shown it.
    }
    let public = tempfile::tempdir_in("/tmp").unwrap();
    fs::set_permissions(public.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let program = public.path().join("tests");
    fs::copy(env::current_exe().unwrap(), &program).unwrap();
    let output = Command::new(&program)
        .args(["--exact", "server::started_server_answers_as_configured", "--nocapture"])
        .current_dir(public.path())
        .env("TMPDIR", public.path())
        .uid(65534)
        .gid(65534)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
