//! Autobahn's test suite, the judge of WebSocket implementations.
//!
//! It runs on Python 2.7 only, which Debian had for the last time in its release `bullseye`. So that
//! Python is unpacked with the last pip for it, and the suite with what it imports. Packages that
//! would be compiled are left out, since the suite has slower substitutes for them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::debian::Packages;
use super::error::ToolError;
use super::{search, store, wrapper};

const PYTHON: Packages = Packages {
    release: "bullseye",
    names: &[
        "libffi7",
        "libpython2.7-minimal",
        "libpython2.7-stdlib",
        "libssl1.1",
        "python-pip-whl",
        "python2.7-minimal",
        "zlib1g",
    ],
};

/// The folder of pip and of its parts, which are archives that Python imports from.
const WHEELS: &str = "usr/share/python-wheels";

/// The packages that build others.
const BUILDERS: &[&str] = &["setuptools==44.1.1", "wheel==0.37.1"];

/// The suite and what it imports, in the releases that it names.
const SUITE: &[&str] = &[
    "Automat==22.10.0",
    "Twisted==19.10.0",
    "Werkzeug==1.0.1",
    "attrs==21.4.0",
    "autobahn==0.10.9",
    "autobahntestsuite==25.10.1",
    "cffi==1.15.1",
    "constantly==15.1.0",
    "cryptography==3.3.2",
    "enum34==1.1.10",
    "hyperlink==21.0.0",
    "idna==2.10",
    "incremental==16.10.1",
    "ipaddress==1.0.23",
    "jinja2==2.11.3",
    "klein==17.10.0",
    "linecache2==1.0.0",
    "markupsafe==1.1.1",
    "pyOpenSSL==19.1.0",
    "pyasn1==0.5.1",
    "pyasn1_modules==0.3.0",
    "pycparser==2.21",
    "service_identity==18.1.0",
    "six==1.16.0",
    "traceback2==1.4.0",
    "txaio==2.1.0",
    "typing==3.10.0.0",
    "unittest2==1.1.0",
    "zope.interface==4.6.0",
];

/// The interpreter's wrapper script, and the folder of the suite's packages.
const WRAPPED: &str = "bin/python2.7";
const PACKAGES: &str = "packages";

const TOOL: &str = "the WebSocket test suite (autobahntestsuite)";

/// Autobahn's test suite with a Python for it.
#[derive(Debug, Clone)]
pub struct AutobahnTool {
    folder: PathBuf,
}

impl AutobahnTool {
    /// Returns a command that runs the suite's program, `wstest`.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = python(&self.folder);
        command.env("PYTHONPATH", self.folder.join(PACKAGES));
        command.args(["-W", "ignore", "-m", "autobahntestsuite.wstest"]);
        command
    }
}

/// Unpacks Autobahn's test suite.
///
/// # Errors
///
/// Fails when it cannot be unpacked.
pub fn autobahn() -> Result<AutobahnTool, ToolError> {
    let recipe = format!("{}; {}", PYTHON.recipe(), SUITE.join(" "));
    let folder = store::ensure("autobahn", &recipe, unpack)?;
    Ok(AutobahnTool { folder })
}

fn unpack(folder: &Path) -> Result<(), ToolError> {
    PYTHON.unpack(TOOL, folder)?;
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).map_err(ToolError::io("cannot make", &bin))?;
    wrapper::write(&folder.join(WRAPPED), "usr/bin/python2.7")?;
    pip(folder, BUILDERS)?;
    pip(folder, SUITE)?;
    // A package of several archives, which pip would join by a file that only an installed Python
    // reads.
    let joined = folder.join(PACKAGES).join("zope/__init__.py");
    fs::write(&joined, "").map_err(ToolError::io("cannot write", &joined))?;
    let tool = AutobahnTool { folder: folder.to_owned() };
    search::run(tool.command().arg("--help")).map(drop)
}

fn pip(folder: &Path, packages: &[&str]) -> Result<(), ToolError> {
    let wheels = folder.join(WHEELS);
    let found = fs::read_dir(&wheels).map_err(ToolError::io("cannot list", &wheels))?;
    let mut parts = vec![folder.join(PACKAGES)];
    parts.extend(found.filter_map(Result::ok).map(|entry| entry.path()));
    let path: Vec<_> = parts.iter().map(|part| part.to_string_lossy()).collect();
    let mut command = python(folder);
    command.env("PYTHONPATH", path.join(":")).args(["-m", "pip", "install", "--quiet"]);
    command.args(["--no-input", "--disable-pip-version-check", "--no-cache-dir", "--no-compile"]);
    command.args(["--no-deps", "--target"]).arg(folder.join(PACKAGES));
    search::run(command.args(packages)).map(drop)
}

fn python(folder: &Path) -> Command {
    let mut command = Command::new(folder.join(WRAPPED));
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command
}
