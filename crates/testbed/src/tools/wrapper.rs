//! Scripts that start unpacked programs with their unpacked libraries.
//!
//! Packaged programs search for their libraries where those would be installed. A script
//! sets the search path and then executes the program in the same process, so the process
//! id is the program's and signals reach it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::error::ToolError;

/// Writes a script that executes the program, even after the unpacked folder was moved.
///
/// `path` must be one folder below the unpacked folder, to which `program` is relative.
pub(super) fn write(path: &Path, program: &str) -> Result<(), ToolError> {
    write_with(path, program, &[])
}

/// Does the same, and sets variables to folders that are relative to the unpacked folder.
pub(super) fn write_with(
    path: &Path,
    program: &str,
    folders: &[(&str, &str)],
) -> Result<(), ToolError> {
    let folders =
        folders.iter().map(|(name, folder)| format!("export {name}=\"$root/{folder}\"\n"));
    let folders: String = folders.collect();
    let script = format!(
        "#!/bin/sh\n\
         root=$(cd \"$(dirname \"$0\")/..\" && pwd)\n\
         for lib in \"$root\"/lib/*-linux-gnu* \"$root\"/usr/lib/*-linux-gnu*; do\n\
         \x20   [ -d \"$lib\" ] && LD_LIBRARY_PATH=$lib${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}\n\
         done\n\
         export LD_LIBRARY_PATH\n\
         {folders}\
         exec \"$root/{program}\" \"$@\"\n"
    );
    fs::write(path, script).map_err(ToolError::io("cannot write", path))?;
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(path, mode).map_err(ToolError::io("cannot mark executable", path))
}
