//! The limits for the sizes of crates, files and functions.
//!
//! A crate or file beyond its limit usually contains more than one concept, and such a
//! function more than one step. For an exception, the crate's row gives the reason. A
//! finding names the part, the limit and the remedy.

use super::TABLE;
use super::row::Row;
use crate::source::Source;
use crate::verdict::Findings;

/// The most lines of a crate's `src`, with comments and blank ones, without test modules.
const CRATE: usize = 3500;
/// The most lines of any file, with its tests.
const FILE: usize = 400;
/// The most lines of a function below `src`, from `fn` to its closing brace; tests have no
/// limit.
const FUNCTION: usize = 60;

/// A part of a crate that is larger than its limit.
struct Excess {
    /// The name of the part, in the form of [`Oversize::part`](super::row::Oversize::part).
    part: String,
    lines: usize,
    limit: usize,
    remedy: &'static str,
}

/// Checks every crate of the table, its files and its functions against the limits.
pub(super) fn findings(table: &[Row], sources: &[Source]) -> Findings {
    let mut findings = Findings::new();
    for row in table {
        let home = row.home();
        let excesses = excesses(&format!("{home}/"), sources);
        let has_reason = |it: &&Excess| row.oversize.iter().any(|reason| reason.part == it.part);
        for Excess { part, lines, limit, remedy } in excesses.iter().filter(|it| !has_reason(it)) {
            findings.push(format!(
                "`{home}/{part}` has {lines} lines, {limit} are allowed: {remedy}, or give \
                 the reason in {TABLE}"
            ));
        }
        let is_needed = |part: &str| excesses.iter().any(|it| it.part == part);
        for oversize in row.oversize.iter().filter(|it| !is_needed(it.part)) {
            findings.push(format!(
                "`{home}/{}` is within its limit or gone: take its reason out of \
                 {TABLE}",
                oversize.part
            ));
        }
    }
    findings
}

/// Returns the parts below `home` that are too large.
fn excesses(home: &str, sources: &[Source]) -> Vec<Excess> {
    let mut parts = Vec::new();
    let mut add = |part: &str, lines, limit, remedy| {
        if lines > limit {
            parts.push(Excess { part: part.to_owned(), lines, limit, remedy });
        }
    };
    let mut shipped_lines = 0;
    for source in sources {
        let Some(path) = source.path.strip_prefix(home) else { continue };
        shipped_lines += source.shipped_lines;
        add(path, source.lines, FILE, "split it into modules");
        for function in &source.functions {
            let part = format!("{path}::{}", function.name);
            add(&part, function.lines, FUNCTION, "split it into named steps");
        }
    }
    add("src", shipped_lines, CRATE, "move a part of it to a crate of its own");
    parts
}
