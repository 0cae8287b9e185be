//! Compares this program with a saved one: better, same, worse or unclear.
//!
//! Two runs at different times differ by what the machine did meanwhile, so a saved figure is a
//! poor thing to compare with. A saved run keeps its program instead. Here a process of each
//! program measures a question, and the two take turns round by round, within milliseconds. The
//! change of such a pair is the median of the ratios of their rounds. One process differs from
//! the next by where its memory lies, so there are several pairs, and the interval is over them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use bench_report::{Change, Comparison, Kind, Run, Word};

use crate::measure::{self, Outcome, Selection};
use crate::progress::Progress;
use crate::questions::Question;
use crate::rounds::{Race, Scope};
use crate::turn::Partner;
use crate::{machine, results};
use rig::stats::Estimate;
use rig::stopwatch;

/// The extension of a saved program.
pub(crate) const PROGRAM: &str = "program";

/// The pairs of processes for each question: the interval leaves out five at each end.
///
/// Processes differ by more than the rounds of one do, so many short pairs tell more than few
/// long ones.
const PAIRS: usize = 20;

/// The rounds of node0's contenders in one process, by race and contender.
type Rounds = BTreeMap<(String, String), Vec<f64>>;

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
    if comparison.count(Word::Unclear) > 0 {
        println!("unclear figures varied too much to tell: end other programs, and repeat");
    }
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

/// Returns the rounds of the earlier program and of this one, from processes that took turns.
fn pairs(
    question: &Question,
    earlier: &Path,
    this: &Path,
    burn: f64,
) -> Result<Vec<(Rounds, Rounds)>> {
    let start =
        |program: &Path, burn| Partner::start(&mut question.call(program, Scope::Ours, burn));
    let pair = |pair: usize| {
        let (mut before, mut now) = (start(earlier, 0.0)?, start(this, burn)?);
        // Each is first in every other round, so that a drift favours neither.
        for round in pair.. {
            let (first, second) =
                if round % 2 == 0 { (&mut before, &mut now) } else { (&mut now, &mut before) };
            if !(first.round()? | second.round()?) {
                break;
            }
        }
        Ok((ours(before.answer()?), ours(now.answer()?)))
    };
    (0..PAIRS).map(pair).collect()
}

fn ours(races: Vec<Race>) -> Rounds {
    let ours = races.into_iter().flat_map(|race| {
        let entries = race.entries.into_iter().filter(|entry| entry.name.starts_with("node0"));
        entries.map(move |entry| ((race.id.clone(), entry.name), entry.rounds))
    });
    ours.collect()
}

/// Returns the changes of all figures that both programs have in each pair.
fn of_pairs(pairs: &[(Rounds, Rounds)]) -> Vec<Change> {
    let Some((first, _)) = pairs.first() else { return Vec::new() };
    let changes = first.keys().filter_map(|key| {
        let of_pair = |(before, now): &(Rounds, Rounds)| {
            Some(Estimate::of_share(now.get(key)?, before.get(key)?).median)
        };
        let changes = pairs.iter().map(of_pair).collect::<Option<Vec<f64>>>()?;
        let change = Estimate::of(&changes);
        Some(Change { race: key.0.clone(), name: key.1.clone(), change })
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

    fn rounds(name: &str, rounds: &[f64]) -> Rounds {
        Rounds::from([(("r".to_owned(), name.to_owned()), rounds.to_vec())])
    }

    #[test]
    fn change_is_taken_between_rounds_that_took_turns() {
        // The machine became twice as slow for the second round, which is no change of the program.
        let pair = (rounds("node0", &[1.0, 2.0, 2.0]), rounds("node0", &[1.1, 2.2, 2.2]));
        let changes = of_pairs(&[pair.clone(), pair]);
        assert_eq!(changes.len(), 1);
        assert!((changes[0].change.median - 0.1).abs() < 1e-9, "{changes:?}");
    }

    #[test]
    fn figure_that_only_one_program_has_is_not_compared() {
        assert!(of_pairs(&[(rounds("node0", &[1.0]), rounds("node0, new", &[1.0]))]).is_empty());
    }
}
