//! Compares this program with a saved one: better, same, worse or unclear.
//!
//! Two runs at different times differ by what the machine did meanwhile, so a saved figure is a
//! poor thing to compare with. A saved run keeps its program instead. Here both programs
//! answer each question in turn, in several processes each, because one process differs from
//! the next by where its memory lies. A change is taken between neighbours, which saw the
//! same seconds of the machine, and its interval is over the pairs.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use bench_report::{Change, Comparison, Kind, Run, Word};

use crate::measure::{self, Outcome, Selection};
use crate::progress::Progress;
use crate::questions::Question;
use crate::rounds::Scope;
use crate::{machine, results};
use rig::stats::{Estimate, quantile, sorted};
use rig::stopwatch;

/// The extension of a saved program.
pub(crate) const PROGRAM: &str = "program";

/// The pairs of processes for each question.
const PAIRS: usize = 8;

/// The figures of node0 of one process, by race and contender.
type Figures = BTreeMap<(String, String), f64>;

/// Compares, prints the words, and returns whether nothing is worse.
///
/// # Errors
/// Fails when nothing is saved under the name, or a question cannot be measured.
pub(crate) fn run(name: &str, selection: &Selection<'_>, burn: f64) -> Result<Outcome> {
    let (earlier, started) = (results::saved(name)?, stopwatch::now());
    let program = results::path(name, PROGRAM)?;
    let comparison = if program.exists() {
        let changes = in_turn(&program, selection, burn)?;
        Comparison { with: name.to_owned(), commit: earlier.about.commit, pairs: PAIRS, changes }
    } else {
        println!(
            "`{name}` has no program, so its figures are compared: this shows large changes only"
        );
        let (now, _) = measure::run(selection, Scope::Full)?;
        let changes = of_figures(&earlier, &now);
        Comparison { with: name.to_owned(), commit: earlier.about.commit, pairs: 0, changes }
    };
    for change in &comparison.changes {
        println!("{}", bench_report::change_line(change));
    }
    println!("{}", bench_report::words(&comparison));
    let outcome = match comparison.count(Word::Worse) {
        0 => Outcome::Holds,
        _ => Outcome::FallsShort,
    };
    let run = Run {
        about: machine::about(Scope::Ours.of_report(), started.elapsed().as_secs_f64()),
        machine: machine::machine(),
        peers: Vec::new(),
        unrest: Default::default(),
        races: Vec::new(),
        comparison: Some(comparison),
    };
    let page = results::save(&format!("since-{name}"), &run)?;
    println!("report: {}", page.display());
    Ok(outcome)
}

/// Asks both programs each question in turn.
fn in_turn(earlier: &Path, selection: &Selection<'_>, burn: f64) -> Result<Vec<Change>> {
    let this = std::env::current_exe().context("this program is not to be found")?;
    let questions: Vec<_> = selection.questions().filter(|it| it.is_compared()).collect();
    let steps = questions.iter().map(|question| measure::step(question, Scope::Ours)).collect();
    let (mut progress, mut changes) = (Progress::new(steps), Vec::new());
    for question in questions {
        let pairs = progress.step(|| pairs(question, earlier, &this, burn))?;
        progress.clear();
        changes.extend(of_pairs(&pairs));
    }
    Ok(changes)
}

/// Returns the figures of the earlier program and of this one, from neighbouring processes.
fn pairs(
    question: &Question,
    earlier: &Path,
    this: &Path,
    burn: f64,
) -> Result<Vec<(Figures, Figures)>> {
    let ask = |program: &Path, burn| {
        let races = question.asked(program, Scope::Ours, burn)?;
        let ours = races.iter().flat_map(|race| {
            let entries = race.entries.iter().filter(|entry| entry.name.starts_with("node0"));
            entries.map(move |entry| ((race.id.clone(), entry.name.clone()), figure(&entry.rounds)))
        });
        anyhow::Ok(ours.collect::<Figures>())
    };
    (0..PAIRS)
        .map(|pair| {
            // Each program is first in every other pair, so that a drift favours neither.
            if pair % 2 == 0 {
                let before = ask(earlier, 0.0)?;
                Ok((before, ask(this, burn)?))
            } else {
                let now = ask(this, burn)?;
                Ok((ask(earlier, 0.0)?, now))
            }
        })
        .collect()
}

/// Returns the figure of a process: the first quartile, since other programs only add time.
fn figure(rounds: &[f64]) -> f64 {
    quantile(&sorted(rounds), 0.25)
}

fn of_pairs(pairs: &[(Figures, Figures)]) -> Vec<Change> {
    let Some((first, _)) = pairs.first() else { return Vec::new() };
    let changes = first.keys().filter_map(|key| {
        let both = |(before, now): &(Figures, Figures)| Some((*before.get(key)?, *now.get(key)?));
        let (before, now): (Vec<f64>, Vec<f64>) = pairs.iter().filter_map(both).unzip();
        let change = Estimate::of_share(&now, &before);
        (before.len() == pairs.len()).then(|| Change {
            race: key.0.clone(),
            name: key.1.clone(),
            change,
        })
    });
    changes.collect()
}

/// Compares the figures of two runs that saw different minutes of the machine.
fn of_figures(earlier: &Run, now: &Run) -> Vec<Change> {
    let mut changes = Vec::new();
    for race in &now.races {
        let Some(before) = earlier.race(&race.id) else { continue };
        for entry in race.entries.iter().filter(|entry| entry.kind == Kind::Node0) {
            let Some(before) = before.entry(&entry.name) else { continue };
            let (old, new) = (before.measured, entry.measured);
            let change = Estimate {
                low: new.low / old.high - 1.0,
                median: new.median / old.median - 1.0,
                high: new.high / old.low - 1.0,
            };
            changes.push(Change { race: race.id.clone(), name: entry.name.clone(), change });
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn change_is_taken_between_neighbours() {
        let figures = |figure: f64| Figures::from([(("r".to_owned(), "node0".to_owned()), figure)]);
        // The machine was twice as slow for the second pair, which is no change of the program.
        let pairs = [(figures(1.0), figures(1.1)), (figures(2.0), figures(2.2))];
        let changes = of_pairs(&pairs);
        assert_eq!(changes.len(), 1);
        assert!((changes[0].change.median - 0.1).abs() < 1e-9, "{changes:?}");
    }

    #[test]
    fn figure_that_only_one_program_has_is_not_compared() {
        let figures = |name: &str| Figures::from([(("r".to_owned(), name.to_owned()), 1.0)]);
        assert!(of_pairs(&[(figures("node0"), figures("node0, new"))]).is_empty());
    }
}
