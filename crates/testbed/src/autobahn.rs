//! A run of Autobahn's test suite as the client of a WebSocket server.

use std::collections::BTreeMap;
use std::io;

use serde::Deserialize;
use serde_json::json;

use crate::Deadline;
use crate::process::{Process, ProcessError};
use crate::tools::AutobahnTool;

/// The name under which the server stands in the suite's report.
const AGENT: &str = "node0";

/// The result of one case.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CaseResult {
    /// The judgement of the messages: `OK`, `NON-STRICT`, `INFORMATIONAL`, `FAILED` and others.
    pub behavior: String,
    /// The judgement of the way in which the connection was closed: `OK`, `UNCLEAN` and others.
    pub behavior_close: String,
}

impl CaseResult {
    /// The judgements that find nothing wrong.
    const GOOD: [&str; 3] = ["OK", "NON-STRICT", "INFORMATIONAL"];

    /// Returns `true` if the suite found nothing wrong.
    #[must_use]
    pub fn is_good(&self) -> bool {
        Self::GOOD.contains(&self.behavior.as_str()) && self.ended_well()
    }

    /// Returns `true` if the suite found nothing wrong in the end of the connection.
    #[must_use]
    pub fn ended_well(&self) -> bool {
        Self::GOOD.contains(&self.behavior_close.as_str())
    }
}

/// A run that gave no results.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The suite could not be started, or did not end in time.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The configuration could not be written, or the report not be read.
    #[error("the files of the run could not be used; the suite said:\n{said}")]
    Io {
        /// The output of the suite.
        said: String,
        /// The error of the operating system.
        source: io::Error,
    },
}

/// Runs cases against the server at `url` and returns their results by number.
///
/// `cases` and `without` are patterns such as `9.*`. The run may take `seconds`.
///
/// # Errors
///
/// Returns [`RunError`] when the suite cannot be started, takes longer, or leaves no report.
pub fn run(
    tool: &AutobahnTool,
    url: &str,
    cases: &[&str],
    without: &[&str],
    seconds: u64,
) -> Result<BTreeMap<String, CaseResult>, RunError> {
    let failed = |said: String| move |source| RunError::Io { said, source };
    let folder = tempfile::Builder::new().prefix("node0-autobahn-").tempdir();
    let folder = folder.map_err(failed(String::new()))?;
    let reports = folder.path().join("reports");
    let spec = json!({
        "outdir": reports,
        "servers": [{ "agent": AGENT, "url": url }],
        "cases": cases,
        "exclude-cases": without,
        "exclude-agent-cases": {},
    });
    let spec_path = folder.path().join("spec.json");
    std::fs::write(&spec_path, spec.to_string()).map_err(failed(String::new()))?;
    let mut command = tool.command();
    command.args(["-m", "fuzzingclient", "-s"]).arg(&spec_path).current_dir(folder.path());
    let mut process = Process::spawn(command)?;
    process.wait(Deadline::seconds(seconds))?;
    let said = process.output();
    let index = std::fs::read(reports.join("index.json")).map_err(failed(said.clone()))?;
    let index = serde_json::from_slice::<BTreeMap<String, BTreeMap<String, CaseResult>>>(&index);
    let mut index = index.map_err(|error| failed(said)(error.into()))?;
    Ok(index.remove(AGENT).unwrap_or_default())
}
