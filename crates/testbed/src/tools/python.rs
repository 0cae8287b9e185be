//! The reference parser of the exposition formats: Python's `prometheus_client`.
//!
//! It agrees with every case of the OpenMetrics test data, so tests use it to verify the
//! exporter's pages. The package is plain Python: it is unpacked into the target folder and
//! found through `PYTHONPATH`, and the machine's Python is not changed.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::debian::Packages;
use super::error::ToolError;
use super::{search, store};

const REQUIREMENT: &str = "prometheus_client==0.26.*";

/// The package with pip, for a Python that lacks it.
const INSTALLER: Packages = Packages { release: "bookworm", names: &["python3-pip-whl"] };

/// A Python that can import `prometheus_client`.
#[derive(Debug, Clone)]
pub struct PrometheusClient {
    python: PathBuf,
    packages: PathBuf,
}

impl PrometheusClient {
    /// Returns a command of an interpreter that can import the package.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.python);
        command.env("PYTHONPATH", &self.packages).env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }
}

/// Finds a Python and unpacks `prometheus_client` for it.
///
/// # Errors
///
/// Fails when there is no Python of at least 3.9, or the package cannot be installed.
pub fn prometheus_client() -> Result<PrometheusClient, ToolError> {
    let tool = "the reference parser (prometheus_client)";
    let python = search::in_path("python3").into_iter().find(|python| is_recent(python));
    let python = python.ok_or_else(|| ToolError::NoHelper {
        tool: tool.to_owned(),
        helper: "python3 (3.9 or newer)",
        install: "python3",
    })?;
    let packages = store::ensure("prometheus-client", REQUIREMENT, |folder| {
        install(tool, &python, folder)?;
        let answer = search::run(
            Command::new(&python)
                .args(["-c", "import prometheus_client.openmetrics.parser"])
                .env("PYTHONPATH", folder),
        );
        answer.map(drop)
    })?;
    Ok(PrometheusClient { python, packages })
}

fn install(tool: &str, python: &Path, folder: &Path) -> Result<(), ToolError> {
    let has_pip = Command::new(python)
        .args(["-m", "pip", "--version"])
        .output()
        .is_ok_and(|output| output.status.success());
    if has_pip {
        return pip(python, folder, &["-m", "pip"]);
    }
    let wheels = store::ensure("pip", &INSTALLER.recipe(), |dir| INSTALLER.unpack(tool, dir))?;
    let wheels = wheels.join("usr/share/python-wheels");
    let entries = std::fs::read_dir(&wheels).map_err(ToolError::io("cannot list", &wheels))?;
    let mut files = entries.filter_map(Result::ok).map(|entry| entry.path());
    let is_pip = |file: &PathBuf| {
        file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("pip-"))
    };
    let wheel = files.find(is_pip).ok_or_else(|| ToolError::Unusable {
        tool: "pip".to_owned(),
        path: wheels.clone(),
        answer: String::new(),
    })?;
    // A wheel is a zip archive, and Python can run a package from a zip archive.
    let module = wheel.join("pip");
    pip(python, folder, &[&module.to_string_lossy()])
}

fn pip(python: &Path, folder: &Path, call: &[&str]) -> Result<(), ToolError> {
    let mut command = Command::new(python);
    command.args(call).args(["install", "--quiet", "--no-input", "--disable-pip-version-check"]);
    command.args(["--no-cache-dir", "--no-deps", "--no-compile", "--target"]).arg(folder);
    search::run(command.arg(REQUIREMENT)).map(drop)
}

fn is_recent(python: &Path) -> bool {
    let asks = "import sys; sys.exit(sys.version_info < (3, 9))";
    Command::new(python).args(["-c", asks]).output().is_ok_and(|output| output.status.success())
}
