//! Turns measured races into the results of a run, and saves them as files.
//!
//! `target/bench/NAME.json` has all figures of all rounds, for other tools to analyse, and
//! `NAME.html` is the report.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use bench_report::{Against, Beside, Budget, Entry, Kind, Race, Run, Tail};
use contenders::is_peer;

use crate::budgets::Verdict;
use crate::floors::is_floor;
use crate::questions::Group;
use crate::questions::request::ALONE;
use crate::rounds;
use rig::stats::{Estimate, quantile, sorted};

/// Criterion's report, if the benches were run, relative to the folder of ours.
const CRITERION: &str = "criterion/report/index.html";

/// Returns the results of a race.
pub(crate) fn race(group: Group, race: &rounds::Race, verdicts: &[Verdict]) -> Result<Race> {
    let ours = race.entries.iter().find(|entry| entry.name == "node0");
    // What is compared with a router alone is shown as what it adds to that.
    let alone = race.entries.iter().find(|entry| entry.name == ALONE);
    let entries = race.entries.iter().map(|entry| {
        let kind = kind(&entry.name);
        let beside = match (alone, ours) {
            (Some(alone), _) => (entry.name != ALONE)
                .then(|| Beside::Share(Estimate::of_share(&entry.rounds, &alone.rounds))),
            (None, Some(ours)) => matches!(kind, Kind::Peer | Kind::Floor)
                .then(|| Beside::Factor(Estimate::of_ratio(&ours.rounds, &entry.rounds))),
            (None, None) => None,
        };
        let singles = sorted(&entry.singles);
        let tail = (!singles.is_empty())
            .then(|| Tail { p99: quantile(&singles, 0.99), of: singles.len() });
        Entry {
            name: entry.name.clone(),
            kind,
            measured: Estimate::of(&entry.rounds),
            beside,
            tail,
            lost: entry.lost,
            course: entry.course.clone(),
            rounds: entry.rounds.clone(),
        }
    });
    Ok(Race {
        id: race.id.clone(),
        group: group.name(),
        title: race.title.clone(),
        unit: race.unit,
        entries: entries.collect(),
        budgets: verdicts.iter().map(|verdict| budget(race, verdict)).collect::<Result<_>>()?,
    })
}

fn kind(name: &str) -> Kind {
    match name {
        _ if is_floor(name) => Kind::Floor,
        _ if is_peer(name) => Kind::Peer,
        _ if name.starts_with("apart") => Kind::Apart,
        _ => Kind::Node0,
    }
}

fn budget(race: &rounds::Race, verdict: &Verdict) -> Result<Budget> {
    let ours = race.entries.iter().find(|entry| entry.name == verdict.ours);
    let ours = ours.with_context(|| format!("{} has no entry `{}`", race.id, verdict.ours))?;
    let against = |name: &str, cost: &Estimate| Against { name: name.to_owned(), cost: *cost };
    Ok(Budget {
        ours: verdict.ours.to_owned(),
        cost: Estimate::of(&ours.rounds),
        against: verdict.against.as_ref().map(|(name, cost)| against(name, cost)),
        limit: verdict.limit,
        is_share: verdict.is_share,
        measured: verdict.measured,
        floor: verdict.floor.as_ref().map(|(name, cost)| against(name, cost)),
    })
}

/// Reads the run that was saved under a name.
///
/// # Errors
/// Fails when there is no such run, or it was saved by another version of the bench.
pub(crate) fn saved(name: &str) -> Result<Run> {
    let path = path(name, "json")?;
    let text = fs::read_to_string(path).with_context(|| format!("nothing is saved as `{name}`"))?;
    serde_json::from_str(&text)
        .with_context(|| format!("`{name}` was saved by another version: save it again"))
}

/// Writes the results as JSON and as a page, and returns the path of the page.
///
/// # Errors
/// Fails when the name is not usable as a file name, or a file cannot be written.
pub(crate) fn save(name: &str, run: &Run) -> Result<PathBuf> {
    write(name, "json", &format!("{}\n", serde_json::to_string(run)?))?;
    let criterion = folder().join(CRITERION).exists().then_some(CRITERION);
    write(name, "html", &bench_report::report(run, criterion))
}

/// Writes a file to the folder of results, and returns its path.
///
/// # Errors
/// Fails when the name is not usable as a file name, or the file cannot be written.
pub(crate) fn write(name: &str, extension: &str, text: &str) -> Result<PathBuf> {
    let path = path(name, extension)?;
    fs::create_dir_all(folder())
        .and_then(|()| fs::write(&path, text))
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// Returns the path of a file in the folder of results.
///
/// # Errors
/// Fails when the name is not usable as a file name.
pub(crate) fn path(name: &str, extension: &str) -> Result<PathBuf> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    ensure!(name.chars().all(is_plain) && !name.starts_with('.'), "`{name}` is no name of a file");
    Ok(folder().join(format!("{name}.{extension}")))
}

fn folder() -> PathBuf {
    let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
    bench.parent().unwrap_or(bench).join("target/bench")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budgets;

    fn entry(name: &str, rounds: &[f64]) -> rounds::Entry {
        rounds::Entry { rounds: rounds.to_vec(), ..rounds::Entry::named(name) }
    }

    #[test]
    fn figures_of_a_race_are_those_of_its_rounds() {
        let entries = vec![entry("node0", &[1.0, 2.0, 3.0]), entry("peer", &[4.0, 4.0, 4.0])];
        let raced = rounds::Race::of_times("counter/held/1t", "", entries);
        let verdicts = budgets::judge(&raced).expect("all are there");
        let race = race(Group::Core, &raced, &verdicts).expect("all are there");
        assert_eq!(race.entries[0].measured.median, 2.0);
        let ratio = Estimate { low: 0.25, median: 0.5, high: 0.75 };
        assert_eq!(race.entries[1].beside, Some(Beside::Factor(ratio)));
        assert_eq!(race.budgets[0].measured, ratio);
        assert_eq!(race.budgets[0].against.as_ref().map(|it| it.cost.median), Some(4.0));
    }

    #[test]
    fn request_is_compared_with_the_router_alone() {
        let entries = vec![entry(ALONE, &[100.0, 100.0]), entry("node0", &[101.0, 101.0])];
        let raced = rounds::Race::of_times("r", "", entries);
        let race = race(Group::Request, &raced, &[]).expect("it has no budget");
        assert_eq!(race.entries[0].beside, None);
        let Some(Beside::Share(added)) = race.entries[1].beside else { panic!("no share") };
        assert!((added.median - 0.01).abs() < 1e-9);
    }

    #[test]
    fn name_that_leads_elsewhere_is_refused() {
        assert!(path("../core", "json").is_err());
        assert!(path("before-lanes", "json").is_ok());
    }
}
