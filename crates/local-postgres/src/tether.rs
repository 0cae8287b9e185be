//! The tether: the kernel ends a program when its host dies without having done so.
//!
//! The system call behind it must be made in the child, which safe code cannot do, so
//! `setpriv` makes it and then becomes the program. A host that died before the call
//! was made is seen by a look at the parent after it.

use std::path::Path;
use std::process::{self, Command, Stdio};

/// Becomes the program, unless the parent is no longer the host.
const IF_HOST_LIVES: &str = r#"[ "$PPID" = "$0" ] && exec "$@""#;

/// What the kernel tells the program at the death of its host.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Farewell {
    /// `initdb` gives up and removes what it made.
    Terminate,
    /// `postgres` shuts down at once, sessions or not.
    Quit,
}

/// A command for the program, tethered where this machine can.
pub(crate) fn command(program: &Path, farewell: Farewell) -> Command {
    let is_possible = tethered(Path::new("true"), farewell)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    // The `setpriv` of BusyBox and those of old cannot set the signal.
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
