//! A race: contenders that do the same work, measured in turn within each round.
//!
//! A machine's speed drifts over seconds, so a contender that is measured after another is
//! not measured like it. Here each round measures everyone once, in an order that rotates,
//! and a ratio is taken within a round. Pitfalls that this module and its neighbours see to:
//!
//! - Everyone is compiled alike, into one binary with link-time optimisation, and in a loop
//!   of his own, so that nobody pays for a dynamic call that another is spared.
//! - Each round of a loop ends with a compiler fence, or plain adds would be folded into one.
//! - Batches are about as long for the fast as for the slow, and begin with a warm-up that is
//!   not timed, since the contender before left its own data in the caches. They are whole
//!   laps, so that what somebody does every so often is in each batch equally often.
//! - All record the same values in the same order, drawn before.
//! - What everyone recorded is read back and must be what was put in, so a contender that
//!   drops values, or one that does nothing, does not win. A peer's rare loss is shown.
//! - The cost of the loop itself, about a quarter of a nanosecond, is in every figure; it
//!   makes ratios look a little closer to one than they are.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::budgets::is_peer;
use crate::pool::{Job, Pool};
use crate::stopwatch;

/// The operations of a loop's lap: once around every stream, and one drain of those who drain.
pub(crate) const LAP: usize = 65_536;

/// One in how many records a peer may lose and still take part; node0 may lose none.
///
/// One peer's histograms lose some where a thread drains them while another records.
const MOST_LOST: u64 = 100_000;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    /// How long a batch of one contender takes, about.
    pub(crate) batch: Duration,
}

impl Effort {
    /// Enough for a verdict.
    pub(crate) const FULL: Self = Self { rounds: 31, batch: Duration::from_millis(4) };
    /// Enough to see that everything runs.
    pub(crate) const QUICK: Self = Self { rounds: 5, batch: Duration::from_millis(1) };
}

/// One who takes part in a race.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    work: Work,
    recorded: Box<dyn FnMut() -> u64>,
}

enum Work {
    /// Something so short that only many in a row can be timed, on any number of threads.
    Loop(Arc<dyn Fn(Range<usize>) + Send + Sync>),
    /// Something long enough to be timed alone, after a preparation that is not timed.
    Single { prepare: Box<dyn FnMut() -> u64>, act: Box<dyn FnMut()> },
}

impl Contender {
    /// One who records `op(i)` for rising `i`, and can tell how many records arrived.
    pub(crate) fn recording(
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

    /// One who acts once after each preparation, which says how many records it put in.
    pub(crate) fn acting(
        name: &'static str,
        prepare: impl FnMut() -> u64 + 'static,
        act: impl FnMut() + 'static,
        recorded: impl FnMut() -> u64 + 'static,
    ) -> Self {
        let work = Work::Single { prepare: Box::new(prepare), act: Box::new(act) };
        Self { name, work, recorded: Box::new(recorded) }
    }
}

/// What a race found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Race {
    /// What budgets and saved results call it, such as `counter/held/2t`.
    pub(crate) id: String,
    /// What was raced, in words.
    pub(crate) title: String,
    pub(crate) entries: Vec<Entry>,
}

/// What a race found of one contender.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// Nanoseconds per operation, by round.
    pub(crate) rounds: Vec<f64>,
    /// Single operations, where their tail is of interest.
    #[serde(default)]
    pub(crate) singles: Vec<f64>,
    /// Records that were put in and did not come out.
    #[serde(default)]
    pub(crate) lost: u64,
}

/// Has the contenders race on the threads of a pool.
///
/// # Errors
/// When what somebody recorded is not what was put in.
pub(crate) fn race(
    id: &str,
    title: &str,
    pool: &Pool,
    effort: Effort,
    contenders: Vec<Contender>,
) -> Result<Race> {
    let mut runners: Vec<Runner> =
        contenders.into_iter().map(|contender| Runner::new(contender, pool, effort)).collect();
    for round in 0..effort.rounds {
        let count = runners.len();
        for place in 0..count {
            runners[(round + place) % count].measure(pool);
        }
    }
    let entries = runners.into_iter().map(|runner| runner.finish(id)).collect::<Result<_>>()?;
    Ok(Race { id: id.to_owned(), title: title.to_owned(), entries })
}

/// A contender with where it stands.
struct Runner {
    contender: Contender,
    /// How many operations make a batch.
    batch: usize,
    /// The index at which each thread goes on.
    next: usize,
    put_in: u64,
    rounds: Vec<f64>,
}

impl Runner {
    fn new(contender: Contender, pool: &Pool, effort: Effort) -> Self {
        let step = match contender.work {
            Work::Loop(_) => LAP,
            Work::Single { .. } => 1,
        };
        let mut runner = Self { contender, batch: step, next: 0, put_in: 0, rounds: Vec::new() };
        // First touches are not what the batch is to be fitted to.
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
        // What is long warms itself up.
        if self.batch >= 8 {
            self.run(pool, self.batch / 8);
        }
        let took = self.run(pool, self.batch);
        self.rounds.push(took.as_nanos() as f64 / self.batch as f64);
    }

    fn run(&mut self, pool: &Pool, operations: usize) -> Duration {
        match &mut self.contender.work {
            Work::Loop(work) => {
                let range = self.next..self.next + operations;
                self.next = range.end;
                self.put_in += (operations * pool.threads()) as u64;
                let work = work.clone();
                let job: Job = Arc::new(move |_| work(range.clone()));
                pool.run(&job)
            }
            Work::Single { prepare, act } => {
                let mut took = Duration::ZERO;
                for _ in 0..operations {
                    self.put_in += prepare();
                    took += stopwatch::time_alone(&mut *act);
                }
                took
            }
        }
    }

    fn finish(mut self, id: &str) -> Result<Entry> {
        let name = self.contender.name;
        let (recorded, put_in) = ((self.contender.recorded)(), self.put_in);
        let lost = put_in.checked_sub(recorded).filter(|lost| *lost <= put_in / MOST_LOST);
        let lost = lost.filter(|lost| *lost == 0 || is_peer(name));
        let lost = lost.with_context(|| format!("{id}: {name} recorded {recorded} of {put_in}"))?;
        Ok(Entry { name: name.to_owned(), rounds: self.rounds, singles: Vec::new(), lost })
    }
}
