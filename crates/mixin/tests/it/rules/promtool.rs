//! The rules under promtool: its lint, and the situations that each alert must get right.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use serde_json::{Value, json};
use testbed::tools::{self, PrometheusTool, ToolError};

use super::case::{tested, tests_of};
use super::file::{RulesFile, path};

/// The releases under which the rules are tested.
const RELEASES: [fn() -> Result<PrometheusTool, ToolError>; 3] =
    [tools::prometheus_2_42, tools::prometheus_2_53, tools::prometheus_3_5];

/// Runs promtool, and returns what it said if it found something.
pub(super) fn complaint(
    tool: &PrometheusTool,
    arguments: &[&str],
    files: &[PathBuf],
) -> Option<String> {
    let mut command = Command::new(tool.promtool());
    let output = command.args(arguments).args(files).output().expect("promtool runs");
    let said = [output.stdout, output.stderr].concat();
    (!output.status.success()).then(|| String::from_utf8_lossy(&said).into_owned())
}

/// Writes tests of these rules into a folder, a file for each interval of evaluations.
pub(super) fn write(folder: &Path, rules: &Path, tests: &[Value]) -> Vec<PathBuf> {
    let mut by_interval = BTreeMap::<_, Vec<_>>::new();
    for test in tests {
        by_interval.entry(test["interval"].as_str()).or_default().push(test);
    }
    let file = |(interval, tests): (Option<&str>, Vec<&Value>)| {
        let file = folder.join(format!("{}.json", interval.unwrap_or_default()));
        let tests =
            json!({ "rule_files": [rules], "evaluation_interval": interval, "tests": tests });
        std::fs::write(&file, tests.to_string()).expect("the folder can be written to");
        file
    };
    by_interval.into_iter().map(file).collect()
}

#[test]
fn every_release_finds_the_rules_clean() {
    for release in RELEASES {
        let tool = testbed::require!(release());
        let said = complaint(&tool, &["check", "rules", "--lint=all", "--lint-fatal"], &[path()]);
        assert_eq!(said, None, "promtool {}", tool.release());
    }
}

#[test]
fn every_rule_has_tests() {
    let shipped = RulesFile::shipped();
    let mut names: Vec<_> = shipped.rules().map(|rule| rule.name().to_owned()).collect();
    let mut tested = tested();
    names.sort_unstable();
    tested.sort_unstable();
    assert_eq!(names, tested);
}

#[test]
fn alerts_fire_when_they_should_and_only_then() {
    let folder = tempfile::tempdir().expect("a folder");
    let tests: Vec<_> = tested().iter().flat_map(|name| tests_of(name)).collect();
    let tests = write(folder.path(), &path(), &tests);
    let mut tools = Vec::new();
    for release in RELEASES {
        tools.push(testbed::require!(release()));
    }
    // Side by side, since each takes some seconds.
    thread::scope(|scope| {
        for tool in &tools {
            scope.spawn(|| {
                let said = complaint(tool, &["test", "rules"], &tests);
                assert_eq!(said, None, "promtool {}", tool.release());
            });
        }
    });
}
