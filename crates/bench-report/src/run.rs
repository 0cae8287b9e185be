//! The results of a run, as they are saved.
//!
//! A run holds figures, not rounds: medians with their intervals, the ratios that are taken
//! within rounds, and the verdicts. Whoever shows a run computes nothing, so that a page and
//! a table cannot disagree. Rounds are kept in the file of a run on the reader's machine and
//! dropped from a published one.

use serde::{Deserialize, Serialize};

use crate::change::Comparison;
use crate::stats::Estimate;

/// The results of one run of the bench.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    /// The program that was measured.
    pub about: About,
    /// The machine on which it ran.
    pub machine: Machine,
    /// The libraries against which it was measured.
    pub peers: Vec<Peer>,
    /// The disturbance of the machine during the run.
    pub unrest: Unrest,
    /// The measured races, in the order of the table.
    pub races: Vec<Race>,
    /// The comparison with an earlier run, if one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
}

/// The program that was measured, and when.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct About {
    /// The version of node0.
    pub version: String,
    /// The commit, with `+` if files were changed since; empty outside a repository.
    pub commit: String,
    /// The compiler.
    pub compiler: String,
    /// The day of the run, such as `2026-11-30`.
    pub date: String,
    /// The part of the questions that was measured.
    pub scope: Scope,
    /// The duration of the run.
    pub seconds: f64,
}

/// The part of the questions that a run measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// All races and contenders.
    Full,
    /// What is measured within the process, in fewer rounds.
    Quick,
}

/// The machine of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    /// The model of the processor.
    pub processor: String,
    /// The number of cores that the run could use.
    pub cores: usize,
    /// The operating system and its version.
    pub system: String,
}

/// A library against which node0 is measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Peer {
    /// The name of its package.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The disturbance of the machine during a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Unrest {
    /// The spread of a fixed piece of work's processor time, as a share of its median.
    pub spread: f64,
    /// The share of time that the hypervisor gave to other machines.
    pub stolen: f64,
    /// The share of all cores that other programs used.
    pub others: f64,
    /// The reasons for which no verdict is given; empty on a machine that is calm enough.
    #[serde(default)]
    pub reasons: Vec<String>,
}

/// The results of contenders that did the same work in the same rounds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Race {
    /// The name of the race, such as `counter/held/2t`.
    pub id: String,
    /// The group of questions to which it belongs, such as `core`.
    pub group: String,
    /// A description for people.
    pub title: String,
    /// The unit of all its figures.
    #[serde(default)]
    pub unit: Unit,
    /// The contenders.
    pub entries: Vec<Entry>,
    /// The budgets that were judged on this race.
    #[serde(default)]
    pub budgets: Vec<Budget>,
}

/// The unit of a race's figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// A time.
    #[default]
    Nanoseconds,
    /// An amount of memory.
    Bytes,
}

/// The results of one contender.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// The name of the contender.
    pub name: String,
    /// The role of the contender.
    pub kind: Kind,
    /// The figure of one operation.
    pub measured: Estimate,
    /// The relation to another contender, taken within each round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<Beside>,
    /// The tail of single operations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<Tail>,
    /// The number of records that were made and are missing from the output.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lost: u64,
    /// Seconds since the start and the figure at that moment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub course: Vec<(f64, f64)>,
    /// The figures of all rounds; a published run has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rounds: Vec<f64>,
}

/// The role of a contender in a race.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// node0, a part of it, or another way to use it.
    Node0,
    /// Another library.
    Peer,
    /// The necessary work without any library.
    Floor,
    /// A cost that a service has without node0.
    Apart,
}

/// The relation of two contenders in the same rounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Beside {
    /// The figure of node0 as a multiple of this one.
    Factor(Estimate),
    /// The share that this one adds to what it is compared with.
    Share(Estimate),
}

/// The tail of single operations.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Tail {
    /// The 99th percentile.
    pub p99: f64,
    /// The number of operations.
    pub of: usize,
}

/// A budget with the measured figure.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Budget {
    /// The contender that is limited.
    pub ours: String,
    /// The figure of that contender.
    pub cost: Estimate,
    /// The contender whose figure the limit multiplies; without one the limit is absolute.
    pub against: Option<Against>,
    /// The limit: a factor, a share, or an amount in the race's unit.
    pub limit: f64,
    /// `true` if limit and measured figure are shares that are added to the other's figure.
    pub is_share: bool,
    /// The measured factor, share or amount.
    pub measured: Estimate,
    /// The floor that is shown where the budget does not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<Against>,
}

/// A contender beside which another is judged.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Against {
    /// The name of the contender.
    pub name: String,
    /// Its figure.
    pub cost: Estimate,
}

impl Budget {
    /// Returns the used share of the budget, at the worse end of the interval.
    #[must_use]
    pub fn used(&self) -> f64 {
        self.measured.high / self.limit
    }

    /// Returns `true` if the figure is within the budget, at the worse end of the interval.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.used() <= 1.0
    }
}

impl Race {
    /// Returns the contender of a name.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }
}

impl Run {
    /// Returns the race of a name.
    #[must_use]
    pub fn race(&self, id: &str) -> Option<&Race> {
        self.races.iter().find(|race| race.id == id)
    }

    /// Returns all budgets, each with its race.
    pub fn budgets(&self) -> impl Iterator<Item = (&Race, &Budget)> {
        self.races.iter().flat_map(|race| race.budgets.iter().map(move |budget| (race, budget)))
    }

    /// Returns the run as it is published: four significant digits, and no rounds.
    #[must_use]
    pub fn published(&self) -> Self {
        let mut run = self.clone();
        run.comparison = None;
        run.about.seconds = run.about.seconds.round();
        for share in [&mut run.unrest.spread, &mut run.unrest.stolen, &mut run.unrest.others] {
            *share = short(*share);
        }
        for race in &mut run.races {
            race.entries.iter_mut().for_each(Entry::shorten);
            race.budgets.iter_mut().for_each(Budget::shorten);
        }
        run
    }
}

/// The most moments in the course of a published entry.
const MOMENTS: usize = 120;

impl Entry {
    fn shorten(&mut self) {
        self.rounds.clear();
        self.measured = self.measured.map(short);
        self.beside = self.beside.map(|beside| match beside {
            Beside::Factor(factor) => Beside::Factor(factor.map(short)),
            Beside::Share(share) => Beside::Share(share.map(short)),
        });
        self.tail = self.tail.map(|tail| Tail { p99: short(tail.p99), ..tail });
        let step = self.course.len().div_ceil(MOMENTS).max(1);
        let kept = self.course.iter().step_by(step);
        self.course = kept.map(|(second, figure)| (short(*second), short(*figure))).collect();
    }
}

impl Budget {
    fn shorten(&mut self) {
        self.cost = self.cost.map(short);
        self.measured = self.measured.map(short);
        for other in [&mut self.against, &mut self.floor].into_iter().flatten() {
            other.cost = other.cost.map(short);
        }
    }
}

/// Returns a figure with four significant digits.
fn short(figure: f64) -> f64 {
    let text = format!("{figure:.3e}");
    text.parse().unwrap_or(figure)
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}
