//! Each exceeded limit gives a finding, and so does a reason that is not needed.

use super::fixture::{Fixture, PLAIN, TABLE, table_with};
use crate::layers::role::Role;
use crate::layers::row::{Oversize, Row};
use crate::verdict::Findings;

const REMEDY: &str = "or give the reason in LAYERS in xtask/src/layers/table.rs";

/// Returns a workspace in which a crate has a file of each of these numbers of lines.
fn files(lines: &[usize]) -> Fixture {
    let fixture = Fixture::new();
    for (number, lines) in lines.iter().enumerate() {
        let path = format!("ours/crates/exporter/src/part_{number}.rs");
        fixture.write(&path, &"\n".repeat(*lines));
    }
    fixture
}

/// Returns a workspace with a function of `lines` lines in a file of a crate.
fn function(path: &str, lines: usize) -> Fixture {
    let fixture = Fixture::new();
    let text = format!("/// Adds.\nfn long() {{{}}}\n", "\n".repeat(lines - 1));
    fixture.write(&format!("ours/crates/exporter/{path}"), &text);
    fixture
}

/// Returns the table with a reason for a part of that crate.
fn reason_for(part: &'static str) -> Vec<Row> {
    let oversize: &'static [Oversize] = match part {
        "src" => &[Oversize { part: "src", lines: 3600, reason: "one noun" }],
        "src/part_0.rs" => &[Oversize { part: "src/part_0.rs", lines: 401, reason: "one table" }],
        _ => &[Oversize { part: "src/a.rs::long", lines: 80, reason: "one match" }],
    };
    table_with(Row { role: Role::Reader, name: "exporter", oversize, ..PLAIN })
}

#[test]
fn oversize_crate_needs_a_reason() {
    let fixture = files(&[400; 9]);
    let words = ["`crates/exporter/src` has 3600 lines, 3500 are allowed", "move a part", REMEDY];
    fixture.check_finding(&words);
    assert_eq!(fixture.findings(&reason_for("src")), Findings::new());
    assert_eq!(files(&[350; 10]).findings(TABLE), Findings::new());
}

#[test]
fn tests_do_not_make_a_crate_oversize() {
    let fixture = files(&[350; 10]);
    let inline = "#[cfg(test)]\nmod tests {\n    fn x() {}\n}\n";
    fixture
        .write("ours/crates/exporter/src/lib.rs", &format!("#[cfg(test)]\nmod models;\n{inline}"));
    fixture.write("ours/crates/exporter/src/models.rs", &"\n".repeat(400));
    fixture.write("ours/crates/exporter/tests/it.rs", &"\n".repeat(400));
    fixture.check_finding(&["has 3502 lines"]);
}

#[test]
fn oversize_file_needs_a_reason() {
    let fixture = files(&[401]);
    fixture.check_finding(&["`crates/exporter/src/part_0.rs` has 401 lines, 400", "split", REMEDY]);
    assert_eq!(fixture.findings(&reason_for("src/part_0.rs")), Findings::new());
    let fixture = Fixture::new();
    fixture.write("ours/xtask/tests/it.rs", &"\n".repeat(401));
    fixture.check_finding(&["`xtask/tests/it.rs` has 401 lines"]);
}

#[test]
fn oversize_function_needs_a_reason() {
    let fixture = function("src/a.rs", 75);
    fixture.check_finding(&["`crates/exporter/src/a.rs::long` has 75 lines, 60", "steps", REMEDY]);
    assert_eq!(fixture.findings(&reason_for("src/a.rs::long")), Findings::new());
    assert_eq!(function("src/a.rs", 60).findings(TABLE), Findings::new());
    assert_eq!(function("tests/a.rs", 61).findings(TABLE), Findings::new());
}

#[test]
fn reason_has_a_limit_of_its_own() {
    let words = ["`crates/exporter/src/a.rs::long` has 81 lines, its reason allows 80", "raise"];
    function("src/a.rs", 81).check_finding_of(&reason_for("src/a.rs::long"), &words);
    let words = ["has 72 lines, its reason allows 80", "lower the number in LAYERS"];
    function("src/a.rs", 72).check_finding_of(&reason_for("src/a.rs::long"), &words);
}

#[test]
fn reason_for_a_function_is_not_for_another_of_that_name() {
    let fixture = Fixture::new();
    let body = "\n".repeat(75);
    let text = format!("impl A {{ fn long() {{{body}}} }}\nimpl B {{ fn long() {{{body}}} }}\n");
    fixture.write("ours/crates/exporter/src/a.rs", &text);
    fixture.check_finding_of(&reason_for("src/a.rs::long"), &["has 76 lines, 60 are allowed"]);
}

#[test]
fn benches_examples_and_build_scripts_have_limits_too() {
    let long = format!("fn long() {{{}}}\n", "\n".repeat(60));
    for (path, part) in [
        ("bench/src/a.rs", "`bench/src/a.rs::long` has 61 lines, 60 are allowed: split"),
        ("bench/rig/src/a.rs", "`bench/rig/src/a.rs::long` has 61 lines"),
        ("examples/queue/src/a.rs", "`examples/queue/src/a.rs::long` has 61 lines"),
        ("crates/exporter/build.rs", "`crates/exporter/build.rs::long` has 61 lines"),
    ] {
        let fixture = Fixture::new();
        fixture.write(&format!("ours/{path}"), &long);
        fixture.check_finding(&[part]);
    }
}

#[test]
fn reason_that_is_not_needed_is_found() {
    for part in ["src", "src/part_0.rs", "src/a.rs::long"] {
        let finding = format!("`crates/exporter/{part}` is within its limit or gone");
        let words = [finding.as_str(), "take its reason out of LAYERS"];
        files(&[350; 10]).check_finding_of(&reason_for(part), &words);
    }
}
