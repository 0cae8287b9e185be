//! Finds or unpacks the tools of the tests, and prints the path of each.
//!
//! `cargo xtask test` runs it first, so that a missing tool is reported once and early.
//! Arguments select tools by name; without arguments it handles all of them.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use testbed::tools::{self, ToolError};

/// A tool's name and the function that finds or unpacks it.
type Tool = (&'static str, fn() -> Result<PathBuf, ToolError>);

const TOOLS: [Tool; 18] = [
    ("prometheus-2.42", || tools::prometheus_2_42().map(|tool| tool.server())),
    ("prometheus-2.53", || tools::prometheus_2_53().map(|tool| tool.server())),
    ("prometheus-3.5", || tools::prometheus_3_5().map(|tool| tool.server())),
    ("alertmanager", || tools::alertmanager().map(|tool| tool.server().to_owned())),
    ("postgres", || tools::postgres().map(|tool| tool.bin_dir().to_owned())),
    ("redis", || tools::redis().map(|tool| tool.server().to_owned())),
    ("valgrind", || tools::valgrind().map(|tool| tool.program().to_owned())),
    ("nginx", || tools::nginx().map(|tool| tool.server().to_owned())),
    ("chromium", || tools::chromium().map(|tool| tool.program().to_owned())),
    ("playwright", || tools::playwright().map(|tool| tool.package())),
    ("npm", || tools::npm().map(|tool| tool.file(""))),
    ("k6", || tools::k6().map(|tool| tool.program().to_owned())),
    ("autobahn", || tools::autobahn().map(|tool| PathBuf::from(tool.command().get_program()))),
    ("prometheus-client", || {
        tools::prometheus_client().map(|tool| PathBuf::from(tool.command().get_program()))
    }),
    ("h2histogram", || {
        tools::h2histogram().map(|tool| PathBuf::from(tool.command().get_program()))
    }),
    ("jsonschema", || tools::jsonschema().map(|tool| PathBuf::from(tool.command().get_program()))),
    ("kubernetes-validate", || {
        tools::kubernetes_validate().map(|tool| PathBuf::from(tool.command().get_program()))
    }),
    ("schemathesis", || {
        tools::schemathesis().map(|tool| PathBuf::from(tool.command().get_program()))
    }),
];

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let mut out = io::stdout().lock();
    let mut code = ExitCode::SUCCESS;
    for (name, get) in TOOLS {
        if !wanted.is_empty() && !wanted.iter().any(|word| word == name) {
            continue;
        }
        let line = match get() {
            Ok(path) => format!("tool {name}: {}", path.display()),
            Err(error) => {
                code = ExitCode::FAILURE;
                format!("MISSING {name}: {}", error.in_one_line())
            }
        };
        if writeln!(out, "{line}").is_err() {
            return ExitCode::FAILURE;
        }
    }
    code
}
