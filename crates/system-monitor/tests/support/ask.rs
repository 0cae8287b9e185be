//! Reads numbers about this process from other programs.

use std::process::Command;

use testbed::tools::ToolError;

/// The numbers that a program prints.
pub(crate) fn ask(program: &str, arguments: &[&str]) -> Result<Vec<u64>, ToolError> {
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|_| ToolError::NoSource {
        tool: program.to_owned(),
        missing: "nothing unpacks it",
    })?;
    let text = String::from_utf8(output.stdout).expect("it prints text");
    Ok(text.split_whitespace().map(|word| word.parse().expect("it prints numbers")).collect())
}
