//! Parses a page of metrics with the reference parser.
//!
//! Python's `prometheus_client` parses the page; it agrees with all of the OpenMetrics
//! test data. Two further checks refuse faults that it accepts (see
//! `python/parse_exposition.py`). The result is plain data, which a test can compare value
//! by value.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::process::Stdio;

use serde_json::Value;

use crate::tools::PythonPackage;

const SCRIPT: &str = include_str!("../python/parse_exposition.py");

/// One metric family as the parser understood it.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// The family's name; for an OpenMetrics counter without `_total`.
    pub name: String,
    /// The type: `counter`, `gauge`, `histogram`, …
    pub kind: String,
    /// The help text, unescaped.
    pub help: String,
    /// The unit, empty when none was given.
    pub unit: String,
    /// Its samples in their order.
    pub samples: Vec<Sample>,
}

/// One sample as the parser understood it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The full name, with suffix.
    pub name: String,
    /// The labels, unescaped.
    pub labels: BTreeMap<String, String>,
    /// The value.
    pub value: f64,
    /// The timestamp in seconds, where one was given.
    pub timestamp: Option<f64>,
    /// The exemplar as JSON (`labels`, `value`, `timestamp`), where one was given.
    pub exemplar: Option<Value>,
}

/// A page that the parser did not accept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The parser refused the page.
    #[error("the reference parser refuses the page: {reason}")]
    Refused {
        /// The parser's message.
        reason: String,
    },
    /// Python could not be run, or did not answer in the agreed form.
    #[error("the reference parser could not be run: {said}")]
    Broken {
        /// The text that Python printed, or the error of the operating system.
        said: String,
        /// The error of the operating system, if there was one.
        source: Option<io::Error>,
    },
}

/// Parses a page in OpenMetrics 1.0.
///
/// # Errors
///
/// Returns [`ParseError::Refused`] with the parser's reason when the page breaks the format.
pub fn parse_openmetrics(client: &PythonPackage, text: &str) -> Result<Vec<Family>, ParseError> {
    parse(client, "openmetrics", text)
}

/// Parses a page in the text format 0.0.4.
///
/// # Errors
///
/// Returns [`ParseError::Refused`] with the parser's reason when the page breaks the format.
pub fn parse_text(client: &PythonPackage, text: &str) -> Result<Vec<Family>, ParseError> {
    parse(client, "text", text)
}

fn parse(client: &PythonPackage, format: &str, text: &str) -> Result<Vec<Family>, ParseError> {
    let broken =
        |source: io::Error| ParseError::Broken { said: source.to_string(), source: Some(source) };
    let mut child = client
        .command()
        .args(["-c", SCRIPT, format])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(broken)?;
    // The parser reads all input before it writes, so neither side blocks. A failed write is
    // judged only after the exit status, which tells more.
    let written = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().map_err(broken)?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    match output.status.code() {
        Some(0) => written.map_err(broken)?,
        Some(3) => return Err(ParseError::Refused { reason: said }),
        _ => return Err(ParseError::Broken { said, source: None }),
    }
    let odd = || ParseError::Broken { said: "an answer of another shape".to_owned(), source: None };
    let answer: Value = serde_json::from_slice(&output.stdout).map_err(|_| odd())?;
    let families = answer.as_array().ok_or_else(odd)?;
    families.iter().map(|value| family(value).ok_or_else(odd)).collect()
}

fn family(value: &Value) -> Option<Family> {
    let text = |key: &str| Some(value.get(key)?.as_str()?.to_owned());
    let samples = value.get("samples")?.as_array()?;
    Some(Family {
        name: text("name")?,
        kind: text("type")?,
        help: text("help")?,
        unit: text("unit")?,
        samples: samples.iter().map(sample).collect::<Option<_>>()?,
    })
}

fn sample(value: &Value) -> Option<Sample> {
    let labels = value.get("labels")?.as_object()?;
    let label = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
    let exemplar = value.get("exemplar")?;
    Some(Sample {
        name: value.get("name")?.as_str()?.to_owned(),
        labels: labels.iter().map(label).collect::<Option<_>>()?,
        value: number(value.get("value")?)?,
        timestamp: value.get("timestamp")?.as_f64(),
        exemplar: (!exemplar.is_null()).then(|| exemplar.clone()),
    })
}

/// Reads a number; numbers without a JSON form are texts such as `+Inf`.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}
