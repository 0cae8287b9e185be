//! The unpacked valgrind counts the instructions of a program.

use std::process::Command;

use testbed::tools;

#[test]
fn unpacked_valgrind_counts_instructions() {
    let tool = testbed::require!(tools::unpacked_valgrind());
    let mut call = Command::new(tool.program());
    call.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "/bin/true"]);
    let output = call.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    let counted = said.lines().find_map(|line| line.split_once("Collected : "));
    let (_, count) = counted.unwrap_or_else(|| panic!("no count in {said}"));
    assert!(count.trim().parse::<u64>().is_ok_and(|count| count > 1000), "{said}");
}
