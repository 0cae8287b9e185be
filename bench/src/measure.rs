//! Asks the chosen questions, each in a process of its own, and judges the answers.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bench_report::{Beside, Run};
use clap::ValueEnum as _;

use crate::machine::{self, Watch};
use crate::progress::Progress;
use crate::questions::request::AGAIN;
use crate::questions::{Group, QUESTIONS, Question};
use crate::rounds::{Effort, Race, Scope};
use crate::{budgets, results};
use rig::stopwatch;

/// The outcome of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All budgets hold, or nothing is worse.
    Holds,
    /// A budget does not hold, or something is worse.
    FallsShort,
    /// The machine was too restless for a verdict.
    NoVerdict,
}

/// The questions that were chosen.
pub(crate) struct Selection<'a> {
    pub(crate) group: Option<Group>,
    /// Names of questions; empty for all.
    pub(crate) only: &'a [String],
}

impl Selection<'_> {
    pub(crate) fn questions(&self) -> impl Iterator<Item = &'static Question> {
        QUESTIONS.iter().filter(|question| {
            self.group.is_none_or(|group| group == question.group)
                && (self.only.is_empty() || self.only.iter().any(|name| name == question.name))
        })
    }

    /// Returns the name of the files for the results.
    pub(crate) fn name(&self) -> String {
        self.group.map_or_else(|| "all".to_owned(), Group::name)
    }

    fn is_all(&self) -> bool {
        self.group.is_none() && self.only.is_empty()
    }
}

impl Group {
    /// Returns the name of the group on the command line.
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// The seconds that questions took where they were first measured, for the first run elsewhere.
const FIRST: &[(&str, f64)] = &[
    ("contention", 5.0),
    ("demo", 120.0),
    ("ledger", 62.0),
    ("memory", 60.0),
    ("request", 400.0),
    ("scrape", 40.0),
    ("stream", 660.0),
    ("ledger (quick)", 13.0),
    ("memory (quick)", 20.0),
    ("scrape (quick)", 20.0),
];

/// The further attempts at a question whose figures are too close to a limit.
const ATTEMPTS: usize = 2;
/// The duration from which on a question has rounds enough at the first attempt.
const LONG: Duration = Duration::from_secs(60);

/// The most that the service against itself may differ.
const SELF: f64 = 0.005;

/// Measures the chosen questions, prints their tables and judges their budgets.
///
/// # Errors
/// Fails when a question cannot be measured, or a budget has no race.
pub(crate) fn run(selection: &Selection<'_>, scope: Scope) -> Result<(Run, Outcome)> {
    let started = stopwatch::now();
    let program = std::env::current_exe().context("this program is not to be found")?;
    let steps = selection.questions().map(|question| step(question, scope)).collect();
    let (mut progress, mut watch, mut races) = (Progress::new(steps), Watch::start(), Vec::new());
    for question in selection.questions() {
        let raced = progress.step(|| decided(question, &program, scope))?;
        watch.look();
        progress.clear();
        for race in raced {
            let race = results::race(question.group, &race, &budgets::judge(&race)?)?;
            println!("{}", bench_report::race_table(&race));
            races.push(race);
        }
    }
    if selection.is_all() && scope == Scope::Full {
        budgets::cover(&races.iter().map(|race| &*race.id).collect::<Vec<_>>())?;
    }
    let mut run = Run {
        about: machine::about(scope.of_report(), started.elapsed().as_secs_f64()),
        machine: machine::machine(),
        peers: machine::peers(),
        unrest: watch.end(),
        races,
        comparison: None,
    };
    let against_itself = restless_requests(&run);
    run.unrest.reasons.extend(against_itself);
    let outcome = conclude(&run);
    Ok((run, outcome))
}

/// Asks a question, again if a limit lies within the interval of its figure.
///
/// More rounds make an interval narrower. The rounds of all attempts count, since to choose
/// among them would favour one side.
fn decided(question: &Question, program: &Path, scope: Scope) -> Result<Vec<Race>> {
    let started = stopwatch::now();
    let mut races = question.asked(program, scope)?;
    let attempts = if started.elapsed() < LONG { ATTEMPTS } else { 0 };
    for _ in 0..attempts {
        let mut verdicts = Vec::new();
        for race in &races {
            verdicts.extend(budgets::judge(race)?);
        }
        let is_undecided = verdicts.iter().any(|verdict| {
            verdict.measured.low <= verdict.limit && verdict.limit < verdict.measured.high
        });
        if !is_undecided {
            break;
        }
        let more = question.asked(program, scope)?;
        races.iter_mut().zip(more).for_each(|(race, more)| race.extend(more));
    }
    Ok(races)
}

/// Returns the name of a step and the seconds that it took where it was first measured.
pub(crate) fn step(question: &Question, scope: Scope) -> (String, Option<f64>) {
    let name = match scope {
        Scope::Full => question.name.to_owned(),
        scope => format!("{} ({})", question.name, scope.name()),
    };
    let first = FIRST.iter().find(|(first, _)| *first == name).map(|(_, seconds)| *seconds);
    (name, first)
}

/// Returns a reason for each race in which the service differs from itself.
fn restless_requests(run: &Run) -> Vec<String> {
    let pairs = run.races.iter().filter_map(|race| Some((race, race.entry(AGAIN)?.beside?)));
    let differing = pairs.filter_map(|(race, beside)| match beside {
        Beside::Share(added)
            if added.median.abs() > SELF && (added.low > 0.0 || added.high < 0.0) =>
        {
            Some(format!(
                "{}: the same service measured twice differs by {:.1} %, and a verdict needs less \
                 than {:.1} %: end other programs, or wait until they have ended",
                race.id,
                added.median.abs() * 100.0,
                SELF * 100.0
            ))
        }
        _ => None,
    });
    differing.collect()
}

fn conclude(run: &Run) -> Outcome {
    if run.budgets().next().is_some() {
        println!("{}", bench_report::summary_table(run));
    }
    if !run.unrest.reasons.is_empty() {
        println!("NO VERDICT: this machine is too restless.");
        run.unrest.reasons.iter().for_each(|reason| println!("  {reason}"));
        return Outcome::NoVerdict;
    }
    let all = run.budgets().count();
    let held = run.budgets().filter(|(_, budget)| budget.holds()).count();
    println!("{held} of {all} budgets hold");
    if held == all { Outcome::Holds } else { Outcome::FallsShort }
}

impl Question {
    /// Returns the call of a program that answers the question.
    pub(crate) fn call(&self, program: &Path, scope: Scope, burn: f64) -> Command {
        let mut call = Command::new(program);
        call.args(["question", self.name, "--scope", scope.name()]);
        if burn > 0.0 {
            call.args(["--burn", &burn.to_string()]);
        }
        call
    }

    /// Asks the question of a program, in a process of its own.
    ///
    /// # Errors
    /// Fails when the program cannot answer.
    pub(crate) fn asked(&self, program: &Path, scope: Scope) -> Result<Vec<Race>> {
        let mut call = self.call(program, scope, 0.0);
        let output = call.stderr(Stdio::inherit()).output().context("cannot ask")?;
        ensure!(output.status.success(), "question {} ended with {}", self.name, output.status);
        serde_json::from_slice(&output.stdout).context("the answer is no JSON")
    }
}

/// Measures one question in this process, and prints the answer.
///
/// # Errors
/// Fails when there is no such question, or it cannot be measured.
pub(crate) fn answer(name: &str, scope: Scope, burn: f64) -> Result<()> {
    let question = QUESTIONS.iter().find(|question| question.name == name);
    let question = question.with_context(|| format!("there is no question `{name}`"))?;
    let races = (question.ask)(Effort { burn, ..Effort::of(scope) })?;
    println!("{}", serde_json::to_string(&races)?);
    Ok(())
}
