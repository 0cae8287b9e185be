//! The server programs of Postgres: the machine's, else unpacked ones.
//!
//! Debian's programs expect their shared libraries to be installed. The libraries are
//! unpacked too, into the tool's own folder, and small wrapper scripts set the search path
//! to it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::debian::Packages;
use super::error::ToolError;
use super::reach::{self, Reachable};
use super::{search, store, wrapper};

const SERVER: Packages = Packages { release: "bookworm", names: &["postgresql-15"] };

/// The libraries that `postgres` and `initdb` of that release load, except the C library.
const LIBRARIES: Packages = Packages {
    release: "bookworm",
    names: &[
        "libaudit1",
        "libcap-ng0",
        "libcap2",
        "libcom-err2",
        "libffi8",
        "libgcc-s1",
        "libgcrypt20",
        "libgmp10",
        "libgnutls30",
        "libgpg-error0",
        "libgssapi-krb5-2",
        "libhogweed6",
        "libicu72",
        "libidn2-0",
        "libk5crypto3",
        "libkeyutils1",
        "libkrb5-3",
        "libkrb5support0",
        "libldap-2.5-0",
        "liblz4-1",
        "liblzma5",
        "libnettle8",
        "libp11-kit0",
        "libpam0g",
        "libpq5",
        "libsasl2-2",
        "libssl3",
        "libstdc++6",
        "libsystemd0",
        "libtasn1-6",
        "libunistring2",
        "libxml2",
        "libzstd1",
        "zlib1g",
    ],
};

/// The programs that a throw-away server needs.
const PROGRAMS: &[&str] = &["initdb", "postgres"];

/// The folders of the package's programs and of the wrapper scripts for them.
const PACKAGED: &str = "usr/lib/postgresql/15/bin";
const WRAPPED: &str = "bin";

/// The input of the just-in-time compiler, which is another package and not downloaded.
const BITCODE: &str = "usr/lib/postgresql/15/lib/bitcode";

/// The folder with `initdb` and `postgres`.
///
/// Clones share the folder. It exists at least as long as one of them.
#[derive(Debug, Clone)]
pub struct PostgresTool {
    bin: PathBuf,
    /// The copy of the programs, if another user could not reach the originals.
    _reachable: Option<Arc<Reachable>>,
}

impl PostgresTool {
    /// Returns the folder that holds `initdb` and `postgres`.
    ///
    /// Postgres refuses to run as root. So if this process is root, every user can reach the
    /// folder.
    #[must_use]
    pub fn bin_dir(&self) -> &Path {
        &self.bin
    }
}

/// Finds or unpacks the Postgres server programs.
///
/// # Errors
///
/// Fails when they are not on this machine and cannot be unpacked.
pub fn postgres() -> Result<PostgresTool, ToolError> {
    if search::may_use_machine()
        && let Some(bin) = on_machine()
    {
        return Ok(PostgresTool { bin, _reachable: None });
    }
    unpacked_postgres()
}

/// Unpacks the Postgres server programs, even if this machine has them.
///
/// # Errors
///
/// Fails when they cannot be unpacked.
pub fn unpacked_postgres() -> Result<PostgresTool, ToolError> {
    let recipe = format!("{}; {}; wrapped", SERVER.recipe(), LIBRARIES.recipe());
    let folder = store::ensure("postgresql-15", &recipe, unpack)?;
    if !rustix::process::geteuid().is_root() || reach::is_open_to_all(&folder) {
        return Ok(PostgresTool { bin: folder.join(WRAPPED), _reachable: None });
    }
    let copy = Reachable::of(&folder)?;
    Ok(PostgresTool { bin: copy.path().join(WRAPPED), _reachable: Some(copy) })
}

/// Searches for the programs in `PATH` and in Debian's folders, one per version.
fn on_machine() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = search::in_path("postgres")
        .iter()
        .filter_map(|program| Some(program.parent()?.to_owned()))
        .collect();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut packaged: Vec<PathBuf> =
        versions.filter_map(Result::ok).map(|entry| entry.path().join("bin")).collect();
    packaged.sort();
    folders.extend(packaged.into_iter().rev());
    folders.into_iter().find(|bin| PROGRAMS.iter().all(|name| search::runs(&bin.join(name))))
}

fn unpack(folder: &Path) -> Result<(), ToolError> {
    let tool = "PostgreSQL (initdb and postgres)";
    SERVER.unpack(tool, folder)?;
    store::remove_dir(&folder.join(BITCODE))?;
    LIBRARIES.unpack(tool, folder)?;
    let wrapped = folder.join(WRAPPED);
    fs::create_dir_all(&wrapped).map_err(ToolError::io("cannot make", &wrapped))?;
    for dir in [folder, &wrapped] {
        reach::open_to_all(dir)?;
    }
    for name in PROGRAMS {
        let path = wrapped.join(name);
        wrapper::write(&path, &format!("{PACKAGED}/{name}"))?;
        if !search::runs(&path) {
            let answer = search::version(&path).unwrap_or_default();
            return Err(ToolError::Unusable { tool: tool.to_owned(), path, answer });
        }
    }
    Ok(())
}
