//! Counts the instructions of each hot path with callgrind, which noise does not affect.
//!
//! Each path of `metrics-core/examples/hot_paths.rs` runs `TIMES` times, and then twice as
//! often. The difference divided by `TIMES` is the cost of one run of the path, without
//! start and set-up. Counts are not times: an atomic add is one instruction and takes two
//! nanoseconds. So the counts detect growth, and the bench measures time.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::verdict::{Verdict, say};
use crate::workspace::{Workspace, output_of, passes};

/// The file with the accepted count of each path.
const BASELINE: &str = "crates/metrics-core/instructions.json";
const TIMES: u64 = 10_000;
/// The tolerated growth in instructions, because compiler versions differ.
const SLACK: f64 = 2.0;

/// Counts the instructions of all paths and compares them with the baseline.
pub(crate) fn prove(workspace: &Workspace) -> Result<(Verdict, Value)> {
    let found = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    ensure!(
        found.is_ok_and(|status| status.success()),
        "valgrind is missing: install the package `valgrind`"
    );
    let mut build = workspace.cargo(&["build", "--release", "--locked", "--offline"]);
    build.args(["--package", "node0-metrics-core", "--example", "hot_paths"]);
    ensure!(passes(&mut build)? == Verdict::Holds, "the example does not compile");
    let program = workspace.path("target/release/examples/hot_paths");
    let names = output_of(&mut Command::new(&program))?;
    let mut counts = BTreeMap::new();
    for name in names.lines() {
        let once = count(&program, name, TIMES)?;
        let twice = count(&program, name, 2 * TIMES)?;
        let each = twice.saturating_sub(once) as f64 / TIMES as f64;
        counts.insert(name.to_owned(), (each * 10.0).round() / 10.0);
    }
    let baseline: BTreeMap<String, f64> =
        serde_json::from_str(&workspace.read(BASELINE)?).with_context(|| BASELINE)?;
    let findings = compare(&baseline, &counts);
    findings.iter().for_each(|finding| say(finding));
    if !findings.is_empty() {
        say(&format!("if that is meant, {BASELINE} becomes:\n{:#}", json!(counts)));
    }
    Ok((Verdict::from_success(findings.is_empty()), json!(counts)))
}

fn count(program: &std::path::Path, path: &str, times: u64) -> Result<u64> {
    let mut call = Command::new("valgrind");
    call.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program);
    call.args([path, &times.to_string()]);
    let output = call.output().context("cannot run valgrind")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    let (_, count) = collected.with_context(|| format!("callgrind counted nothing: {said}"))?;
    count.trim().parse().context("callgrind's count is no number")
}

/// Returns findings for paths that exceed the baseline, or that only one side has.
fn compare(baseline: &BTreeMap<String, f64>, counts: &BTreeMap<String, f64>) -> Vec<String> {
    let mut findings = Vec::new();
    for (path, count) in counts {
        match baseline.get(path) {
            Some(accepted) if *count <= accepted + SLACK => {}
            Some(accepted) => {
                findings.push(format!("{path} takes {count} instructions, accepted {accepted}"));
            }
            None => findings.push(format!("{path} takes {count} instructions, none accepted")),
        }
    }
    let gone = baseline.keys().filter(|path| !counts.contains_key(*path));
    findings.extend(gone.map(|path| format!("{path} is no path any more")));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(counts: &[(&str, f64)]) -> BTreeMap<String, f64> {
        counts.iter().map(|(path, count)| ((*path).to_owned(), *count)).collect()
    }

    #[test]
    fn more_than_the_slack_is_found_and_less_is_not() {
        let baseline = counts(&[("counter", 6.0), ("latency", 30.0)]);
        assert!(compare(&baseline, &counts(&[("counter", 8.0), ("latency", 20.0)])).is_empty());
        let findings = compare(&baseline, &counts(&[("counter", 8.1), ("latency", 30.0)]));
        assert_eq!(findings, ["counter takes 8.1 instructions, accepted 6"]);
    }

    #[test]
    fn a_path_without_a_baseline_and_one_that_is_gone_are_found() {
        let findings = compare(&counts(&[("old", 1.0)]), &counts(&[("new", 1.0)]));
        assert_eq!(findings.len(), 2);
    }
}
