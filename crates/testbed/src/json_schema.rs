//! Holds JSON against JSON Schemas, with the reference validator.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::tools::PythonPackage;

/// The program that calls the validator.
const PROGRAM: &str = include_str!("../python/validate_json.py");

/// Validates values, each against a schema file of `folder`, and returns what is wrong with them.
///
/// A value comes with the name of its schema's file. The result is empty if all values are valid.
/// The schemas themselves are validated too. A field that no schema names is a fault, unless the
/// schema says `additionalProperties`.
///
/// # Errors
///
/// Fails when the validator cannot be run.
pub fn faults<'v>(
    tool: &PythonPackage,
    folder: &Path,
    values: impl IntoIterator<Item = (&'v str, &'v Value)>,
) -> io::Result<Vec<String>> {
    let mut child = tool
        .command()
        .args(["-c", PROGRAM])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let lines = values.into_iter().map(|(schema, value)| format!("{}\n", json!([schema, value])));
    let lines: String = lines.collect();
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(lines.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        return Err(io::Error::other(format!("the validator ended with {}", output.status)));
    }
    let said = String::from_utf8_lossy(&output.stdout);
    Ok(said.lines().map(str::to_owned).collect())
}
