//! Measures node0 against its budgets and against other metrics libraries.
//!
//! Absolute times say little about another machine, so nearly every budget is a ratio to a
//! peer that did the same work in the same run. Only this package depends on the peers.
//!
//! Exit codes: 0 all budgets hold, 1 a budget does not hold, 2 the bench could not run or the
//! machine was too restless for a verdict.

mod budgets;
mod questions;

mod compare;
mod machine;
mod measure;
mod progress;
mod results;
mod specimen;

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};
use contenders::{floors, held, peers, pool, rounds, streams, turn, workload};

use crate::measure::{Outcome, Selection};
use crate::questions::{Group, QUESTIONS};
use crate::rounds::Scope;

/// Measures node0 against its peers and its budgets.
///
/// Without options it measures everything, and ends with a table of all budgets. It writes
/// target/bench/all.json and the report target/bench/all.html, or those of the group.
///
/// Exit codes: 0 all budgets hold (with --compare: nothing is worse); 1 a budget does not hold
/// (something is worse); 2 the bench could not run, or the machine was too restless for a
/// verdict.
#[derive(Debug, Parser)]
#[command(name = "node0-bench", args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    inner: Option<Inner>,
    #[command(flatten)]
    bench: Bench,
}

#[derive(Debug, Subcommand)]
enum Inner {
    /// Measures one question in this process, and prints the results as JSON.
    #[command(hide = true)]
    Question {
        name: String,
        #[arg(long)]
        scope: Scope,
        /// Takes this much longer in node0's own contenders, in percent.
        #[arg(long, default_value_t = 0.0)]
        burn: f64,
    },
    /// Measures one contender of a race in this process, and prints its figures as JSON.
    #[command(hide = true)]
    Specimen { race: String, contender: String },
    /// Plays the readers of a stream, for a specimen.
    #[command(hide = true)]
    Readers,
}

#[derive(Debug, Args)]
struct Bench {
    /// Measures only this group of questions; all by default.
    group: Option<Group>,
    /// Measures what needs no loopback, in fewer rounds, and judges its budgets: three minutes.
    #[arg(long)]
    quick: bool,
    /// Saves the results and this program as target/bench/NAME, for a later --compare.
    #[arg(long, value_name = "NAME")]
    save: Option<String>,
    /// Runs this program and the saved one in turn: is each figure better, same or worse?
    ///
    /// Only node0's own figures within the process are compared. If the saved program is
    /// missing, the saved figures are compared, which shows large changes only.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["quick", "save"])]
    compare: Option<String>,
    /// Measures only this question; may be given more than once.
    #[arg(long, value_name = "QUESTION", value_parser = QUESTIONS.iter().map(|question| question.name).collect::<Vec<_>>())]
    only: Vec<String>,
    /// Makes node0's own work take this much longer in this program, to test --compare.
    #[arg(long, hide = true, value_name = "PERCENT", default_value_t = 0.0, requires = "compare")]
    burn: f64,
}

fn main() -> ExitCode {
    let Arguments { inner, bench } = Arguments::parse();
    let outcome = match inner {
        None => bench.run(),
        Some(Inner::Question { name, scope, burn }) => {
            measure::answer(&name, scope, burn / 100.0).map(|()| Outcome::Holds)
        }
        Some(Inner::Specimen { race, contender }) => {
            specimen::print(&race, &contender).map(|()| Outcome::Holds)
        }
        Some(Inner::Readers) => questions::stream::play().map(|()| Outcome::Holds),
    };
    match outcome {
        Ok(Outcome::Holds) => ExitCode::SUCCESS,
        Ok(Outcome::FallsShort) => ExitCode::from(1),
        Ok(Outcome::NoVerdict) => ExitCode::from(2),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

impl Bench {
    fn run(&self) -> Result<Outcome> {
        let selection = Selection { group: self.group, only: &self.only };
        if let Some(earlier) = &self.compare {
            return compare::run(earlier, &selection, self.burn);
        }
        let scope = if self.quick { Scope::Quick } else { Scope::Full };
        let (run, outcome) = measure::run(&selection, scope)?;
        let page = results::save(&selection.name(), &run)?;
        println!("report: {}", page.display());
        if let Some(name) = &self.save {
            results::save(name, &run)?;
            let program = std::env::current_exe().context("this program is not to be found")?;
            let copy = results::path(name, compare::PROGRAM)?;
            std::fs::copy(program, copy).context("cannot keep this program")?;
        }
        Ok(outcome)
    }
}
