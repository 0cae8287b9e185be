//! Measures node0 against its budgets and against other metrics libraries.
//!
//! Absolute times say little about another machine, so nearly every budget is a ratio to a
//! peer that did the same work in the same run. Only this package depends on the peers.
//!
//! Exit codes: 0 all budgets hold, 1 a budget does not hold, 2 the bench could not run.

mod budgets;
mod questions;
mod results;
mod table;

mod rounds;
mod specimen;

mod floors;
mod held;
mod page;
mod peers;

mod pool;
mod workload;

use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, Result, ensure};
use clap::{Args, Parser, Subcommand};

use crate::budgets::Verdict;
use crate::questions::{Group, QUESTIONS, Question};
use crate::results::Medians;
use crate::rounds::{Effort, Race};

/// Measures node0 against its peers and its budgets.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
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
        quick: bool,
    },
    /// Measures one contender of a race in this process, and prints its figures as JSON.
    #[command(hide = true)]
    Specimen { race: String, contender: String },
}

#[derive(Debug, Args)]
struct Bench {
    /// Measures only this group of questions; all by default.
    group: Option<Group>,
    /// Runs fewer and shorter rounds, to test that everything runs; gives no verdict.
    #[arg(long)]
    quick: bool,
    /// Saves the results as target/bench/NAME.json.
    #[arg(long, value_name = "NAME")]
    save: Option<String>,
    /// Prints the change since the results that were saved under this name.
    #[arg(long, value_name = "NAME")]
    compare: Option<String>,
    /// Measures only these questions.
    #[arg(long, value_name = "QUESTION", value_parser = QUESTIONS.iter().map(|question| question.name).collect::<Vec<_>>())]
    only: Vec<String>,
}

fn main() -> ExitCode {
    let Arguments { inner, bench } = Arguments::parse();
    let outcome = match inner {
        None => bench.run(),
        Some(Inner::Question { name, quick }) => answer(&name, effort(quick)).map(|()| true),
        Some(Inner::Specimen { race, contender }) => {
            specimen::print(&race, &contender).map(|()| true)
        }
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn effort(quick: bool) -> Effort {
    if quick { Effort::QUICK } else { Effort::FULL }
}

impl Bench {
    /// Measures all chosen questions; returns `true` if every budget holds.
    fn run(&self) -> Result<bool> {
        let earlier = self.compare.as_deref().map(Medians::saved).transpose()?;
        let effort = effort(self.quick);
        let mut judged = Vec::new();
        for question in QUESTIONS.iter().filter(|question| self.asks(question)) {
            for race in question.in_its_own_process(self.quick)? {
                let verdicts = budgets::judge(&race)?;
                println!("{}", table::race(&race, &verdicts, earlier.as_ref()));
                judged.push((race, verdicts));
            }
        }
        if self.only.is_empty() && self.group.is_none() {
            budgets::cover(&judged.iter().map(|(race, _)| &*race.id).collect::<Vec<_>>())?;
        }
        for name in [self.name()].into_iter().chain(self.save.as_deref()) {
            results::save(name, effort, &judged)?;
        }
        let verdicts: Vec<&Verdict> = judged.iter().flat_map(|(_, verdicts)| verdicts).collect();
        Ok(self.sum_up(&verdicts))
    }

    fn asks(&self, question: &Question) -> bool {
        let is_in_group = self.group.is_none_or(|group| group == question.group);
        is_in_group && (self.only.is_empty() || self.only.iter().any(|name| name == question.name))
    }

    /// Returns the name of the file for the results of this run.
    fn name(&self) -> &'static str {
        match self.group {
            None => "all",
            Some(Group::Core) => "core",
            Some(Group::Request) => "request",
            Some(Group::Monitors) => "monitors",
            Some(Group::Scrape) => "scrape",
            Some(Group::Sampling) => "sampling",
            Some(Group::Memory) => "memory",
            Some(Group::Startup) => "startup",
        }
    }

    fn sum_up(&self, verdicts: &[&Verdict]) -> bool {
        let short: Vec<_> = verdicts.iter().filter(|verdict| !verdict.holds()).collect();
        println!("{} of {} budgets hold", verdicts.len() - short.len(), verdicts.len());
        for verdict in &short {
            println!("  {}: {}", verdict.race, table::verdict(verdict));
        }
        if self.quick {
            println!(
                "NOT A VERDICT: --quick measures too little; the exit code is 0 whatever it says"
            );
        }
        short.is_empty() || self.quick
    }
}

impl Question {
    fn in_its_own_process(&self, quick: bool) -> Result<Vec<Race>> {
        eprintln!("asking: {}", self.name);
        let program = std::env::current_exe().context("this program is not to be found")?;
        let mut call = Command::new(program);
        call.args(["question", self.name]).args(quick.then_some("--quick"));
        let output = call.stderr(Stdio::inherit()).output().context("cannot ask")?;
        ensure!(output.status.success(), "question {} ended with {}", self.name, output.status);
        serde_json::from_slice(&output.stdout).context("the answer is no JSON")
    }
}

/// Measures one question in this process.
fn answer(name: &str, effort: Effort) -> Result<()> {
    let question = QUESTIONS.iter().find(|question| question.name == name);
    let question = question.with_context(|| format!("there is no question `{name}`"))?;
    let races = (question.ask)(effort)?;
    println!("{}", serde_json::to_string(&races)?);
    Ok(())
}
