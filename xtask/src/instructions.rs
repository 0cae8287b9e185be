//! Counts the instructions of each hot path with callgrind, which noise does not affect.
//!
//! Each path of the examples below runs a number of times, and then twice as
//! often. The difference divided by that number is the cost of one run of the path, without
//! start and set-up. Counts are not times: an atomic add is one instruction and takes two
//! nanoseconds. So the counts detect growth, and the bench measures time.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::verdict::{Verdict, say};
use crate::workspace::{Workspace, output_of, passes};

/// A crate with hot paths. The file `instructions.json` in its folder has the accepted counts.
struct Crate {
    name: &'static str,
    /// The example that runs the paths.
    example: &'static str,
    /// The runs of a path: fewer for longer ones.
    times: u64,
}

const CRATES: &[Crate] = &[
    Crate { name: "metrics-core", example: "hot_paths", times: 10_000 },
    // Requests, through the layer and without it.
    Crate { name: "request-layer", example: "request_paths", times: 2000 },
    // Passes and scrapes of a hundred series.
    Crate { name: "exporter", example: "scrape_paths", times: 200 },
];

/// The tolerated growth, because compiler versions differ: instructions, or a share of them.
const SLACK: f64 = 2.0;
const SLACK_SHARE: f64 = 0.02;

/// Counts the instructions of all paths and compares them with the baseline.
pub(crate) fn prove(workspace: &Workspace) -> Result<(Verdict, Value)> {
    let found = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    ensure!(
        found.is_ok_and(|status| status.success()),
        "valgrind is missing: install the package `valgrind`"
    );
    let (mut findings, mut all) = (Vec::new(), BTreeMap::new());
    for it in CRATES {
        let (name, counts) = (it.name, it.counts(workspace)?);
        let path = format!("crates/{name}/instructions.json");
        let baseline: BTreeMap<String, f64> =
            serde_json::from_str(&workspace.read(&path)?).with_context(|| path.clone())?;
        let found = compare(&baseline, &counts);
        found.iter().for_each(|finding| say(&format!("{name}: {finding}")));
        if !found.is_empty() {
            say(&format!("if that is meant, {path} becomes:\n{:#}", json!(counts)));
        }
        findings.extend(found);
        all.insert(name, counts);
    }
    Ok((Verdict::from_success(findings.is_empty()), json!(all)))
}

impl Crate {
    /// Returns the instructions of each path.
    fn counts(&self, workspace: &Workspace) -> Result<BTreeMap<String, f64>> {
        let Self { name, example, times } = *self;
        let mut build = workspace.cargo(&["build", "--release", "--locked", "--offline"]);
        build.args(["--package", &format!("node0-{name}"), "--example", example]);
        ensure!(passes(&mut build)? == Verdict::Holds, "the example does not compile");
        let program = workspace.path(&format!("target/release/examples/{example}"));
        let names = output_of(&mut Command::new(&program))?;
        let mut counts = BTreeMap::new();
        for path in names.lines() {
            let once = count(&program, path, times)?;
            let twice = count(&program, path, 2 * times)?;
            let each = twice.saturating_sub(once) as f64 / times as f64;
            counts.insert(path.to_owned(), (each * 10.0).round() / 10.0);
        }
        Ok(counts)
    }
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
            Some(accepted) if *count <= accepted + SLACK.max(accepted * SLACK_SHARE) => {}
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
        let baseline = counts(&[("request", 5000.0)]);
        assert!(compare(&baseline, &counts(&[("request", 5100.0)])).is_empty());
        assert_eq!(compare(&baseline, &counts(&[("request", 5101.0)])).len(), 1);
    }

    #[test]
    fn a_path_without_a_baseline_and_one_that_is_gone_are_found() {
        let findings = compare(&counts(&[("old", 1.0)]), &counts(&[("new", 1.0)]));
        assert_eq!(findings.len(), 2);
    }
}
