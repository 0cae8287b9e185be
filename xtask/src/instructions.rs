//! The instruction gate: counts the instructions of each hot path, which noise does not affect.
//!
//! The program `node0-hot-paths` repeats a path inside one function, and callgrind counts what is
//! executed in it. Counts are not times: an atomic add is one instruction and takes two
//! nanoseconds. So the counts detect growth, and the bench measures time.
//!
//! Counts depend on the compiler, the processor's family and the C library, which allocates and
//! copies. The baseline says with which of them it was counted, and is compared with no other.

mod baseline;
mod callgrind;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use self::baseline::{BASELINE, Baseline};
use self::callgrind::count;
use crate::verdict::{Findings, Verdict, say};
use crate::workspace::Workspace;

pub(crate) use self::callgrind::valgrind;

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
        Baseline::accept(workspace, &counts)?;
        say(&format!("wrote {BASELINE}"));
        return Ok((Verdict::Holds, json!(counts)));
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
