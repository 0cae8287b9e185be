//! The browser Chromium: the machine's, else an unpacked one.
//!
//! Debian builds it a second time without windows, `chromium-headless-shell`: the same engine, which
//! needs no desktop's libraries. That one is unpacked, with the libraries that it loads.

use std::fs;
use std::path::{Path, PathBuf};

use super::debian::Packages;
use super::error::ToolError;
use super::{search, store, wrapper};

const BROWSER: Packages =
    Packages { release: "bookworm", names: &["chromium-common", "chromium-headless-shell"] };

/// The libraries that the browser loads, except the C library.
const LIBRARIES: Packages = Packages {
    release: "bookworm",
    names: &[
        "libapparmor1",
        "libasound2",
        "libasyncns0",
        "libatk1.0-0",
        "libatspi2.0-0",
        "libblkid1",
        "libbrotli1",
        "libbsd0",
        "libcap2",
        "libdav1d6",
        "libdbus-1-3",
        "libdouble-conversion3",
        "libdrm2",
        "libexpat1",
        "libffi8",
        "libflac12",
        "libfontconfig1",
        "libfreetype6",
        "libgbm1",
        "libgcc-s1",
        "libgcrypt20",
        "libglib2.0-0",
        "libgpg-error0",
        "libgraphite2-3",
        "libharfbuzz-subset0",
        "libharfbuzz0b",
        "libjpeg62-turbo",
        "liblz4-1",
        "liblzma5",
        "libmd0",
        "libminizip1",
        "libmount1",
        "libmp3lame0",
        "libmpg123-0",
        "libnspr4",
        "libnss3",
        "libogg0",
        "libopenh264-7",
        "libopus0",
        "libpcre2-8-0",
        "libpng16-16",
        "libpulse0",
        "libselinux1",
        "libsndfile1",
        "libsqlite3-0",
        "libstdc++6",
        "libsystemd0",
        "libudev1",
        "libvorbis0a",
        "libvorbisenc2",
        "libwayland-server0",
        "libx11-6",
        "libx11-xcb1",
        "libxau6",
        "libxcb1",
        "libxcomposite1",
        "libxdamage1",
        "libxdmcp6",
        "libxext6",
        "libxfixes3",
        "libxi6",
        "libxkbcommon0",
        "libxnvctrl0",
        "libxrandr2",
        "libxrender1",
        "libzstd1",
        "zlib1g",
    ],
};

/// The programs in `PATH` that would do; the first is the one that is unpacked.
const NAMES: [&str; 2] = ["chromium-headless-shell", "chromium"];

/// The path of the package's program and the folder of its wrapper script.
const PACKAGED: &str = "usr/lib/chromium/chromium-headless-shell";
const WRAPPED: &str = "bin";

/// A library in a folder of its own, where the loader would look only if it were installed.
const NESTED: &str = "pulseaudio";

/// A layer for those who debug a graphics driver, a tenth of the package.
const UNUSED: &str = "usr/lib/chromium/libVkLayer_khronos_validation.so";

/// A Chromium program that can run without a window.
#[derive(Debug, Clone)]
pub struct ChromiumTool {
    program: PathBuf,
}

impl ChromiumTool {
    /// Returns the path of the program.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }
}

/// Finds or unpacks Chromium.
///
/// # Errors
///
/// Fails when it is not on this machine and cannot be unpacked.
pub fn chromium() -> Result<ChromiumTool, ToolError> {
    let mut found = NAMES.into_iter().flat_map(search::in_path);
    if search::may_use_machine()
        && let Some(program) = found.find(|path| search::runs(path))
    {
        return Ok(ChromiumTool { program });
    }
    unpacked_chromium()
}

/// Unpacks Chromium, even if this machine has one.
///
/// # Errors
///
/// Fails when it cannot be unpacked.
pub fn unpacked_chromium() -> Result<ChromiumTool, ToolError> {
    let recipe = format!("{}; {}; wrapped", BROWSER.recipe(), LIBRARIES.recipe());
    let folder = store::ensure("chromium", &recipe, unpack)?;
    Ok(ChromiumTool { program: folder.join(WRAPPED).join(NAMES[0]) })
}

fn unpack(folder: &Path) -> Result<(), ToolError> {
    let [name, _] = NAMES;
    BROWSER.unpack(name, folder)?;
    LIBRARIES.unpack(name, folder)?;
    lift_nested_libraries(folder)?;
    let unused = folder.join(UNUSED);
    if unused.exists() {
        fs::remove_file(&unused).map_err(ToolError::io("cannot remove", &unused))?;
    }
    let wrapped = folder.join(WRAPPED);
    fs::create_dir_all(&wrapped).map_err(ToolError::io("cannot make", &wrapped))?;
    let path = wrapped.join(name);
    wrapper::write(&path, PACKAGED)?;
    if search::runs(&path) {
        return Ok(());
    }
    let answer = search::version(&path).unwrap_or_default();
    Err(ToolError::Unusable { tool: name.to_owned(), path, answer })
}

/// Moves the libraries of the nested folder beside the others, where the wrapper's path finds them.
fn lift_nested_libraries(folder: &Path) -> Result<(), ToolError> {
    for libraries in entries(&folder.join("usr/lib"))? {
        let nested = libraries.join(NESTED);
        if !nested.is_dir() {
            continue;
        }
        for library in entries(&nested)? {
            let Some(name) = library.file_name() else { continue };
            fs::rename(&library, libraries.join(name))
                .map_err(ToolError::io("cannot move", &library))?;
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, ToolError> {
    let found = fs::read_dir(folder).map_err(ToolError::io("cannot list", folder))?;
    Ok(found.filter_map(Result::ok).map(|entry| entry.path()).collect())
}
