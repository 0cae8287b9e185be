//! Secrets and networks of the demo, from files, variables and flags.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use testbed::Deadline;
use testbed::http::Request;

use crate::demo::{Demo, START, command};

const SECRET: &str = "8f2a61c09d3b4e57";

fn with_token() -> Command {
    let mut command = command(&["--database", "embedded"]);
    command.env("NODE0_AUTH_TOKEN", format!("# scrapers\n{SECRET}\n"));
    command
}

fn status(demo: &Demo, path: &str, secret: &str) -> u16 {
    demo.send(&Request::get(path).header("authorization", secret)).status
}

#[test]
fn secrets_of_a_file_let_in_and_orders_and_probes_need_none() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), format!("{SECRET}\nops:s3cret\n")).expect("it is ours");
    let path = file.path().display().to_string();
    let demo = Demo::start(&["--auth-token-file", &path]);
    for path in ["/metrics", "/", "/endpoints", "/metrics/stream", "/health/performance", "/chaos"]
    {
        assert_eq!(demo.get(path).status, 401, "{path}");
        for secret in [&format!("Bearer {SECRET}"), "Basic b3BzOnMzY3JldA=="] {
            assert_ne!(status(&demo, path, secret), 401, "{path}");
        }
    }
    let fault = Request::new("POST", "/chaos/cold-cache");
    assert_eq!(demo.send(&fault).status, 401);
    let id = demo.order();
    assert_eq!(demo.get(&format!("/orders/{id}")).status, 200);
    assert_eq!(demo.get("/health/ready").status, 200);
}

#[test]
fn the_variable_has_secrets_and_probes_can_be_closed() {
    let mut closed = with_token();
    closed.args(["--open-probes", "off"]);
    let demo = Demo::spawn(closed);
    assert_eq!(demo.get("/health/live").status, 401);
    assert_eq!(status(&demo, "/health/live", &format!("Bearer {SECRET}")), 200);
}

#[test]
fn only_clients_of_the_networks_are_let_in() {
    let far = Demo::start(&["--allow-network", "192.0.2.0/24"]);
    assert_eq!(far.get("/metrics").status, 403);
    let near = Demo::start(&["--allow-network", "192.0.2.0/24,127.0.0.0/8"]);
    assert_eq!(near.get("/metrics").status, 200);
}

#[test]
fn a_secret_that_cannot_be_used_is_one_clear_line_without_it() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), "s3cret with spaces\n").expect("it is ours");
    let path = file.path().display().to_string();
    let mut empty = command(&[]);
    empty.env("NODE0_AUTH_TOKEN", "");
    for (mut wrong, said) in [
        (command(&["--auth-token-file", &path]), "error: --auth-token-file: line 1: "),
        (
            command(&["--auth-token-file", "/nowhere"]),
            "error: --auth-token-file: `/nowhere` cannot",
        ),
        (command(&["--allow-network", "10.0.0.0/33"]), "write an address such as"),
        (empty, "error: NODE0_AUTH_TOKEN has no secret"),
    ] {
        let output = wrong.output().expect("it starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(said) && !stderr.contains("s3cret"), "{stderr}");
    }
}

/// Starts a demo that listens on all addresses; returns it once it is ready.
fn on_all_addresses(arguments: &[&str]) -> Demo {
    let mut command = Command::new(env!("CARGO_BIN_EXE_node0-demo"));
    command.args(["--listen", "0.0.0.0:0", "--load", "0", "--database", "embedded"]);
    command.args(arguments).env_remove("REDIS_URL").env_remove("NODE0_AUTH_TOKEN");
    Demo::spawn(command)
}

#[test]
fn who_listens_beyond_loopback_without_either_is_warned() {
    let warning = "everybody who reaches this address may read";
    let mut open = on_all_addresses(&[]);
    open.process.wait_for_line(warning, Deadline::after(START)).expect("it warns");
    let restricted = on_all_addresses(&["--allow-network", "127.0.0.1"]);
    assert!(!restricted.process.stderr().contains(warning));
    let alone = Demo::start(&[]);
    assert!(!alone.process.stderr().contains(warning));
}

/// Asserts that nobody but the owner may use a file or folder, or anything in it.
fn check_private(path: &Path) {
    let metadata = fs::symlink_metadata(path).expect("it exists");
    assert_eq!(metadata.permissions().mode() & 0o077, 0, "{}", path.display());
    if metadata.is_dir() {
        for entry in fs::read_dir(path).expect("it is ours").flatten() {
            check_private(&entry.path());
        }
    }
}

#[test]
fn files_of_the_demo_are_for_its_user_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = command(&["--database", "embedded", "--redis", "embedded"]);
    command.env("TMPDIR", folder.path());
    let demo = Demo::spawn(command);
    demo.order();
    let entries: Vec<_> = fs::read_dir(folder.path()).expect("it is ours").flatten().collect();
    assert_eq!(entries.len(), 2, "the database and the cache: {entries:?}");
    for entry in entries {
        check_private(&entry.path());
    }
}
