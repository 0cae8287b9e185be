//! The project's commands, the same on a laptop and in continuous integration.
//!
//! Every rule of this codebase that a machine can check is checked here. Each rule is a
//! module with fixtures that break it, to prove that the check finds them. The commands
//! read the workspace through cargo and its files and do not depend on its libraries, so they
//! work while a library does not compile.
//!
//! Exit codes: 0 everything holds, 1 a check or a test failed, 2 the command could not run.

mod bench;
mod check;
mod generate;
mod prove;
mod test;

mod catalogue;
mod examples;
mod fuzz;
mod instructions;
mod invariants;
mod layers;
mod markdown;
mod marked;
mod miri;
mod mixin;
mod models;
mod mutants;
mod packages;
mod parity;
mod performance;
mod regressions;
mod sanitizers;
mod suppressions;
mod weight;

mod copy;
mod source;
mod test_name;
mod test_run;
mod tokens;
mod verdict;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::bench::Bench;
use crate::instructions::Gate;
use crate::verdict::Verdict;
use crate::workspace::Workspace;

/// The project's commands: tests, checks, generated texts, long proofs and benches.
///
/// Exit codes: 0 everything holds, 1 a check or a test failed, 2 the command could not run.
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
    /// The first run may download packages and crates; later ones need no network. If a
    /// tool is missing, its tests are skipped and listed at the end; with CI=true they
    /// fail.
    Test,
    /// Runs the named checks, or all of them.
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
        /// Makes the instructions of today the baseline; only for `prove instructions`.
        #[arg(long)]
        accept: bool,
    },
    /// Measures node0 against its peers and its budgets; writes target/bench/all.html.
    ///
    /// It ends with a table of all budgets, and says where the report is.
    ///
    /// Exit codes: 0 all budgets hold (with --compare: nothing is worse); 1 a budget does not
    /// hold (something is worse); 2 the bench could not run, or the machine was too restless
    /// for a verdict. docs/bench.md says how to read the figures.
    Bench(Bench),
}

fn main() -> ExitCode {
    let workspace = Workspace::of_this_build();
    let outcome = match Arguments::parse().command {
        Command::Test => test::run(&workspace),
        Command::Check { names } => check::run(&workspace, &names),
        Command::Generate => generate::run(&workspace),
        Command::Prove { name, accept } => {
            let gate = if accept { Gate::Accept } else { Gate::Compare };
            prove::run(&workspace, name.as_deref(), gate)
        }
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
