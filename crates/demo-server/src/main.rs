//! The demo's binary: parses the flags, runs the service, and returns the exit code.

use std::error::Error as _;
use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use node0_demo::flags::Flags;
use node0_demo::log::Log;
use node0_demo::service;

fn main() -> ExitCode {
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
    let log = Log::to_stderr();
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(service::run(flags, targets, &log)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If stderr is closed, there is no other place to report the error.
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
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
