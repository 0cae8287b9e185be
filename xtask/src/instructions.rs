//! The instruction gate: counts the instructions of each hot path, which noise does not affect.
//!
//! The program `node0-hot-paths` repeats a path inside one function, and callgrind counts what is
//! executed in it. Counts are not times: an atomic add is one instruction and takes two
//! nanoseconds. So the counts detect growth, and the bench measures time.
//!
//! Counts depend on the compiler, the processor's family and the C library, which allocates and
//! copies. The baseline says with which of them it was counted, and is compared with no other.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde_json::{Value, json};

use crate::verdict::{Findings, Verdict, say};
use crate::workspace::{Workspace, output_of, passes};

const BASELINE: &str = "crates/hot-paths/instructions.json";

/// The function whose instructions are counted, in `crates/hot-paths/src/repeat.rs`.
const COUNTED: &str = "*::repeat::counted*";

/// Settings of the C library's heap, by which it never gives memory back to the system.
///
/// When it does so depends on where the heap begins, and that on the length of the program's path.
const HEAP: [(&str, &str); 3] = [
    ("MALLOC_MMAP_THRESHOLD_", "1073741824"),
    ("MALLOC_TOP_PAD_", "67108864"),
    ("MALLOC_TRIM_THRESHOLD_", "1073741824"),
];

/// The tolerated growth: instructions, or a share of them.
const SLACK: f64 = 2.0;
const SLACK_SHARE: f64 = 0.02;

/// The instructions of each path.
type Counts = BTreeMap<String, f64>;

/// The use of new counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Compares them with the baseline.
    Compare,
    /// Makes them the baseline.
    Accept,
}

/// Counts, and what they were counted with.
struct Baseline {
    counted_with: String,
    counts: Counts,
}

/// The gate cannot run on this machine, for the reason in the text.
#[derive(Debug)]
pub(crate) struct NotHere(String);

impl NotHere {
    pub(crate) fn because(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for NotHere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotHere {}

/// Counts the instructions of all paths, and compares or accepts them.
///
/// # Errors
/// [`NotHere`] if valgrind is missing or the baseline was counted on another machine.
pub(crate) fn prove(workspace: &Workspace, gate: Gate) -> Result<(Verdict, Value)> {
    let valgrind = valgrind(workspace)?;
    if gate == Gate::Accept {
        let counts = count(workspace, &valgrind, "target")?;
        let accepted = Baseline { counted_with: counted_with(workspace)?, counts };
        workspace.write(BASELINE, &format!("{:#}\n", accepted.to_json()))?;
        say(&format!("wrote {BASELINE}"));
        return Ok((Verdict::Holds, json!(accepted.counts)));
    }
    let baseline = Baseline::comparable(workspace)?;
    let counts = count(workspace, &valgrind, "target")?;
    let findings = baseline.growth(&counts);
    findings.iter().for_each(|finding| say(&format!("FAIL instructions: {finding}")));
    baseline.shrinkage(&counts).iter().for_each(|note| say(&format!("note: {note}")));
    if !findings.is_empty() {
        say("if that is meant, `cargo xtask prove instructions --accept` makes it the baseline");
    }
    Ok((Verdict::from_success(findings.is_empty()), json!(counts)))
}

/// Returns the findings in a workspace, such as a copy that has another folder for its builds.
pub(crate) fn findings(workspace: &Workspace, valgrind: &Path, target: &str) -> Result<Findings> {
    Ok(Baseline::comparable(workspace)?.growth(&count(workspace, valgrind, target)?))
}

/// Finds or unpacks valgrind.
pub(crate) fn valgrind(workspace: &Workspace) -> Result<PathBuf> {
    let mut call = workspace.cargo(&["run", "--quiet", "--locked", "--offline"]);
    call.args(["--package", "node0-testbed", "--bin", "testbed-tools", "--", "valgrind"]);
    let output = call.output().context("cannot run cargo")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let after = |start| said.lines().find_map(|line| line.strip_prefix(start));
    match (after("tool valgrind: "), after("MISSING ")) {
        (Some(path), _) => Ok(PathBuf::from(path)),
        (None, Some(reason)) => Err(NotHere::because(reason).into()),
        (None, None) => bail!("no word of valgrind: {}", String::from_utf8_lossy(&output.stderr)),
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

/// Builds the program and counts the instructions of each of its paths.
fn count(workspace: &Workspace, valgrind: &Path, target: &str) -> Result<Counts> {
    let mut build = workspace.cargo(&["build", "--profile", "instructions"]);
    build.args(["--locked", "--offline", "--package", "node0-hot-paths", "--target-dir", target]);
    ensure!(passes(&mut build)? == Verdict::Holds, "the paths do not compile");
    let program = workspace.path(target).join("instructions/node0-hot-paths");
    let listed = output_of(&mut Command::new(&program))?;
    let waiting = Mutex::new(listed.lines());
    let counts = Mutex::new(Counts::new());
    let work = || -> Result<()> {
        // The lock is released before the path is run.
        while let Some(line) = { waiting.lock().ok().and_then(|mut lines| lines.next()) } {
            let (path, times) = line.split_once(' ').context("a path without a number")?;
            let count = count_of(valgrind, &program, path, times.parse()?)?;
            counts.lock().map_err(|_| anyhow!("a thread panicked"))?.insert(path.to_owned(), count);
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let ends = workers.into_iter().map(|it| it.join().map_err(|_| anyhow!("it panicked"))?);
        ends.collect::<Result<()>>()
    })?;
    Ok(with_differences(counts.into_inner().map_err(|_| anyhow!("a thread panicked"))?))
}

/// Adds what is ours of a path that also exists without us: `added-x` for `watched-x` and `alone-x`.
///
/// Two percent of a whole request are many instructions, and a sixth of what we add to it.
fn with_differences(mut counts: Counts) -> Counts {
    let added = counts.iter().filter_map(|(path, watched)| {
        let (group, name) = path.split_once("/watched-")?;
        let alone = counts.get(&format!("{group}/alone-{name}"))?;
        Some((format!("{group}/added-{name}"), one_decimal(watched - alone)))
    });
    let added: Vec<_> = added.collect();
    counts.extend(added);
    counts
}

fn one_decimal(count: f64) -> f64 {
    (count * 10.0).round() / 10.0
}

/// Returns the instructions of one repetition, with one decimal.
fn count_of(valgrind: &Path, program: &Path, path: &str, times: u64) -> Result<f64> {
    let mut call = Command::new(valgrind);
    call.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    call.arg(format!("--toggle-collect={COUNTED}")).arg(program).args([path, &times.to_string()]);
    let output = call.envs(HEAP).output().context("cannot run valgrind")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{path} failed: {said}");
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    let (_, count) = collected.with_context(|| format!("callgrind counted nothing: {said}"))?;
    let count: u64 = count.trim().parse().context("callgrind's count is no number")?;
    ensure!(count > 0, "{path} never entered `{COUNTED}`");
    Ok(one_decimal(count as f64 / times as f64))
}

impl Baseline {
    fn read(workspace: &Workspace) -> Result<Self> {
        let value: Value = serde_json::from_str(&workspace.read(BASELINE)?).context(BASELINE)?;
        let counted_with = value["counted_with"].as_str().context(BASELINE)?.to_owned();
        let counts = serde_json::from_value(value["instructions"].clone()).context(BASELINE)?;
        Ok(Self { counted_with, counts })
    }

    /// Reads the baseline, unless it was counted with other things than this machine has.
    fn comparable(workspace: &Workspace) -> Result<Self> {
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

    fn to_json(&self) -> Value {
        json!({ "counted_with": self.counted_with, "instructions": self.counts })
    }

    /// Returns findings for paths that exceed the baseline, or that only one side has.
    fn growth(&self, counts: &Counts) -> Findings {
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
    fn shrinkage(&self, counts: &Counts) -> Vec<String> {
        let pairs = counts.iter().filter_map(|(path, count)| {
            let accepted = *self.counts.get(path)?;
            let is_less = *count < accepted - SLACK.max(accepted * SLACK_SHARE);
            is_less.then(|| change(path, accepted, *count, "less"))
        });
        pairs.collect()
    }
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
    fn our_share_of_a_path_is_a_path_too() {
        let measured = counts(&[("a/alone-x", 70.0), ("a/watched-x", 81.1), ("b/watched-x", 9.0)]);
        let added = with_differences(measured);
        assert_eq!((added.len(), added["a/added-x"]), (4, 11.1));
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
        let text = |counted_with: &str| {
            let counts = counts(&[("request", 5000.0)]);
            Baseline { counted_with: counted_with.to_owned(), counts }.to_json().to_string()
        };
        workspace.write(BASELINE, &text("a slide rule")).expect("a file");
        let error = Baseline::comparable(&workspace).err().expect("another machine");
        assert!(error.is::<NotHere>() && error.to_string().contains("a slide rule"), "{error}");
        let here = counted_with(&workspace).expect("a compiler");
        workspace.write(BASELINE, &text(&here)).expect("a file");
        assert_eq!(Baseline::comparable(&workspace).expect("this one").counts["request"], 5000.0);
    }
}
