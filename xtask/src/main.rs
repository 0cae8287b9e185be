//! The project's commands, the same on a laptop and in continuous integration.
//!
//! A rule of this codebase that a machine can hold is held here and not in a document:
//! each module is one rule with the fixtures that prove it bites. The commands know the
//! workspace only through cargo and its files, so they work while a crate is broken.
//!
//! Exit codes: 0 everything holds, 1 something falls short, 2 it could not be run.

mod bench;
mod check;
mod generate;
mod prove;
mod test;

mod catalogue;
mod instructions;
mod invariants;
mod layers;
mod marked;
mod miri;
mod models;
mod mutants;
mod parity;
mod suppressions;
mod weight;

mod source;
mod test_name;
mod test_run;
mod verdict;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::bench::Bench;
use crate::verdict::Verdict;
use crate::workspace::Workspace;

/// The project's commands: tests, checks, generated texts, long proofs and benches.
///
/// Exit codes: 0 all hold, 1 something falls short, 2 could not run.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs every test, after finding or unpacking the programs that tests need.
    ///
    /// The first run may download packages and crates; later ones need no network.
    /// Without a tool its tests are skipped and listed at the end; with CI=true that is
    /// a failure.
    Test,
    /// Runs the checks that need no test run; all of them unless some are named.
    Check {
        /// Names of checks, such as `layers`; `cargo xtask check` prints them.
        names: Vec<String>,
    },
    /// Rewrites the generated parts of the documentation.
    Generate,
    /// Runs one long proof and writes target/prove/NAME.json; lists them without a name.
    Prove {
        /// The proof to run.
        name: Option<String>,
    },
    /// Measures node0 against its peers and its budgets; writes target/bench/core.json.
    Bench(Bench),
}

fn main() -> ExitCode {
    let workspace = Workspace::of_this_build();
    let outcome = match Arguments::parse().command {
        Command::Test => test::run(&workspace),
        Command::Check { names } => check::run(&workspace, &names),
        Command::Generate => generate::run(&workspace),
        Command::Prove { name } => prove::run(&workspace, name.as_deref()),
        Command::Bench(bench) => bench.run(&workspace),
    };
    match outcome {
        Ok(Verdict::Holds) => ExitCode::SUCCESS,
        Ok(Verdict::FallsShort) => ExitCode::from(1),
        Err(error) => {
            verdict::complain(&format!("error: {error:#}"));
            ExitCode::from(2)
        }
    }
}
