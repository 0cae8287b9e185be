//! The Alertmanager of Debian: the machine's, else an unpacked one.
//!
//! Debian's build reads its templates from the folder where they would be installed, and has no
//! flag for another one. So the unpacked program is copied with that path replaced by one of the
//! same length that means the working folder, and it is started in the folder of its templates.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::debian::Packages;
use super::error::ToolError;
use super::{search, store};

const PACKAGES: Packages = Packages { release: "bookworm", names: &["prometheus-alertmanager"] };

/// The program in `PATH` and in the package.
const NAME: &str = "prometheus-alertmanager";
const PACKAGED: &str = "usr/bin/prometheus-alertmanager";

/// The folder of the templates, as the program has it, and the same number of bytes for its
/// working folder.
const TEMPLATES: &str = "/usr/share/prometheus/alertmanager";
const HERE: &str = "./././././././././././././././././";

/// An Alertmanager program.
#[derive(Debug, Clone)]
pub struct AlertmanagerTool {
    server: PathBuf,
    folder: PathBuf,
}

impl AlertmanagerTool {
    /// Returns the path of the server.
    #[must_use]
    pub fn server(&self) -> &Path {
        &self.server
    }

    /// Returns the folder in which it must be started.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Finds or unpacks the Alertmanager.
///
/// # Errors
///
/// Fails when it is not on this machine and cannot be unpacked.
pub fn alertmanager() -> Result<AlertmanagerTool, ToolError> {
    let folder = PathBuf::from(TEMPLATES);
    if search::may_use_machine()
        && folder.join("default.tmpl").is_file()
        && let Some(server) = search::in_path(NAME).into_iter().find(|path| search::runs(path))
    {
        return Ok(AlertmanagerTool { server, folder });
    }
    let recipe = format!("{}; its templates moved", PACKAGES.recipe());
    let unpacked = store::ensure("alertmanager", &recipe, unpack)?;
    let folder = unpacked.join(&TEMPLATES[1..]);
    Ok(AlertmanagerTool { server: unpacked.join(NAME), folder })
}

fn unpack(folder: &Path) -> Result<(), ToolError> {
    PACKAGES.unpack(NAME, folder)?;
    let (packaged, path) = (folder.join(PACKAGED), folder.join(NAME));
    let program = fs::read(&packaged).map_err(ToolError::io("cannot read", &packaged))?;
    fs::write(&path, moved(program)).map_err(ToolError::io("cannot write", &path))?;
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(&path, mode).map_err(ToolError::io("cannot mark executable", &path))?;
    if search::runs(&path) {
        return Ok(());
    }
    let answer = search::version(&path).unwrap_or_default();
    Err(ToolError::Unusable { tool: NAME.to_owned(), path, answer })
}

/// Replaces the folder of the templates by the working folder.
fn moved(mut program: Vec<u8>) -> Vec<u8> {
    let is_there = |window: &[u8]| window == TEMPLATES.as_bytes();
    let places: Vec<_> = program
        .windows(TEMPLATES.len())
        .enumerate()
        .filter_map(|(at, window)| is_there(window).then_some(at))
        .collect();
    for at in places {
        program[at..at + HERE.len()].copy_from_slice(HERE.as_bytes());
    }
    program
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_replaced_and_nothing_moves() {
        assert_eq!(TEMPLATES.len(), HERE.len());
        let program = format!("a{TEMPLATES}/ui b{TEMPLATES}").into_bytes();
        assert_eq!(moved(program), format!("a{HERE}/ui b{HERE}").into_bytes());
    }
}
