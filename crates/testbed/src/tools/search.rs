//! Finds and runs programs of this machine.
//!
//! A file in `PATH` does not prove that a tool is usable: it may be of another release, or
//! lack its libraries. So candidates are run with `--version` before they are used.

use std::env;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::ToolError;

/// Returns `true` if programs of this machine may be used: unless `NODE0_TOOLS=unpacked`.
pub(super) fn may_use_machine() -> bool {
    env::var_os("NODE0_TOOLS").is_none_or(|value| value != "unpacked")
}

/// Returns every executable file called `name` in the folders of `PATH`, in their order.
pub(super) fn in_path(name: &str) -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|dir| dir.join(name)).filter(|file| is_program(file)).collect()
}

/// Returns `true` if `path` is a file with execute permission for any user.
pub(super) fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

/// Returns `true` if the program runs with `--version`, which shows that its libraries load.
pub(super) fn runs(program: &Path) -> bool {
    runs_with(program, "--version")
}

/// Returns `true` if the program runs with this flag, for one that does not know `--version`.
pub(super) fn runs_with(program: &Path, flag: &str) -> bool {
    let answers = |output: std::process::Output| output.status.success();
    is_program(program) && Command::new(program).arg(flag).output().is_ok_and(answers)
}

/// Runs a command to its end and returns what it printed on stdout.
pub(super) fn run(command: &mut Command) -> Result<String, ToolError> {
    let (_, stdout) = run_both(command)?;
    Ok(stdout)
}

/// Returns the output of a program's `--version`; `None` if it does not run.
pub(super) fn version(program: &Path) -> Option<String> {
    // Prometheus prints its version on stdout or stderr, depending on the release.
    let (all, _) = run_both(Command::new(program).arg("--version")).ok()?;
    Some(all)
}

/// Runs a command and returns (stdout and stderr, stdout).
fn run_both(command: &mut Command) -> Result<(String, String), ToolError> {
    let program = command.get_program().to_owned();
    let output = command.output().map_err(ToolError::io("cannot run", program))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let all = format!("{stdout}{}", String::from_utf8_lossy(&output.stderr));
    if output.status.success() {
        return Ok((all, stdout));
    }
    Err(ToolError::Command {
        command: format!("{command:?}"),
        status: output.status,
        output: all.trim().to_owned(),
    })
}
