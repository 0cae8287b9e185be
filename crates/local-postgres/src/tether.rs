//! The tether: the kernel ends a program when its host dies without having done so.
//!
//! The system call behind it must be made in the child, which safe code cannot do, so
//! `setpriv` makes it and then becomes the program. The signal is the one that has
//! `postgres` shut down at once and `initdb` give up and remove what it made.

use std::path::Path;
use std::process::{Command, Stdio};

const TETHER: [&str; 4] = ["setpriv", "--pdeathsig", "QUIT", "--"];

/// A command for the program, tethered where this machine can.
pub(crate) fn command(program: &Path) -> Command {
    if !can_tether() {
        return Command::new(program);
    }
    let mut command = Command::new(TETHER[0]);
    command.args(&TETHER[1..]).arg(program);
    command
}

/// Whether this machine's `setpriv` can set the signal; BusyBox's and old ones cannot.
fn can_tether() -> bool {
    let mut probe = Command::new(TETHER[0]);
    probe.args(&TETHER[1..]).arg("true");
    probe.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}
