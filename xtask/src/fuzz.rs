//! Runs the fuzz targets under libFuzzer, each for some time.
//!
//! The compiler that the project pins counts the edges that an input takes, by the same flags that
//! `cargo fuzz` uses, so neither it nor a nightly toolchain is needed. Each target begins with its
//! corpus. Inputs that reach new code are kept in `target/fuzz`, for the next run; an input that
//! breaks a promise lies in `target/fuzz/TARGET-faults`: add it to the corpus with its repair.

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use crate::verdict::Verdict;
use crate::workspace::Workspace;

const TARGETS: [&str; 2] = ["session", "web_socket"];

/// The time for which each target runs.
const SECONDS: u32 = 120;
/// The longest input: more than the largest message that a client may send.
const LONGEST: u32 = 20_000;

/// Makes the compiler count edges and compare operands, for libFuzzer.
const FLAGS: [&str; 7] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cforce-frame-pointers",
    "-Ccodegen-units=1",
];

/// Fuzzes each target; returns the runs and the inputs that were found.
pub(crate) fn prove(workspace: &Workspace) -> Result<(Verdict, Value)> {
    let (mut verdict, mut figures) = (Verdict::Holds, Map::new());
    for target in TARGETS {
        let found = workspace.path(&format!("target/fuzz/{target}"));
        let faults = workspace.path(&format!("target/fuzz/{target}-faults"));
        for folder in [&found, &faults] {
            std::fs::create_dir_all(folder).context("cannot make a folder in target/fuzz")?;
        }
        let mut call = workspace.cargo(&["run", "--release", "--locked", "--bin", target]);
        call.args(["--manifest-path", "fuzz/Cargo.toml", "--target-dir", "target/fuzz/build"]);
        // Build scripts and macros are not instrumented, for which a target must be named.
        call.args(["--target", &host(workspace)?, "--"]);
        call.arg(&found).arg(workspace.path(&format!("crates/fuzz-targets/corpus/{target}")));
        call.arg(format!("-max_total_time={SECONDS}")).arg(format!("-max_len={LONGEST}"));
        call.arg("-print_final_stats=1").arg(format!("-artifact_prefix={}/", faults.display()));
        call.env("RUSTFLAGS", FLAGS.join(" "));
        let output = call.output().context("cannot run cargo")?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            verdict = Verdict::FallsShort;
            crate::verdict::say(&said);
        }
        let stat = |name: &str| {
            let value = said.lines().find_map(|line| line.strip_prefix(name));
            value.and_then(|value| value.trim_start_matches(':').trim().parse::<u64>().ok())
        };
        let runs = stat("stat::number_of_executed_units");
        figures.insert(target.to_owned(), json!({ "runs": runs, "seconds": SECONDS }));
    }
    Ok((verdict, Value::Object(figures)))
}

/// Returns the platform of the compiler.
fn host(workspace: &Workspace) -> Result<String> {
    let output = workspace.rustc().arg("-vV").output().context("cannot run rustc")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not tell its host")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_target_has_a_program_and_a_corpus() {
        let workspace = Workspace::of_this_build();
        let manifest = workspace.read("fuzz/Cargo.toml").expect("a manifest");
        let targets = workspace.read("crates/fuzz-targets/src/lib.rs").expect("a source");
        for target in TARGETS {
            assert!(manifest.contains(&format!("name = \"{target}\"")), "{target}");
            assert!(targets.contains(&format!("(\"{target}\", ")), "{target}");
            let corpus = format!("crates/fuzz-targets/corpus/{target}");
            assert!(workspace.path(&corpus).is_dir(), "{corpus}");
        }
    }
}
