//! The accepted counts, and the comparison with them.

use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::{Counts, NotHere};
use crate::verdict::Findings;
use crate::workspace::{Workspace, output_of};

pub(super) const BASELINE: &str = "crates/hot-paths/instructions.json";

/// The tolerated growth: instructions, or a share of them.
const SLACK: f64 = 2.0;
const SLACK_SHARE: f64 = 0.02;

/// Counts, and what they were counted with.
pub(super) struct Baseline {
    counted_with: String,
    counts: Counts,
}

impl Baseline {
    /// Writes counts of this machine as the baseline.
    pub(super) fn accept(workspace: &Workspace, counts: &Counts) -> Result<()> {
        let accepted = json!({ "counted_with": counted_with(workspace)?, "instructions": counts });
        workspace.write(BASELINE, &format!("{accepted:#}\n"))
    }

    /// Reads the baseline, unless it was counted with other things than this machine has.
    pub(super) fn comparable(workspace: &Workspace) -> Result<Self> {
        let (baseline, here) = (Self::read(workspace)?, counted_with(workspace)?);
        if baseline.counted_with == here {
            return Ok(baseline);
        }
        Err(NotHere::because(format!(
            "{BASELINE} was counted with {}, and here is {here}: to compare two commits, run \
             `cargo xtask prove instructions --accept` on the first",
            baseline.counted_with
        ))
        .into())
    }

    fn read(workspace: &Workspace) -> Result<Self> {
        let value: Value = serde_json::from_str(&workspace.read(BASELINE)?).context(BASELINE)?;
        let counted_with = value["counted_with"].as_str().context(BASELINE)?.to_owned();
        let counts = serde_json::from_value(value["instructions"].clone()).context(BASELINE)?;
        Ok(Self { counted_with, counts })
    }

    /// Returns findings for paths that exceed the baseline, or that only one side has.
    pub(super) fn growth(&self, counts: &Counts) -> Findings {
        let mut findings = Findings::new();
        for (path, count) in counts {
            match self.counts.get(path) {
                Some(accepted) if *count <= accepted + SLACK.max(accepted * SLACK_SHARE) => {}
                Some(accepted) => findings.push(change(path, *accepted, *count, "more")),
                None => findings.push(format!("{path} takes {count} instructions, none accepted")),
            }
        }
        let gone = self.counts.keys().filter(|path| !counts.contains_key(*path));
        findings.extend(gone.map(|path| format!("{path} is no path any more")));
        findings
    }

    /// Returns a note for each path below the baseline, in which growth could hide.
    pub(super) fn shrinkage(&self, counts: &Counts) -> Vec<String> {
        let pairs = counts.iter().filter_map(|(path, count)| {
            let accepted = *self.counts.get(path)?;
            let is_less = *count < accepted - SLACK.max(accepted * SLACK_SHARE);
            is_less.then(|| change(path, accepted, *count, "less"))
        });
        pairs.collect()
    }
}

/// Names what the counts depend on beside the sources.
fn counted_with(workspace: &Workspace) -> Result<String> {
    let rustc = output_of(workspace.rustc().arg("-vV"))?;
    let field = |name| rustc.lines().find_map(|line| line.strip_prefix(name));
    let release = field("release: ").context("rustc does not say its release")?;
    let host = field("host: ").context("rustc does not say its host")?;
    // Systems whose C library is another one do not know this name.
    let libc = output_of(Command::new("getconf").arg("GNU_LIBC_VERSION"));
    let libc = libc.unwrap_or_else(|_| "another C library".to_owned());
    Ok(format!("rustc {release} for {host}, {}", libc.trim()))
}

fn change(path: &str, accepted: f64, count: f64, word: &str) -> String {
    let by = (count - accepted).abs();
    let share = by / accepted * 100.0;
    format!("{path} takes {count} instructions, {by:.1} ({share:.1} %) {word} than {accepted}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(counts: &[(&str, f64)]) -> Counts {
        counts.iter().map(|(path, count)| ((*path).to_owned(), *count)).collect()
    }

    fn baseline(accepted: &[(&str, f64)]) -> Baseline {
        Baseline { counted_with: String::new(), counts: counts(accepted) }
    }

    #[test]
    fn more_than_the_slack_is_found_and_less_is_not() {
        let few = baseline(&[("counter", 6.0), ("latency", 30.0)]);
        assert!(few.growth(&counts(&[("counter", 8.0), ("latency", 20.0)])).is_empty());
        let findings = few.growth(&counts(&[("counter", 8.1), ("latency", 30.0)]));
        assert_eq!(findings, ["counter takes 8.1 instructions, 2.1 (35.0 %) more than 6"]);
        let many = baseline(&[("request", 5000.0)]);
        assert!(many.growth(&counts(&[("request", 5100.0)])).is_empty());
        assert_eq!(many.growth(&counts(&[("request", 5101.0)])).len(), 1);
    }

    #[test]
    fn less_is_noted() {
        let notes = baseline(&[("request", 5000.0)]).shrinkage(&counts(&[("request", 4000.0)]));
        assert_eq!(notes, ["request takes 4000 instructions, 1000.0 (20.0 %) less than 5000"]);
    }

    #[test]
    fn a_path_without_a_baseline_and_one_that_is_gone_are_found() {
        assert_eq!(baseline(&[("old", 1.0)]).growth(&counts(&[("new", 1.0)])).len(), 2);
    }

    #[test]
    fn baseline_of_another_machine_is_compared_with_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let workspace = Workspace::at(folder.path());
        Baseline::accept(&workspace, &counts(&[("request", 5000.0)])).expect("a file");
        let accepted = workspace.read(BASELINE).expect("a file");
        let here = counted_with(&workspace).expect("a compiler");
        let elsewhere = accepted.replace(&here, "a slide rule");
        workspace.write(BASELINE, &elsewhere).expect("a file");
        let error = Baseline::comparable(&workspace).err().expect("another machine");
        assert!(error.is::<NotHere>() && error.to_string().contains("a slide rule"), "{error}");
        workspace.write(BASELINE, &accepted).expect("a file");
        assert_eq!(Baseline::comparable(&workspace).expect("this one").counts["request"], 5000.0);
    }
}
