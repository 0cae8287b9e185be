//! Prometheus's own linter of metric pages.
//!
//! It knows the naming rules, not the arithmetic: falling buckets, duplicate series and
//! a missing `+Inf` pass it. Those are for the parser in [`exposition`](crate::exposition)
//! and for a server that scrapes. It reads the text format only.

use std::io::{self, Write as _};
use std::process::{Command, Stdio};

use crate::tools::PrometheusTool;

/// What `promtool check metrics` said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LintReport {
    /// 0 nothing to say, 1 not parsable, 3 lint.
    pub exit: Option<i32>,
    /// Its lines, from both streams, sorted: it walks a hash map.
    pub lines: Vec<String>,
}

/// Lints one page of the text format 0.0.4.
///
/// # Errors
///
/// When promtool cannot be run.
pub fn check_metrics(tool: &PrometheusTool, text: &str) -> io::Result<LintReport> {
    let mut child = Command::new(tool.promtool())
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // It may stop reading at the first mistake; what it says then is the answer.
    let written = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output()?;
    if let Err(error) = written
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        return Err(error);
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let mut lines: Vec<String> =
        said.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
    lines.sort();
    Ok(LintReport { exit: output.status.code(), lines })
}
