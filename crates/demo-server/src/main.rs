//! The demo's binary: parses the flags, runs the service, and returns the exit code.

use std::error::Error as _;
use std::io::Write as _;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use node0_demo::access::Access;
use node0_demo::flags::Flags;
use node0_demo::log::Log;
use node0_demo::service;
use rustix::fs::Mode;
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    // What the demo writes is for its own user alone.
    rustix::process::umask(Mode::from_raw_mode(0o077));
    let flags = match Flags::try_parse() {
        Ok(flags) => flags,
        Err(error) => return refuse(&error),
    };
    let targets = match flags.targets() {
        Ok(targets) => targets,
        Err((flag, error)) => {
            let _ = writeln!(std::io::stderr(), "error: {flag}: {error}");
            return ExitCode::from(2);
        }
    };
    let access = match Access::read(&flags) {
        Ok(access) => access,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            return ExitCode::from(2);
        }
    };
    let outcome = threads()
        .and_then(|(log, runtime)| runtime.block_on(service::run(flags, targets, access, &log)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If stderr is closed, there is no other place to report the error.
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Starts the log and the runtime, both of which need threads.
///
/// Where the system gives none, both panic. That is made an error, since it is none of the program's.
fn threads() -> anyhow::Result<(Log, Runtime)> {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let started = panic::catch_unwind(AssertUnwindSafe(|| {
        let log = Log::to_stderr();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        (log, runtime)
    }));
    panic::set_hook(usual);
    let remedy = "no threads can be started: raise the limit on processes (ulimit -u) or on tasks";
    match started {
        Ok((log, runtime)) => Ok((log, runtime.context(remedy)?)),
        Err(_) => Err(anyhow::anyhow!(remedy)),
    }
}

/// Prints the help or the version if the user asked for it, else the error in one line.
fn refuse(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let line = bad_value(error).unwrap_or_else(|| first_paragraph(error));
    let _ = writeln!(std::io::stderr(), "{line} (node0-demo --help explains)");
    ExitCode::from(2)
}

/// Says what is wrong with a value, without the value: it may hold a password.
fn bad_value(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else { return None };
    let wrong = error.source().filter(|_| error.kind() == ErrorKind::ValueValidation)?;
    Some(format!("error: invalid value for '{flag}': {wrong}"))
}

fn first_paragraph(error: &clap::Error) -> String {
    let text = error.to_string();
    let line = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>();
    let line = line
        .iter()
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
        .copied();
    line.collect::<Vec<_>>().join(" ")
}
