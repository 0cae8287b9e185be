//! Prometheus's own linter of metric pages.
//!
//! It checks the naming rules and not the numbers: it accepts falling buckets, duplicate
//! series and a missing `+Inf`. The parser in [`exposition`](crate::exposition) and a
//! server that scrapes find those. It reads the text format only.

use std::io::{self, Write as _};
use std::process::{Command, Stdio};

use crate::tools::PrometheusTool;

/// The result of `promtool check metrics`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LintReport {
    /// The exit code: 0 for a clean page, 1 for a malformed one, 3 for lint.
    pub exit: Option<i32>,
    /// The output of both streams, sorted, because promtool prints in random order.
    pub lines: Vec<String>,
}

/// Lints one page of the text format 0.0.4.
///
/// # Errors
///
/// Fails when promtool cannot be run.
pub fn check_metrics(tool: &PrometheusTool, text: &str) -> io::Result<LintReport> {
    let mut child = Command::new(tool.promtool())
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // promtool may stop reading at the first fault. Its output is then the result, and the
    // broken pipe is no error.
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
