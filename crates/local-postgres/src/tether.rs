//! The tether: makes the kernel signal a program when its host dies.
//!
//! The system call for it must be made in the child, which safe code cannot do. So
//! `setpriv` makes it and then executes a shell, which executes the program. The host may
//! die before the call, so the shell first checks that its parent is still the host.

use std::path::Path;
use std::process::{self, Command, Stdio};

/// A shell script that executes the program if the parent is still the host.
const IF_HOST_LIVES: &str = r#"[ "$PPID" = "$0" ] && exec "$@""#;

/// The signal that the kernel sends to the program when its host dies.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Farewell {
    /// SIGTERM, on which `initdb` removes its files and ends.
    Terminate,
    /// SIGQUIT, on which `postgres` ends at once, even with open sessions.
    Quit,
}

/// Returns a command for the program, with a tether if this machine supports it.
pub(crate) fn command(program: &Path, farewell: Farewell) -> Command {
    let is_possible = tethered(Path::new("true"), farewell)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    // The `setpriv` of BusyBox and old releases of util-linux cannot set the signal.
    if is_possible { tethered(program, farewell) } else { Command::new(program) }
}

fn tethered(program: &Path, farewell: Farewell) -> Command {
    let signal = match farewell {
        Farewell::Terminate => "TERM",
        Farewell::Quit => "QUIT",
    };
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", signal, "--", "sh", "-c", IF_HOST_LIVES]);
    command.arg(process::id().to_string()).arg(program);
    command
}
