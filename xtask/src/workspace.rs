//! The workspace that the commands work on: its files, and calls of cargo in it.
//!
//! The root is a parameter of every check, so that tests can run the checks on a small
//! workspace in a temporary folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::verdict::Verdict;

const EXAMPLES: &str = "examples/Cargo.toml";

/// The root of a workspace.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Returns the workspace from which this program was built.
    pub(crate) fn of_this_build() -> Self {
        let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self { root: xtask.parent().unwrap_or(xtask).to_owned() }
    }

    /// Returns the workspace in another folder, such as a copy.
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Returns the path of a file, whose given path is relative to the root.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Reads a file, whose path is relative to the root.
    pub(crate) fn read(&self, relative: &str) -> Result<String> {
        fs::read_to_string(self.path(relative)).with_context(|| format!("cannot read {relative}"))
    }

    /// Writes a file, whose path is relative to the root, and creates the folders above it.
    pub(crate) fn write(&self, relative: &str, text: &str) -> Result<()> {
        let path = self.path(relative);
        let folder = path.parent().context("a file lies in a folder")?;
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, text))
            .with_context(|| format!("cannot write {relative}"))
    }

    /// Returns the Rust sources below `folder`, as sorted paths relative to the root.
    ///
    /// Cargo's folder `target`, which lies beside a manifest, is left out.
    pub(crate) fn rust_sources(&self, folder: &str) -> Result<Vec<String>> {
        let mut found = Vec::new();
        self.collect_sources(Path::new(folder), &mut found)?;
        found.sort();
        Ok(found)
    }

    fn collect_sources(&self, folder: &Path, found: &mut Vec<String>) -> Result<()> {
        let path = self.root.join(folder);
        let entries = fs::read_dir(&path);
        for entry in entries.with_context(|| format!("cannot list {}", path.display()))? {
            let entry = entry?;
            let relative = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                let is_of_cargo = entry.file_name() == "target" && self.is_package(folder);
                if !is_of_cargo {
                    self.collect_sources(&relative, found)?;
                }
            } else if relative.extension().is_some_and(|end| end == "rs") {
                found.push(relative.to_string_lossy().into_owned());
            }
        }
        Ok(())
    }

    /// Returns `true` if a file is the build script of a package.
    pub(crate) fn is_build_script(&self, relative: &str) -> bool {
        relative.strip_suffix("/build.rs").is_some_and(|home| self.is_package(Path::new(home)))
    }

    /// Returns `true` if a folder, whose path is relative to the root, contains a package.
    fn is_package(&self, folder: &Path) -> bool {
        self.root.join(folder).join("Cargo.toml").is_file()
    }

    /// Returns a command of cargo in the root.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(arguments).current_dir(&self.root).stdin(Stdio::null());
        command
    }

    /// Returns a command of the compiler that cargo uses in the root.
    pub(crate) fn rustc(&self) -> Command {
        let mut command = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        command.current_dir(&self.root).stdin(Stdio::null());
        command
    }

    /// Makes sure that every crate of the lock files is on this machine.
    ///
    /// It uses the network only when a crate is missing, so a second run needs none.
    pub(crate) fn fetch(&self) -> Result<()> {
        self.fetch_for("Cargo.toml")?;
        if self.has_examples() { self.fetch_for(EXAMPLES) } else { Ok(()) }
    }

    fn fetch_for(&self, manifest: &str) -> Result<()> {
        let fetch = ["fetch", "--locked", "--manifest-path", manifest];
        let mut offline = self.cargo(&fetch);
        offline.arg("--offline").stdout(Stdio::null()).stderr(Stdio::null());
        if passes(&mut offline)? == Verdict::Holds
            || passes(&mut self.cargo(&fetch))? == Verdict::Holds
        {
            return Ok(());
        }
        bail!("the crates locked for {manifest} cannot be fetched: see cargo's words above")
    }

    /// Returns `true` if the examples exist; a user may delete them.
    pub(crate) fn has_examples(&self) -> bool {
        self.path(EXAMPLES).exists()
    }

    /// Returns a command of cargo on the examples, which are a workspace of their own.
    ///
    /// They use the same target folder, so that most dependencies are compiled once.
    pub(crate) fn cargo_on_examples(&self, command: &str) -> Command {
        let mut call = self.cargo(&[command, "--locked", "--offline", "--manifest-path", EXAMPLES]);
        call.args(["--target-dir", "target"]);
        call
    }
}

/// Runs a command that prints its own findings, and returns its verdict.
pub(crate) fn passes(command: &mut Command) -> Result<Verdict> {
    let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
    Ok(Verdict::from_success(status.success()))
}

/// Runs a command and returns its output; an exit code other than 0 is an error.
pub(crate) fn output_of(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("{command:?} ended with {}: {}", output.status, words.trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("{command:?} did not print text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_target_folder_of_cargo_is_left_out() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let workspace = Workspace::at(folder.path());
        let files =
            ["one/Cargo.toml", "one/target/a.rs", "one/src/target/b.rs", "one/src/target.rs"];
        for path in files {
            workspace.write(path, "").expect("a file");
        }
        let sources = workspace.rust_sources("one").expect("sources");
        assert_eq!(sources, ["one/src/target.rs", "one/src/target/b.rs"]);
    }
}
