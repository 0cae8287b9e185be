//! Saves the results of a run as a file, and reads the medians of an earlier run.
//!
//! The file has all figures of all rounds, for other tools to analyse. A comparison with an
//! earlier run uses the medians only, because the rounds of two runs do not correspond.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::budgets::Verdict;
use crate::rounds::{Effort, Race};
use rig::stats::{Estimate, quantile, sorted};

/// The medians of an earlier run.
pub(crate) struct Medians(HashMap<(String, String), f64>);

impl Medians {
    /// Reads the medians of the run that was saved under a name.
    ///
    /// # Errors
    /// Fails when there is no such file or it cannot be read.
    pub(crate) fn saved(name: &str) -> Result<Self> {
        let path = path(name)?;
        let text =
            fs::read_to_string(&path).with_context(|| format!("nothing is saved as `{name}`"))?;
        let saved = serde_json::from_str(&text).context("the saved file is no JSON")?;
        Ok(Self(medians(&saved)))
    }

    /// Returns the median of a contender in a race, if it took part.
    pub(crate) fn of(&self, race: &str, contender: &str) -> Option<f64> {
        self.0.get(&(race.to_owned(), contender.to_owned())).copied()
    }
}

fn medians(saved: &Value) -> HashMap<(String, String), f64> {
    let mut medians = HashMap::new();
    for race in saved["races"].as_array().into_iter().flatten() {
        for entry in race["entries"].as_array().into_iter().flatten() {
            let names = race["id"].as_str().zip(entry["name"].as_str());
            if let Some(((race, name), median)) = names.zip(entry["median"].as_f64()) {
                medians.insert((race.to_owned(), name.to_owned()), median);
            }
        }
    }
    medians
}

/// Writes the results to `target/bench/NAME.json`.
///
/// # Errors
/// Fails when the name is not usable as a file name, or the file cannot be written.
pub(crate) fn save(name: &str, effort: Effort, races: &[(Race, Vec<Verdict>)]) -> Result<()> {
    let path = path(name)?;
    let races: Vec<Value> = races.iter().map(|(race, verdicts)| of_race(race, verdicts)).collect();
    let results = json!({ "rounds": effort.rounds, "unit": "ns", "races": races });
    let folder = path.parent().context("a file lies in a folder")?;
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&path, format!("{results:#}\n")))
        .with_context(|| format!("cannot write {}", path.display()))
}

fn of_race(race: &Race, verdicts: &[Verdict]) -> Value {
    let entries = race.entries.iter().map(|entry| {
        let Estimate { low, median, high } = Estimate::of(&entry.rounds);
        let p99 = (!entry.singles.is_empty()).then(|| quantile(&sorted(&entry.singles), 0.99));
        json!({
            "name": entry.name, "low": low, "median": median, "high": high,
            "p99": p99, "rounds": entry.rounds,
        })
    });
    let budgets = verdicts.iter().map(
        |verdict| json!({ "budget": verdict, "holds": verdict.holds(), "used": verdict.used() }),
    );
    json!({
        "id": race.id, "title": race.title,
        "entries": entries.collect::<Vec<_>>(), "budgets": budgets.collect::<Vec<_>>(),
    })
}

fn path(name: &str) -> Result<PathBuf> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    ensure!(name.chars().all(is_plain) && !name.starts_with('.'), "`{name}` is no name of a file");
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
    Ok(target.join(format!("{name}.json")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rounds::Entry;

    #[test]
    fn saved_medians_are_found_again() {
        let entry = Entry { rounds: vec![1.0, 2.0, 3.0], ..Entry::named("node0") };
        let race = Race::of_times("r", "", vec![entry]);
        let medians = Medians(medians(&json!({ "races": [of_race(&race, &[])] })));
        assert_eq!(medians.of("r", "node0"), Some(2.0));
        assert_eq!(medians.of("r", "nobody"), None);
    }

    #[test]
    fn name_that_leads_elsewhere_is_refused() {
        assert!(path("../core").is_err());
        assert!(path("before-lanes").is_ok());
    }
}
