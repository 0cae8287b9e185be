//! The limits for the sizes of crates, files and functions.
//!
//! A crate or file beyond its limit usually contains more than one concept, and such a
//! function more than one step. For an exception, the crate's row gives the reason and a
//! limit of its own. A finding names the part, the limit and the remedy.

use std::collections::BTreeSet;

use super::TABLE;
use super::row::{Oversize, Row};
use crate::source::Source;
use crate::verdict::Findings;

/// The most lines of a crate's `src`, with comments and blank ones, without test modules.
const CRATE: usize = 3500;
/// The most lines of any file, with its tests.
const FILE: usize = 400;
/// The most lines of a function below `src`, from `fn` to its closing brace; tests have no
/// limit.
const FUNCTION: usize = 60;

/// A reason may allow this fraction of the lines more than there are: a tenth.
const SLACK: usize = 10;

/// A part of a crate that is larger than its limit.
struct Excess {
    /// The name of the part, in the form of [`Oversize::part`].
    part: String,
    lines: usize,
    limit: usize,
    remedy: &'static str,
}

/// Checks every crate of the table, the benches and the examples against the limits.
pub(super) fn findings(table: &[Row], sources: &[Source]) -> Findings {
    let mut findings = Findings::new();
    for row in table {
        findings.extend(of_home(&row.home(), Some(row.oversize), sources));
    }
    for home in homes_without_rows(sources) {
        findings.extend(of_home(home, None, sources));
    }
    findings
}

/// Returns the folders of the benches' crates and of each example.
fn homes_without_rows(sources: &[Source]) -> BTreeSet<&str> {
    let homes = sources.iter().filter_map(|source| {
        let (folder, below) = source.path.split_once('/')?;
        match folder {
            "bench" => Some(source.path.split_once("/src/").map_or(folder, |(home, _)| home)),
            "examples" => Some(&source.path[..folder.len() + 1 + below.find('/')?]),
            _ => None,
        }
    });
    homes.collect()
}

/// Checks the parts of one crate; each reason is for one part.
fn of_home(home: &str, reasons: Option<&[Oversize]>, sources: &[Source]) -> Findings {
    let mut findings = Findings::new();
    let exception = reasons.map(|_| format!(", or give the reason in {TABLE}"));
    let exception = exception.unwrap_or_default();
    let mut unused: Vec<&Oversize> = reasons.into_iter().flatten().collect();
    for Excess { part, lines, limit, remedy } in excesses(&format!("{home}/"), sources) {
        let Some(at) = unused.iter().position(|it| it.part == part) else {
            findings.push(format!(
                "`{home}/{part}` has {lines} lines, {limit} are allowed: {remedy}{exception}"
            ));
            continue;
        };
        let allowed = unused.swap_remove(at).lines;
        if lines > allowed {
            findings.push(format!(
                "`{home}/{part}` has {lines} lines, its reason allows {allowed}: {remedy}, or \
                 raise the number in {TABLE}"
            ));
        } else if lines + lines / SLACK < allowed {
            findings.push(format!(
                "`{home}/{part}` has {lines} lines, its reason allows {allowed}: lower the \
                 number in {TABLE}"
            ));
        }
    }
    for Oversize { part, .. } in unused {
        findings.push(format!(
            "`{home}/{part}` is within its limit or gone: take its reason out of {TABLE}"
        ));
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
        // A crate in the folder of another one is measured by itself.
        if path.contains("/src/") {
            continue;
        }
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
