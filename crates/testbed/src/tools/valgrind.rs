//! Valgrind, whose tool callgrind counts the instructions of a program.
//!
//! The package depends on the debug symbols of the C library, 40 MB that callgrind does not need,
//! so they are not unpacked.

use std::fs;
use std::path::{Path, PathBuf};

use super::debian::Packages;
use super::error::ToolError;
use super::{search, store, wrapper};

const PACKAGES: Packages = Packages { release: "bookworm", names: &["valgrind"] };

const NAME: &str = "valgrind";

/// The path of the package's program, which Debian's own script would start.
const PACKAGED: &str = "usr/bin/valgrind.bin";
/// The folder of its tools, which it otherwise searches where they would be installed.
const TOOLS: (&str, &str) = ("VALGRIND_LIB", "usr/libexec/valgrind");
const WRAPPED: &str = "bin";

/// A valgrind.
#[derive(Debug, Clone)]
pub struct ValgrindTool {
    program: PathBuf,
}

impl ValgrindTool {
    /// Returns the path of the program.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }
}

/// Finds or unpacks valgrind.
///
/// # Errors
///
/// Fails when it is not on this machine and cannot be unpacked.
pub fn valgrind() -> Result<ValgrindTool, ToolError> {
    if search::may_use_machine()
        && let Some(program) = search::in_path(NAME).into_iter().find(|path| search::runs(path))
    {
        return Ok(ValgrindTool { program });
    }
    unpacked_valgrind()
}

/// Unpacks valgrind, even if this machine has one.
///
/// # Errors
///
/// Fails when it cannot be unpacked.
pub fn unpacked_valgrind() -> Result<ValgrindTool, ToolError> {
    let folder = store::ensure(NAME, &format!("{}; wrapped", PACKAGES.recipe()), unpack)?;
    Ok(ValgrindTool { program: folder.join(WRAPPED).join(NAME) })
}

fn unpack(folder: &Path) -> Result<(), ToolError> {
    PACKAGES.unpack(NAME, folder)?;
    let wrapped = folder.join(WRAPPED);
    fs::create_dir_all(&wrapped).map_err(ToolError::io("cannot make", &wrapped))?;
    let path = wrapped.join(NAME);
    wrapper::write_with(&path, PACKAGED, &[TOOLS])?;
    if search::runs(&path) {
        return Ok(());
    }
    let answer = search::version(&path).unwrap_or_default();
    Err(ToolError::Unusable { tool: NAME.to_owned(), path, answer })
}
