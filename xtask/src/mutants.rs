//! Proves that the core's models can fail: runs each on code with a deliberate fault.
//!
//! A mutant replaces one line of the shipped source. Several mutants are faults that the
//! models once found. They are text in this file, so a test checks that each line still
//! exists in the source. `cargo xtask prove mutants` runs them in a copy of the workspace.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::verdict::{Verdict, say};
use crate::workspace::{Workspace, passes};
use crate::{copy, models};

/// A line of the source and a faulty replacement.
struct Mutant {
    name: &'static str,
    /// The model that must fail with the replacement.
    model: &'static str,
    file: &'static str,
    /// The line without its indentation; it occurs exactly once in the file.
    line: &'static str,
    becomes: &'static str,
}

const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "a sum that does not release its bucket",
        model: "models::record_against_sample",
        file: "crates/metrics-core/src/recording/cells.rs",
        line: "self.sum.store(sum, Ordering::Release);",
        becomes: "self.sum.store(sum, Ordering::Relaxed);",
    },
    Mutant {
        name: "a bucket emptied before its count is moved",
        model: "models::spill_against_sample",
        file: "crates/metrics-core/src/recording/latency.rs",
        line: "self.spill(bucket, index);",
        becomes: "bucket.store(0, Ordering::Relaxed); self.spill(bucket, index);",
    },
    Mutant {
        name: "a shared line marked by the first value of its bucket only",
        model: "shared_record_against_sample",
        file: "crates/metrics-core/src/recording/cells.rs",
        line: "self.touch(bucket); // each thread for itself",
        becomes: "if self.buckets[bucket].load(Ordering::Relaxed) == n { self.touch(bucket); }",
    },
    Mutant {
        name: "a lane leased to two threads",
        model: "lease_and_return_against_sample",
        file: "crates/metrics-core/src/recording/lanes.rs",
        line: "self.idle.pop()",
        becomes: "self.idle.last().copied()",
    },
    Mutant {
        name: "a lane that may be leased while it grows",
        model: "prepare_against_lease",
        file: "crates/metrics-core/src/recording/lanes.rs",
        line: "self.idle.extract_if(next, |lane| lane.is_short()).collect()",
        becomes: "self.idle[next].iter().copied().filter(|lane| lane.is_short()).collect()",
    },
    Mutant {
        name: "a registration that no pass hears of",
        model: "register_against_sample",
        file: "crates/metrics-core/src/recording/families.rs",
        line: "self.generation += 1; // a series came",
        becomes: "self.generation += 0;",
    },
    Mutant {
        name: "a series let go while a handle lives",
        model: "drop_against_record",
        file: "crates/metrics-core/src/recording/kinds.rs",
        line: "holders == 2 + self.head().lapsed.load(Ordering::Acquire)",
        becomes: "holders == 3 + self.head().lapsed.load(Ordering::Acquire)",
    },
    Mutant {
        name: "orphans looked for after the cells were read",
        model: "drop_against_record",
        file: "crates/metrics-core/src/reading/pass.rs",
        line: "if let Some(orphans) = orphans {",
        becomes: "drop(orphans); if is_tick_end { let orphans = lock(&store.families).orphans(&self.schema);",
    },
    Mutant {
        name: "a series that no pass has seen taken for an orphan",
        model: "register_against_removal",
        file: "crates/metrics-core/src/recording/families.rs",
        line: "let row = *sampled.rows.get(&id)?;",
        becomes: "let row = sampled.rows.get(&id).copied().unwrap_or_default();",
    },
    Mutant {
        name: "a cell handed on as it is",
        model: "drop_against_record",
        file: "crates/metrics-core/src/recording/lanes.rs",
        line: "cell.clear(&LANES);",
        becomes: "let _ = cell;",
    },
    Mutant {
        name: "a reader that takes a pass as old as itself",
        model: "publish_against_latest_and_read",
        file: "crates/metrics-core/src/engine.rs",
        line: "&& *number > arrived",
        becomes: "&& *number >= arrived",
    },
    Mutant {
        name: "a ticket that overtakes the reader's own record",
        model: "publish_against_latest_and_read",
        file: "crates/metrics-core/src/engine.rs",
        line: "let arrived = self.passes.begun.fetch_add(0, Ordering::AcqRel);",
        becomes: "let arrived = self.passes.begun.load(Ordering::SeqCst);",
    },
    Mutant {
        name: "a handle to an instance whose last handle dropped",
        model: "last_handle_against_a_further_one",
        file: "crates/metrics-core/src/instances/handle.rs",
        line: "let one_more = |handles| (handles > 0).then_some(handles + 1);",
        becomes: "let one_more = |handles| Some(handles + 1);",
    },
    Mutant {
        name: "an instance removed by the handle of the one before",
        model: "last_handle_against_enter",
        file: "crates/metrics-core/src/instances.rs",
        line: "let is_same = named.get(instance.name()).is_some_and(|has| Arc::ptr_eq(has, instance));",
        becomes: "let is_same = true;",
    },
    Mutant {
        name: "a reference published before what is behind it",
        model: "who_sees_the_reference_sees_what_is_behind_it",
        file: "crates/metrics-core/src/recording/static_ref/twin.rs",
        line: "self.index.store(index, Ordering::Release);",
        becomes: "self.index.store(index, Ordering::Relaxed);",
    },
];

/// Runs every model on the correct source, which must pass, and then on its mutants.
pub(crate) fn prove(workspace: &Workspace) -> Result<(Verdict, Value)> {
    let copy = copy::of(workspace, "mutants")?;
    let mut whole = models::call(&copy, copy::TARGET, models::SHORT);
    whole.args(["--", "models::", "static_ref::"]);
    ensure!(passes(&mut whole)? == Verdict::Holds, "the models fail without any mutant");
    let mut survivors = Vec::new();
    for mutant in MUTANTS {
        let found = mutant.is_found(&copy)?;
        say(&format!(
            "{} {}: {}",
            if found { "found" } else { "MISSED" },
            mutant.model,
            mutant.name
        ));
        if !found {
            survivors.push(mutant.name);
        }
    }
    let figures = json!({ "mutants": MUTANTS.len(), "missed": survivors });
    Ok((Verdict::from_success(survivors.is_empty()), figures))
}

impl Mutant {
    /// Returns `true` if the model fails on the mutant.
    fn is_found(&self, copy: &Workspace) -> Result<bool> {
        let source = copy.read(self.file)?;
        copy.write(self.file, &self.apply(&source)?)?;
        let mut build = models::call(copy, copy::TARGET, models::SHORT);
        build.arg("--no-run");
        if passes(&mut build)? != Verdict::Holds {
            bail!("`{}` does not compile: mend the mutant", self.name);
        }
        let mut run = models::call(copy, copy::TARGET, models::SHORT);
        run.args(["--", self.model]);
        let said = run.output().context("cannot run the model")?;
        copy.write(self.file, &source)?;
        let words = String::from_utf8_lossy(&said.stdout);
        ensure!(words.contains("running 1 test"), "`{}` names no single model", self.model);
        Ok(!said.status.success())
    }

    fn apply(&self, source: &str) -> Result<String> {
        let found = source.lines().filter(|line| line.trim() == self.line).count();
        ensure!(found == 1, "{} has the line of `{}` {found} times", self.file, self.name);
        let lines = source.lines();
        let mutated = lines.map(|line| if line.trim() == self.line { self.becomes } else { line });
        Ok(mutated.flat_map(|line| [line, "\n"]).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mutant_still_applies_and_changes_something() {
        let workspace = Workspace::of_this_build();
        for mutant in MUTANTS {
            let source = workspace.read(mutant.file).expect("the file is there");
            let mutated = mutant.apply(&source).expect("the line is there once");
            assert_ne!(source, mutated, "{}", mutant.name);
        }
    }

    #[test]
    fn every_model_has_a_mutant() {
        let models = Workspace::of_this_build().read("crates/metrics-core/src/models.rs");
        let models = models.expect("the models are there");
        let mut names = models.lines().filter_map(|line| line.strip_prefix("fn "));
        let tested = |name: &str| MUTANTS.iter().any(|mutant| mutant.model.ends_with(name));
        let helpers = ["explore", "settings", "registry", "jobs", "wait", "enter"];
        let missing = names.find(|line| {
            let name = line.split('(').next().unwrap_or_default();
            !helpers.contains(&name) && !tested(name)
        });
        assert_eq!(missing, None);
    }
}
