//! Finds or unpacks every tool of the tests, and says where each one is.
//!
//! `cargo xtask test` runs it first, so that a missing tool is named once and early.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use testbed::tools::{self, ToolError};

fn main() -> ExitCode {
    let answers: [(&str, Result<PathBuf, ToolError>); 4] = [
        (
            "prometheus 2.42",
            tools::prometheus_2_42().map(|tool| tool.server()),
        ),
        (
            "prometheus 2.53",
            tools::prometheus_2_53().map(|tool| tool.server()),
        ),
        (
            "postgres",
            tools::postgres().map(|tool| tool.bin_dir().to_owned()),
        ),
        (
            "prometheus_client",
            tools::prometheus_client().map(|tool| PathBuf::from(tool.command().get_program())),
        ),
    ];
    let mut out = io::stdout().lock();
    let mut code = ExitCode::SUCCESS;
    for (name, answer) in &answers {
        let line = match answer {
            Ok(path) => format!("tool {name}: {}", path.display()),
            Err(error) => {
                code = ExitCode::FAILURE;
                format!("MISSING {name}: {error}")
            }
        };
        if writeln!(out, "{line}").is_err() {
            return ExitCode::FAILURE;
        }
    }
    code
}
