//! The Redis server: the machine's, else an unpacked one.
//!
//! Like those of Postgres, its libraries are unpacked with it, and a wrapper script sets the
//! search path to them.

use std::fs;
use std::path::{Path, PathBuf};

use super::debian::Packages;
use super::error::ToolError;
use super::{search, store, wrapper};

/// The packages of the server; `redis-server` is a link to a program of `redis-tools`.
const SERVER: Packages = Packages { release: "bookworm", names: &["redis-server", "redis-tools"] };

/// The libraries that the server loads, except the C library.
const LIBRARIES: Packages = Packages {
    release: "bookworm",
    names: &[
        "libatomic1",
        "libcap2",
        "libgcc-s1",
        "libgcrypt20",
        "libgpg-error0",
        "libjemalloc2",
        "liblz4-1",
        "liblzf1",
        "liblzma5",
        "libssl3",
        "libstdc++6",
        "libsystemd0",
        "libzstd1",
    ],
};

const NAME: &str = "redis-server";

/// The path of the package's program and the folder of its wrapper script.
const PACKAGED: &str = "usr/bin/redis-server";
const WRAPPED: &str = "bin";

/// A Redis server program.
#[derive(Debug, Clone)]
pub struct RedisTool {
    server: PathBuf,
}

impl RedisTool {
    /// Returns the path of the server.
    #[must_use]
    pub fn server(&self) -> &Path {
        &self.server
    }
}

/// Finds or unpacks the Redis server.
///
/// # Errors
///
/// Fails when it is not on this machine and cannot be unpacked.
pub fn redis() -> Result<RedisTool, ToolError> {
    if search::may_use_machine()
        && let Some(server) = search::in_path(NAME).into_iter().find(|path| search::runs(path))
    {
        return Ok(RedisTool { server });
    }
    unpacked_redis()
}

/// Unpacks the Redis server, even if this machine has one.
///
/// # Errors
///
/// Fails when it cannot be unpacked.
pub fn unpacked_redis() -> Result<RedisTool, ToolError> {
    let recipe = format!("{}; {}; wrapped", SERVER.recipe(), LIBRARIES.recipe());
    let folder = store::ensure("redis", &recipe, unpack)?;
    Ok(RedisTool { server: folder.join(WRAPPED).join(NAME) })
}

fn unpack(folder: &Path) -> Result<(), ToolError> {
    SERVER.unpack(NAME, folder)?;
    LIBRARIES.unpack(NAME, folder)?;
    let wrapped = folder.join(WRAPPED);
    fs::create_dir_all(&wrapped).map_err(ToolError::io("cannot make", &wrapped))?;
    let path = wrapped.join(NAME);
    wrapper::write(&path, PACKAGED)?;
    if search::runs(&path) {
        return Ok(());
    }
    let answer = search::version(&path).unwrap_or_default();
    Err(ToolError::Unusable { tool: NAME.to_owned(), path, answer })
}
