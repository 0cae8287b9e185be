//! Measures one contender in a process of its own.
//!
//! Resident memory belongs to a process, and a thing starts only once in it. So the contenders of
//! some races are specimens: this program runs itself for each of them, in every round.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::questions::SPECIMENS;
use crate::rounds::{Effort, Entry};

/// The way to measure the contenders of one race, each in a process of its own.
pub(crate) struct Specimen {
    pub(crate) race: &'static str,
    /// Measures the contender of this name; the race defines what each figure is.
    pub(crate) measure: fn(&str) -> Result<Vec<f64>>,
}

/// Measures one contender in this process, and prints its figures as JSON.
///
/// # Errors
/// Fails when the race has no specimens, or no such contender.
pub(crate) fn print(race: &str, contender: &str) -> Result<()> {
    let specimen = SPECIMENS.into_iter().flatten().find(|specimen| specimen.race == race);
    let specimen = specimen.with_context(|| format!("`{race}` has no specimens"))?;
    let figures = (specimen.measure)(contender)?;
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}

/// Measures the contenders in rounds, in an order that rotates; returns the entries by figure.
///
/// # Errors
/// Fails when a contender could not be measured.
pub(crate) fn in_rounds(
    race: &str,
    contenders: &[&str],
    effort: Effort,
) -> Result<Vec<Vec<Entry>>> {
    let mut figures: Vec<Vec<Entry>> = Vec::new();
    for round in 0..effort.processes() {
        for place in 0..contenders.len() {
            let at = (round + place) % contenders.len();
            for (figure, measured) in alone(race, contenders[at])?.into_iter().enumerate() {
                if figure == figures.len() {
                    figures.push(contenders.iter().map(|name| Entry::named(name)).collect());
                }
                figures[figure][at].rounds.push(measured);
            }
        }
    }
    Ok(figures)
}

/// Measures one contender in a process of its own.
fn alone(race: &str, contender: &str) -> Result<Vec<f64>> {
    let program = std::env::current_exe().context("this program is not to be found")?;
    let mut call = Command::new(program);
    call.args(["specimen", race, contender]).stderr(Stdio::inherit());
    let output = call.output().context("cannot start a specimen")?;
    ensure!(output.status.success(), "{contender} of {race} ended with {}", output.status);
    serde_json::from_slice(&output.stdout).context("a specimen's figures are no JSON")
}
