//! Playwright, which drives a browser, with the Node.js that runs it.
//!
//! Playwright needs a newer Node.js than Debian 12 has. Its package for Python carries both the
//! JavaScript library and a Node.js, and the Python part of it is not used.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::ToolError;
use super::python::{self, Wanted};

/// A Playwright for JavaScript and a Node.js for it.
#[derive(Debug, Clone)]
pub struct PlaywrightTool {
    driver: PathBuf,
}

impl PlaywrightTool {
    /// Returns the folder of the package, whose `index.mjs` a script imports.
    #[must_use]
    pub fn package(&self) -> PathBuf {
        self.driver.join("package")
    }

    /// Returns the path of Node.js.
    #[must_use]
    pub fn node(&self) -> PathBuf {
        self.driver.join("node")
    }

    /// Returns a command that runs a script, to which `NODE0_PLAYWRIGHT` names the package.
    #[must_use]
    pub fn command(&self, script: &Path) -> Command {
        let mut command = Command::new(self.node());
        command.arg(script).env("NODE0_PLAYWRIGHT", self.package().join("index.mjs"));
        command
    }
}

/// Unpacks Playwright.
///
/// # Errors
///
/// Fails when there is no Python of at least 3.9, or the package cannot be unpacked.
pub fn playwright() -> Result<PlaywrightTool, ToolError> {
    let folder = python::unpacked(&Wanted {
        tool: "a driver of browsers (playwright)",
        name: "playwright",
        requirement: "playwright==1.65.*",
        module: "playwright",
        // Its Python part, which is not used, needs other packages and Python 3.10.
        others: &["--no-deps", "--ignore-requires-python"],
    })?;
    Ok(PlaywrightTool { driver: folder.join("playwright/driver") })
}
