//! The folder `target/tools`, with a sub-folder for each unpacked tool.
//!
//! A tool's folder is complete or does not exist: it is filled under another name and
//! renamed at the end. A file in it, the stamp, holds the recipe from which it was made;
//! when the recipe changes, the tool is unpacked again. A lock file makes test processes
//! that start together wait until the first has unpacked the tool.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::error::ToolError;

/// The file in a tool's folder that holds the recipe from which it was made.
const STAMP: &str = ".recipe";

/// Returns the folder of `name`; calls `fill` to make it unless it exists with this recipe.
///
/// `recipe` identifies everything that the content depends on.
pub(super) fn ensure(
    name: &str,
    recipe: &str,
    fill: impl FnOnce(&Path) -> Result<(), ToolError>,
) -> Result<PathBuf, ToolError> {
    let root = target_dir()?.join("tools");
    let (folder, partial) = (root.join(name), root.join(format!("{name}.partial")));
    if is_complete(&folder, recipe) {
        return Ok(folder);
    }
    fs::create_dir_all(&root).map_err(ToolError::io("cannot make", &root))?;
    let lock_path = root.join(format!("{name}.lock"));
    let lock = File::create(&lock_path).map_err(ToolError::io("cannot make", &lock_path))?;
    lock.lock().map_err(ToolError::io("cannot lock", &lock_path))?;
    if is_complete(&folder, recipe) {
        return Ok(folder);
    }
    for leftover in [&partial, &folder] {
        remove_dir(leftover)?;
    }
    fs::create_dir_all(&partial).map_err(ToolError::io("cannot make", &partial))?;
    fill(&partial)?;
    let stamp = partial.join(STAMP);
    fs::write(&stamp, recipe).map_err(ToolError::io("cannot write", &stamp))?;
    fs::rename(&partial, &folder).map_err(ToolError::io("cannot rename", &partial))?;
    Ok(folder)
}

/// Removes a folder with everything in it, if it exists.
pub(super) fn remove_dir(folder: &Path) -> Result<(), ToolError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(ToolError::io("cannot remove", folder)(error))
        }
        _ => Ok(()),
    }
}

fn is_complete(folder: &Path, recipe: &str) -> bool {
    fs::read_to_string(folder.join(STAMP)).is_ok_and(|stamp| stamp == recipe)
}

/// Finds the build's target folder.
///
/// A test's binary is inside the target folder, so the folders above it are searched first.
/// A doctest's binary is not, so the environment that cargo sets is tried next.
fn target_dir() -> Result<PathBuf, ToolError> {
    let exe = env::current_exe().ok();
    let beside_exe = exe.as_deref().and_then(|exe| exe.ancestors().find(|dir| is_target(dir)));
    if let Some(dir) = beside_exe {
        return Ok(dir.to_owned());
    }
    if let Some(dir) = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from)
        && dir.is_absolute()
    {
        return Ok(dir);
    }
    let manifest = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let start = manifest.or_else(|| env::current_dir().ok()).ok_or(ToolError::NoTarget)?;
    let workspace = start.ancestors().find(|dir| dir.join("Cargo.lock").is_file());
    Ok(workspace.ok_or(ToolError::NoTarget)?.join("target"))
}

/// Returns `true` if cargo has marked `dir` as a target folder.
fn is_target(dir: &Path) -> bool {
    dir.join(".rustc_info.json").is_file() && dir.join("CACHEDIR.TAG").is_file()
}
