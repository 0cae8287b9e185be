//! The web server nginx: the machine's, else an unpacked one.

use std::fs;
use std::path::{Path, PathBuf};

use super::debian::Packages;
use super::error::ToolError;
use super::{search, store, wrapper};

/// The packages of the server and of the libraries that it loads, except the C library.
const PACKAGES: Packages = Packages {
    release: "bookworm",
    names: &["libcrypt1", "libpcre2-8-0", "libssl3", "nginx", "zlib1g"],
};

const NAME: &str = "nginx";

/// The path of the package's program and the folder of its wrapper script.
const PACKAGED: &str = "usr/sbin/nginx";
const WRAPPED: &str = "bin";

/// The flag with which it prints its version.
const VERSION: &str = "-v";

/// An nginx program.
#[derive(Debug, Clone)]
pub struct NginxTool {
    server: PathBuf,
}

impl NginxTool {
    /// Returns the path of the server.
    #[must_use]
    pub fn server(&self) -> &Path {
        &self.server
    }
}

/// Finds or unpacks nginx.
///
/// # Errors
///
/// Fails when it is not on this machine and cannot be unpacked.
pub fn nginx() -> Result<NginxTool, ToolError> {
    if search::may_use_machine()
        && let Some(server) =
            search::in_path(NAME).into_iter().find(|path| search::runs_with(path, VERSION))
    {
        return Ok(NginxTool { server });
    }
    unpacked_nginx()
}

/// Unpacks nginx, even if this machine has one.
///
/// # Errors
///
/// Fails when it cannot be unpacked.
pub fn unpacked_nginx() -> Result<NginxTool, ToolError> {
    let folder = store::ensure(NAME, &format!("{}; wrapped", PACKAGES.recipe()), unpack)?;
    Ok(NginxTool { server: folder.join(WRAPPED).join(NAME) })
}

fn unpack(folder: &Path) -> Result<(), ToolError> {
    PACKAGES.unpack(NAME, folder)?;
    let wrapped = folder.join(WRAPPED);
    fs::create_dir_all(&wrapped).map_err(ToolError::io("cannot make", &wrapped))?;
    let path = wrapped.join(NAME);
    wrapper::write(&path, PACKAGED)?;
    if search::runs_with(&path, VERSION) {
        return Ok(());
    }
    Err(ToolError::Unusable { tool: NAME.to_owned(), path, answer: String::new() })
}
