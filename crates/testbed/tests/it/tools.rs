//! Finding and unpacking of tools, in another process with a known environment.

use std::path::Path;
use std::process::Command;

use testbed::prove::Length;
use testbed::tools;

/// The address of a mirror that does not exist.
const DEAD_MIRROR: &str = "http://127.0.0.1:9/none";

/// Returns a command that lists tools, with `target` as its target folder and little else
/// in its environment.
fn list_tools(target: &Path) -> Command {
    // A copy outside the build has no target folder above it, so it uses the environment.
    let copy = target.join("list-tools");
    std::fs::copy(env!("CARGO_BIN_EXE_testbed-tools"), &copy).expect("built with the tests");
    let mut command = Command::new(copy);
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("HOME", target).env("CARGO_TARGET_DIR", target);
    command.env("NODE0_TOOLS", "unpacked");
    command
}

fn run(command: &mut Command) -> (bool, String) {
    let output = command.output().expect("the program runs");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn second_request_finds_what_the_first_unpacked() {
    let first = testbed::require!(tools::prometheus_2_53());
    let second = testbed::require!(tools::prometheus_2_53());
    assert_eq!(first.server(), second.server());
    assert!(first.promtool().is_file());
}

#[test]
fn missing_tool_names_what_to_install() {
    let target = tempfile::tempdir().expect("a temporary folder");
    let (all_there, said) = run(list_tools(target.path()).env("PATH", target.path()));
    assert!(!all_there);
    let missing = said.lines().filter(|line| line.starts_with("MISSING")).count();
    assert_eq!(missing, 18, "{said}");
    assert!(said.contains("install Prometheus 2.42 with promtool"), "{said}");
    assert!(said.contains("install python3"), "{said}");
    assert!(said.contains("install redis-server"), "{said}");
    assert!(said.contains("install prometheus-alertmanager"), "{said}");
    assert!(said.contains("install valgrind"), "{said}");
    assert!(said.contains("install nginx"), "{said}");
    assert!(said.contains("install chromium-headless-shell"), "{said}");
}

#[test]
fn unreachable_mirror_is_an_error_and_leaves_no_half_tool() {
    let target = tempfile::tempdir().expect("a temporary folder");
    let mut list = list_tools(target.path());
    let (all_there, said) =
        run(list.env("NODE0_DEBIAN_MIRROR", DEAD_MIRROR).arg("prometheus-2.42"));
    assert!(!all_there && said.starts_with("MISSING prometheus-2.42"), "{said}");
    assert!(!target.path().join("tools/prometheus-2.42").exists());
}

/// Asserts that unpacked tools are found again without a network.
///
/// Under `cargo xtask prove unpacked-tools` it unpacks all tools first; in every other run
/// it uses those that are unpacked already.
#[test]
fn unpacked_tools_need_no_network_again() {
    if Length::of_this_run() == Length::Short {
        let client = testbed::require!(tools::prometheus_client());
        let again = tools::prometheus_client().expect("found without asking anybody");
        assert_eq!(client.command().get_program(), again.command().get_program());
        return;
    }
    let target = tempfile::tempdir().expect("a temporary folder");
    let (all_there, said) = run(&mut list_tools(target.path()));
    assert!(all_there, "{said}");
    let (again, from_store) =
        run(list_tools(target.path()).env("NODE0_DEBIAN_MIRROR", DEAD_MIRROR));
    assert!(again, "{from_store}");
    // For root, Postgres is copied to a new temporary folder each time; the rest is equal.
    let without_copies = |said: &str| -> Vec<String> {
        said.lines().filter(|line| !line.contains("postgres:")).map(str::to_owned).collect()
    };
    assert_eq!(without_copies(&said), without_copies(&from_store));
}
