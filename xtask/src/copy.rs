//! A copy of the workspace, in which a proof may change the sources.
//!
//! The copy is made anew for each run, and the folder of its builds is kept beside it, so that
//! only the crates of the workspace are compiled again.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::workspace::Workspace;

/// The folder of the copy's builds, relative to the copy.
pub(crate) const TARGET: &str = "../target";

const PARTS: [&str; 5] = ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "crates", "xtask"];

/// Copies the workspace to `target/NAME/workspace`.
pub(crate) fn of(workspace: &Workspace, name: &str) -> Result<Workspace> {
    let copy = workspace.path("target").join(name).join("workspace");
    if copy.exists() {
        fs::remove_dir_all(&copy).context("cannot remove the last copy")?;
    }
    for part in PARTS {
        copy_tree(&workspace.path(part), &copy.join(part))?;
    }
    Ok(Workspace::at(&copy))
}

/// Copies a file or a folder; leaves out target folders.
fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    let cannot = || format!("cannot copy {}", from.display());
    if from.is_file() {
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).with_context(cannot)?;
        }
        fs::copy(from, to).with_context(cannot)?;
        return Ok(());
    }
    for entry in fs::read_dir(from).with_context(cannot)? {
        let name = entry.with_context(cannot)?.file_name();
        if name != "target" {
            copy_tree(&from.join(&name), &to.join(&name))?;
        }
    }
    Ok(())
}
