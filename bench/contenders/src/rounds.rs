//! A race: contenders that do the same work, measured in turn within each round.
//!
//! A machine's speed drifts over seconds, so contenders that are measured one after the
//! other are not comparable. Here each round measures every contender once, in an order that
//! rotates, and ratios are taken within a round. This module and its neighbours also avoid
//! these pitfalls:
//!
//! - All contenders are compiled into one binary with link-time optimisation. Each has a loop
//!   of its own, so that none pays for a dynamic call per operation.
//! - Each iteration of a loop ends with a compiler fence; without it the compiler would merge
//!   plain additions into one.
//! - Batches of fast and slow contenders take about the same time. They begin with a warm-up
//!   that is not timed, because the caches hold the data of the contender before. They are
//!   whole laps, so that work which a contender does once per lap is in every batch.
//! - All contenders record the same values in the same order, drawn before.
//! - The recorded values are read back and compared, so a contender that drops values or does
//!   nothing cannot win. A small loss in a peer is tolerated and shown.
//! - Every figure includes the loop itself, about a quarter of a nanosecond, which makes
//!   ratios a little closer to one than they are.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
pub use bench_report::Unit;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::is_peer;
use crate::pool::{Job, Pool};
use crate::turn;
use rig::stopwatch;

/// The operations of a lap: the length of every stream, with one drain where a peer drains.
pub const LAP: usize = 65_536;

/// The tolerated loss: a peer may lose one in this many records, node0 none.
///
/// One peer's histograms lose records when a thread drains them while another records, the
/// more the busier the machine is. A loss up to here is shown; one beyond it ends the run, since a
/// peer that drops its work has not raced.
const MOST_LOST: u64 = 100_000;

/// The number of rounds and the length of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    pub rounds: usize,
    /// The approximate time that a batch of one contender takes.
    pub batch: Duration,
    pub scope: Scope,
    /// The share by which node0's own work is made longer, to test a comparison.
    pub burn: f64,
}

/// The part of a question that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scope {
    /// All races and contenders.
    Full,
    /// All that is measured within the process; fewer rounds.
    Quick,
    /// Only node0's own contenders within the process, for a comparison of two programs.
    Ours,
}

impl Scope {
    /// Returns the name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Quick => "quick",
            Self::Ours => "ours",
        }
    }

    /// Returns the scope that a report names.
    pub fn of_report(self) -> bench_report::Scope {
        match self {
            Self::Full => bench_report::Scope::Full,
            Self::Quick | Self::Ours => bench_report::Scope::Quick,
        }
    }
}

impl Effort {
    /// The effort for a verdict on every budget.
    pub const FULL: Self =
        Self { rounds: 31, batch: Duration::from_millis(4), scope: Scope::Full, burn: 0.0 };
    /// The effort for a verdict on what is measured within the process, in a few minutes.
    pub const QUICK: Self =
        Self { rounds: 31, batch: Duration::from_millis(3), scope: Scope::Quick, burn: 0.0 };
    /// The effort of one of the processes that are compared.
    pub const OURS: Self =
        Self { rounds: 15, batch: Duration::from_millis(4), scope: Scope::Ours, burn: 0.0 };

    /// Returns the effort for a scope.
    pub fn of(scope: Scope) -> Self {
        match scope {
            Scope::Full => Self::FULL,
            Scope::Quick => Self::QUICK,
            Scope::Ours => Self::OURS,
        }
    }

    /// Returns `true` if requests are also sent over loopback, which takes minutes.
    pub fn has_loopback(self) -> bool {
        self.scope == Scope::Full
    }

    /// Returns the number of processes for each contender that needs a process of its own.
    pub fn processes(self) -> usize {
        match self.scope {
            Scope::Full => 5,
            Scope::Quick | Scope::Ours => 2,
        }
    }

    /// Returns `true` if a contender takes part.
    pub fn takes(self, name: &str) -> bool {
        self.scope != Scope::Ours || name.starts_with("node0")
    }

    /// Returns the share by which a contender's work is made longer.
    pub fn burn_of(self, name: &str) -> f64 {
        if name.starts_with("node0") { self.burn } else { 0.0 }
    }
}

/// A participant of a race.
pub struct Contender {
    pub name: &'static str,
    work: Work,
    recorded: Box<dyn FnMut() -> u64>,
}

enum Work {
    /// An operation so short that only many in a row can be timed, on any number of threads.
    Loop(Arc<dyn Fn(Range<usize>) + Send + Sync>),
    /// An operation long enough to be timed alone, after a preparation that is not timed.
    Single { prepare: Box<dyn FnMut() -> u64>, act: Box<dyn FnMut()> },
}

impl Contender {
    /// Creates a contender that calls `op(i)` for rising `i`; `recorded` counts its records.
    pub fn recording(
        name: &'static str,
        op: impl Fn(usize) + Send + Sync + 'static,
        recorded: impl FnMut() -> u64 + 'static,
    ) -> Self {
        let work = move |range: Range<usize>| {
            for i in range {
                op(i);
                stopwatch::fence();
            }
        };
        Self { name, work: Work::Loop(Arc::new(work)), recorded: Box::new(recorded) }
    }

    /// Creates a contender that calls `act` once after each `prepare`, which returns the number
    /// of records that it made.
    pub fn acting(
        name: &'static str,
        prepare: impl FnMut() -> u64 + 'static,
        act: impl FnMut() + 'static,
        recorded: impl FnMut() -> u64 + 'static,
    ) -> Self {
        let work = Work::Single { prepare: Box::new(prepare), act: Box::new(act) };
        Self { name, work, recorded: Box::new(recorded) }
    }
}

/// The results of a race.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Race {
    /// The race's name in budgets and saved results, such as `counter/held/2t`.
    pub id: String,
    /// A description of the race for people.
    pub title: String,
    /// The unit of all figures.
    #[serde(default)]
    pub unit: Unit,
    pub entries: Vec<Entry>,
}

impl Race {
    /// Adds the rounds of a second measurement of the same race.
    pub fn extend(&mut self, more: Self) {
        for (entry, more) in self.entries.iter_mut().zip(more.entries) {
            entry.rounds.extend(more.rounds);
            entry.singles.extend(more.singles);
            entry.lost += more.lost;
        }
    }

    /// Returns the results of a race in nanoseconds.
    pub fn of_times(id: &str, title: &str, entries: Vec<Entry>) -> Self {
        let (id, title, unit) = (id.to_owned(), title.to_owned(), Unit::Nanoseconds);
        Self { id, title, unit, entries }
    }
}

/// The results of one contender in a race.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    pub name: String,
    /// The figure of one operation, by round.
    pub rounds: Vec<f64>,
    /// The figures of single operations, if their tail is of interest.
    #[serde(default)]
    pub singles: Vec<f64>,
    /// The number of records that were made and not read back.
    #[serde(default)]
    pub lost: u64,
    /// Seconds since the start and the figure at that moment, if its course is of interest.
    #[serde(default)]
    pub course: Vec<(f64, f64)>,
}

impl Entry {
    /// Returns an entry without figures.
    pub fn named(name: &str) -> Self {
        let (rounds, singles, course) = (Vec::new(), Vec::new(), Vec::new());
        Self { name: name.to_owned(), rounds, singles, lost: 0, course }
    }
}

/// Measures the contenders in turn on the threads of a pool.
///
/// # Errors
/// Fails when a contender has lost more records than is tolerated.
pub fn race(
    id: &str,
    title: &str,
    pool: &Pool,
    effort: Effort,
    contenders: Vec<Contender>,
) -> Result<Race> {
    let contenders = contenders.into_iter().filter(|contender| effort.takes(contender.name));
    let mut runners: Vec<Runner> =
        contenders.map(|contender| Runner::new(contender, pool, effort)).collect();
    for round in 0..effort.rounds {
        turn::wait(effort);
        let count = runners.len();
        for place in 0..count {
            runners[(round + place) % count].measure(pool);
        }
    }
    let entries = runners.into_iter().map(|runner| runner.finish(id)).collect::<Result<_>>()?;
    Ok(Race::of_times(id, title, entries))
}

/// A contender with its progress.
struct Runner {
    contender: Contender,
    /// The number of operations in a batch.
    batch: usize,
    /// The index of the next operation of each thread.
    next: usize,
    put_in: u64,
    rounds: Vec<f64>,
    /// The share by which the work is made longer.
    burn: f64,
}

impl Runner {
    fn new(contender: Contender, pool: &Pool, effort: Effort) -> Self {
        let step = match contender.work {
            Work::Loop(_) => LAP,
            Work::Single { .. } => 1,
        };
        let burn = effort.burn_of(contender.name);
        let (next, put_in, rounds) = (0, 0, Vec::new());
        let mut runner = Self { contender, batch: step, next, put_in, rounds, burn };
        // The first operations are slower, so the size of a batch is computed after them.
        runner.run(pool, step);
        let mut took = runner.run(pool, step);
        while took < effort.batch / 2 {
            runner.batch *= 2;
            took = runner.run(pool, runner.batch).min(runner.run(pool, runner.batch));
        }
        let scale = effort.batch.as_secs_f64() / took.as_secs_f64();
        let steps = runner.batch as f64 / step as f64 * scale;
        runner.batch = steps.round().max(1.0) as usize * step;
        runner
    }

    fn measure(&mut self, pool: &Pool) {
        // An operation so long that fewer than eight make a batch needs no warm-up.
        if self.batch >= 8 {
            self.run(pool, self.batch / 8);
        }
        let took = self.run(pool, self.batch);
        self.rounds.push(took.as_nanos() as f64 / self.batch as f64);
    }

    fn run(&mut self, pool: &Pool, operations: usize) -> Duration {
        let burn = self.burn;
        match &mut self.contender.work {
            Work::Loop(work) => {
                let range = self.next..self.next + operations;
                self.next = range.end;
                self.put_in += (operations * pool.threads()) as u64;
                let work = work.clone();
                let job: Job = Arc::new(move |_| stopwatch::lengthen(burn, || work(range.clone())));
                pool.run(&job)
            }
            Work::Single { prepare, act } => {
                let mut took = Duration::ZERO;
                for _ in 0..operations {
                    self.put_in += prepare();
                    took += stopwatch::time_alone(&mut *act);
                }
                took + stopwatch::burn(took.mul_f64(burn))
            }
        }
    }

    fn finish(mut self, id: &str) -> Result<Entry> {
        let name = self.contender.name;
        let (recorded, put_in) = ((self.contender.recorded)(), self.put_in);
        let lost = put_in.checked_sub(recorded).filter(|lost| *lost <= put_in / MOST_LOST);
        let lost = lost.filter(|lost| *lost == 0 || is_peer(name));
        let lost = lost.with_context(|| format!("{id}: {name} recorded {recorded} of {put_in}"))?;
        Ok(Entry { rounds: self.rounds, lost, ..Entry::named(name) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_of_a_second_attempt_are_added() {
        let race = |rounds: &[f64]| {
            let entry = Entry { rounds: rounds.to_vec(), lost: 1, ..Entry::named("node0") };
            Race::of_times("r", "", vec![entry])
        };
        let mut first = race(&[1.0, 2.0]);
        first.extend(race(&[3.0]));
        assert_eq!(first.entries[0].rounds, [1.0, 2.0, 3.0]);
        assert_eq!(first.entries[0].lost, 2);
    }

    #[test]
    fn comparison_takes_only_what_is_ours() {
        let takes =
            |effort: Effort| ["node0", "node0, other", "peer", "floor"].map(|it| effort.takes(it));
        assert_eq!(takes(Effort::OURS), [true, true, false, false]);
        assert_eq!(takes(Effort::FULL), [true; 4]);
        let burned = Effort { burn: 0.03, ..Effort::OURS };
        assert_eq!([burned.burn_of("node0, other"), burned.burn_of("peer")], [0.03, 0.0]);
    }
}
