//! A test whose tool is missing is skipped, or fails under `CI=true`.

use std::process::{Command, Output};

use testbed::tools::ToolError;

/// The variable that is set in the process in which a test's tool is missing.
const ROLE: &str = "TESTBED_TEST_WITHOUT_TOOL";

#[test]
fn plays_a_test_without_its_tool() {
    if std::env::var_os(ROLE).is_none() {
        return;
    }
    let missing = Err::<(), _>(ToolError::NoTarget);
    testbed::require!(missing);
    unreachable!("the test goes on without its tool");
}

/// Runs the test above in another process.
fn play(ci: Option<&str>, skips: &std::path::Path) -> Output {
    let this_test = std::env::current_exe().expect("this test's own path");
    let mut command = Command::new(this_test);
    command.args(["--exact", "require::plays_a_test_without_its_tool"]);
    command.env(ROLE, "yes").env("NODE0_SKIPS", skips).env_remove("CI");
    command.envs(ci.map(|value| ("CI", value))).output().expect("this binary runs")
}

#[test]
fn missing_tool_skips_loudly() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let skips = folder.path().join("skips");
    let output = play(None, &skips);
    assert!(output.status.success());
    let notice = "SKIPPED require::plays_a_test_without_its_tool (";
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(notice) && said.contains("CARGO_TARGET_DIR"), "{said}");
    let listed = std::fs::read_to_string(skips).expect("the list of skips");
    assert!(listed.starts_with(notice) && listed.lines().count() == 1, "{listed}");
}

#[test]
fn missing_tool_fails_where_every_tool_must_be() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let skips = folder.path().join("skips");
    assert!(!play(Some("true"), &skips).status.success());
    assert!(!skips.exists());
}
