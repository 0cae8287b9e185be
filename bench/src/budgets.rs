//! The budgets of the core, and the verdicts on a measurement.
//!
//! A budget is a factor on what a peer took in the same rounds, a share that is added to it, a
//! time or a size. Every race that has peers has the budget to be ahead of the best of them;
//! `worst-case` has none, since its peers do other work.
//! The verdict uses the worse end of the interval: a budget holds only if it does so with
//! 95 % confidence.

use anyhow::{Context as _, Result, bail};
use contenders::is_peer;
use contenders::peers::node0::TEXT;
use serde::Serialize;

use crate::questions::monitors::{CLOCK, POOL, WRAPPED_POOL};
use crate::questions::over_loopback::SCRAPED;
use crate::questions::request::{ALONE, FLOOR, NODE0, OFF};
use crate::rounds::{Entry, Race};
use crate::streams::RAW_FRAME;
use rig::memory::Memory;
use rig::stats::Estimate;

/// A budget: the most that an entry of a race may cost.
struct Budget {
    race: &'static str,
    ours: &'static str,
    limit: Limit,
    /// The floor that the table shows beside a figure that exceeds the budget.
    floor: Option<&'static str>,
}

enum Limit {
    /// A factor on the time of the fastest peer in this run.
    BestPeer(f64),
    /// A factor on the time of one contender.
    Of(&'static str, f64),
    /// A share that is added to the time of one contender.
    Over(&'static str, f64),
    /// A factor on the time of the first contender, for what goes beyond the time of all of them.
    Beyond(&'static [&'static str], f64),
    /// A time in nanoseconds.
    Nanos(f64),
    /// A size in bytes.
    Bytes(f64),
}

use Limit::{BestPeer, Beyond, Bytes, Nanos, Of, Over};

impl Budget {
    const fn new(race: &'static str, ours: &'static str, limit: Limit) -> Self {
        Self { race, ours, limit, floor: None }
    }

    const fn floor(self, floor: &'static str) -> Self {
        Self { floor: Some(floor), ..self }
    }
}

const CELLS: &str = "floor, cells alone";
const COPY: &str = "floor, copy";
const MEMORY: &str = "floor, fresh memory alone";

const SUMS: &str = "floor, sums and values";
const LINES: &str = "floor, lines alone";
const SCAN: &str = "floor, scan and copy";
const VALUES: &str = "floor, copy of the values";

const MIB: f64 = 1024.0 * 1024.0;
/// The growth that counts as none: the system loads a program's code in pieces of 64 KiB.
const UNNOTICED: f64 = MIB / 16.0;

const BUDGETS: &[Budget] = &[
    Budget::new("counter/held/1t", "node0", BestPeer(0.5)),
    Budget::new("latency/held/1t", "node0", BestPeer(1.0)).floor(CELLS),
    Budget::new("latency/held/1t", "node0", Of("metriken sharded", 0.8)).floor(CELLS),
    Budget::new("latency/held/1t", "node0", Of("prometheus-client", 0.3)).floor(CELLS),
    Budget::new("counter/held/2t", "node0", BestPeer(0.5)),
    Budget::new("latency/held/2t", "node0", BestPeer(1.0)).floor(CELLS),
    Budget::new("latency/held/2t", "node0", Of("metriken sharded", 0.8)).floor(CELLS),
    Budget::new("latency/held/2t", "node0", Of("prometheus-client", 0.3)).floor(CELLS),
    Budget::new("counter/labels/1t", "node0", BestPeer(1.0)),
    Budget::new("counter/labels/1t", "node0", Of("prometheus-client", 0.5)),
    Budget::new("latency/labels/1t", "node0", BestPeer(1.0)),
    Budget::new("latency/labels/1t", "node0", Of("prometheus-client", 0.5)),
    Budget::new("counter/many/1t", "node0", BestPeer(1.0)),
    Budget::new("latency/many/1t", "node0", BestPeer(1.0)),
    Budget::new("latency/timer/1t", "node0", BestPeer(1.0)),
    // A request over loopback, in the three rows, and within the process against the other layers.
    Budget::new("request/node0/static", OFF, Over(ALONE, 0.01)),
    Budget::new("request/node0/static", NODE0, Over(ALONE, 0.01)),
    Budget::new("request/node0/static", SCRAPED, Over(ALONE, 0.01)),
    Budget::new("request/node0/parameter", OFF, Over(ALONE, 0.01)),
    Budget::new("request/node0/parameter", NODE0, Over(ALONE, 0.01)),
    Budget::new("request/node0/parameter", SCRAPED, Over(ALONE, 0.01)),
    Budget::new("request/axum/static", OFF, Over(ALONE, 0.01)),
    Budget::new("request/axum/static", NODE0, Over(ALONE, 0.01)).floor(FLOOR),
    Budget::new("request/axum/static", SCRAPED, Over(ALONE, 0.01)).floor(FLOOR),
    Budget::new("request/axum/parameter", OFF, Over(ALONE, 0.01)),
    Budget::new("request/axum/parameter", NODE0, Over(ALONE, 0.01)).floor(FLOOR),
    Budget::new("request/axum/parameter", SCRAPED, Over(ALONE, 0.01)).floor(FLOOR),
    Budget::new("request/process/static", NODE0, BestPeer(1.0)).floor(FLOOR),
    Budget::new("request/process/parameter", NODE0, BestPeer(1.0)).floor(FLOOR),
    Budget::new("request/demo/hit", NODE0, Over(ALONE, 0.002)),
    Budget::new("request/demo/miss", NODE0, Over(ALONE, 0.002)),
    Budget::new("monitors/1t", "node0, cache hit", Of("node0", 2.0)),
    Budget::new("monitors/1t", "node0, breaker success", Of("node0", 2.5)),
    Budget::new("monitors/1t", "node0, pool acquire and release", Of("node0", 3.0)),
    Budget::new("monitors/1t", WRAPPED_POOL, Beyond(&[POOL, CLOCK], 0.18)),
    Budget::new("scrape/counters/100", "node0", BestPeer(1.0)).floor(COPY),
    Budget::new("scrape/counters/1000", "node0", BestPeer(1.0)).floor(COPY),
    Budget::new("scrape/counters/1000", "node0", Of(COPY, 1.6)).floor(COPY),
    Budget::new("scrape/counters/10000", "node0", Of(COPY, 2.0)).floor(COPY),
    Budget::new("scrape/counters/10000", "node0", BestPeer(0.25)).floor(COPY),
    Budget::new("scrape/counters/100000", "node0", BestPeer(1.0)).floor(COPY),
    Budget::new("scrape/latencies/1000", "node0", BestPeer(0.7)).floor(COPY),
    Budget::new("scrape/latencies/1000", "node0", Of("measured", 0.8)).floor(COPY),
    Budget::new("scrape/native/1000", "node0", Of(TEXT, 1.0)),
    Budget::new("sampling/1000x8", "node0, idle", Nanos(50_000.0)).floor(SUMS),
    Budget::new("sampling/1000x8", "node0, busy", Nanos(5_000_000.0)).floor(LINES),
    Budget::new("sampling/1000x8", "node0, busy", Of(LINES, 1.25)).floor(LINES),
    Budget::new("history/query/24", "node0, gauges", Nanos(5e6)).floor(SCAN),
    Budget::new("history/query/24", "node0, counters", Nanos(5e6)).floor(SCAN),
    Budget::new("history/percentile/24", "node0, p95", Nanos(5e6)).floor(SCAN),
    Budget::new("history/tick/1000", "node0, with history", Nanos(1e6)).floor(VALUES),
    Budget::new("stream/100/cpu", "node0", BestPeer(1.0)).floor(RAW_FRAME),
    Budget::new("stream/1000/cpu", "node0", Of(RAW_FRAME, 1.2)),
    Budget::new("stream/1000/cpu", "node0", BestPeer(1.0)).floor(RAW_FRAME),
    Budget::new("stream/1000/memory", "node0", Bytes(3072.0)).floor(RAW_FRAME),
    Budget::new("stream/10000/cpu", "node0", Of(RAW_FRAME, 1.2)),
    Budget::new("stream/10000/delivery", "node0", Nanos(200e6)).floor(RAW_FRAME),
    Budget::new("stream/10000/memory", "node0", Bytes(3072.0)).floor(RAW_FRAME),
    Budget::new("worst-case", "node0, counter", Nanos(10_000.0)).floor(MEMORY),
    Budget::new("worst-case", "node0, latency", Nanos(10_000.0)).floor(MEMORY),
    Budget::new("worst-case", "node0, known name", Nanos(10_000.0)).floor(MEMORY),
    Budget::new("worst-case", "node0, name at the cap", Nanos(10_000.0)).floor(MEMORY),
    Budget::new("memory/counters/10000", "node0", BestPeer(1.0)),
    // The other peers keep fourteen buckets and no windows; this one has node0's resolution.
    Budget::new("memory/latencies/1000", "node0", Of("metriken sharded", 1.0)),
    Budget::new("memory/latencies/200x8", "node0", Of("metriken sharded", 1.0)),
    Budget::new("memory/latencies/200x8", "node0", Bytes(16e6)),
    Budget::new("memory/latencies/200x8/quiet", "node0", Bytes(16e6)),
    Budget::new("memory/unread", "node0, ticked", Bytes(UNNOTICED)),
    Budget::new("memory/unread", "node0, never ticked", Bytes(UNNOTICED)),
    Budget::new("memory/ledger", "node0", Bytes(MIB)),
    Budget::new("startup/counters/1000", "node0", BestPeer(1.0)),
    Budget::new("startup/latencies/200", "node0", BestPeer(1.0)),
    Budget::new("startup/service/build", "node0", Nanos(10e6)),
    Budget::new("startup/service/memory", "node0", Bytes(4.0 * MIB)),
];

/// A budget with the measured figure.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Verdict {
    pub(crate) race: &'static str,
    pub(crate) ours: &'static str,
    /// The contender whose figure the limit multiplies; `None` for a limit in the race's unit.
    pub(crate) against: Option<(String, Estimate)>,
    pub(crate) limit: f64,
    /// `true` if the limit and the figure are shares that are added to the other's time.
    pub(crate) is_share: bool,
    pub(crate) measured: Estimate,
    /// The floor of the figure and its time, if the budget has one.
    pub(crate) floor: Option<(&'static str, Estimate)>,
}

/// Returns the verdicts on a race.
///
/// # Errors
/// Fails when a budget names a contender that the race does not have.
pub(crate) fn judge(race: &Race) -> Result<Vec<Verdict>> {
    BUDGETS
        .iter()
        .filter(|budget| budget.race == race.id)
        .map(|budget| budget.judge(race))
        .collect()
}

/// Checks that every budget belongs to a race that was run.
///
/// # Errors
/// Fails when the race of a budget was not run.
pub(crate) fn cover(races: &[&str]) -> Result<()> {
    // Not every system tells the memory of a process.
    let can_run = |budget: &&Budget| Memory::now().is_some() || !budget.race.contains("memory");
    let mut budgets = BUDGETS.iter().filter(can_run);
    match budgets.find(|budget| !races.contains(&budget.race)) {
        Some(budget) => bail!("there is a budget for {}, which nobody ran", budget.race),
        None => Ok(()),
    }
}

impl Budget {
    fn judge(&self, race: &Race) -> Result<Verdict> {
        let ours = entry(race, self.ours)?;
        let is_share = matches!(self.limit, Over(..));
        let ratio = |theirs: &Entry| Estimate::of_ratio(&ours.rounds, &theirs.rounds);
        let (against, limit, measured) = match self.limit {
            BestPeer(factor) => {
                let peer = best_peer(race)?;
                (Some(named(peer, &peer.name)), factor, ratio(peer))
            }
            Of(name, factor) => {
                let theirs = entry(race, name)?;
                (Some(named(theirs, name)), factor, ratio(theirs))
            }
            Over(name, share) => {
                let theirs = entry(race, name)?;
                let measured = Estimate::of_share(&ours.rounds, &theirs.rounds);
                (Some(named(theirs, name)), share, measured)
            }
            Beyond(names, factor) => {
                let parts =
                    names.iter().map(|name| entry(race, name)).collect::<Result<Vec<_>>>()?;
                let beyond = beyond(&ours.rounds, &parts);
                let measured = Estimate::of_ratio(&beyond, &parts[0].rounds);
                let name = format!("{}, beyond it and the others apart", names[0]);
                (Some(named(parts[0], &name)), factor, measured)
            }
            Nanos(limit) | Bytes(limit) => (None, limit, Estimate::of(&ours.rounds)),
        };
        let floor =
            self.floor.map(|name| anyhow::Ok((name, Estimate::of(&entry(race, name)?.rounds))));
        let floor = floor.transpose()?;
        Ok(Verdict { race: self.race, ours: self.ours, against, limit, is_share, measured, floor })
    }
}

/// Returns a contender's figure under a name.
fn named(entry: &Entry, name: &str) -> (String, Estimate) {
    (name.to_owned(), Estimate::of(&entry.rounds))
}

/// Returns what is left of each round without the parts.
fn beyond(ours: &[f64], parts: &[&Entry]) -> Vec<f64> {
    let without = |(round, ours): (usize, &f64)| {
        ours - parts.iter().map(|part| part.rounds[round]).sum::<f64>()
    };
    ours.iter().enumerate().map(without).collect()
}

fn entry<'a>(race: &'a Race, name: &str) -> Result<&'a Entry> {
    let found = race.entries.iter().find(|entry| entry.name == name);
    found.with_context(|| format!("a budget of {} names `{name}`, who was not there", race.id))
}

fn best_peer(race: &Race) -> Result<&Entry> {
    let median = |entry: &&Entry| Estimate::of(&entry.rounds).median;
    let peers = race.entries.iter().filter(|entry| is_peer(&entry.name));
    let best = peers.min_by(|a, b| median(a).total_cmp(&median(b)));
    best.with_context(|| format!("{} had no peer", race.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn race(entries: &[(&str, &[f64])]) -> Race {
        let entry = |(name, rounds): &(&str, &[f64])| Entry {
            rounds: rounds.to_vec(),
            ..Entry::named(name)
        };
        Race::of_times("counter/held/1t", "", entries.iter().map(entry).collect())
    }

    #[test]
    fn best_peer_is_the_fastest_that_is_not_ours() {
        let race =
            race(&[("node0", &[1.0]), ("floor", &[0.1]), ("slow", &[9.0]), ("fast", &[4.0])]);
        let verdicts = judge(&race).expect("all are there");
        assert_eq!(verdicts[0].against.as_ref().map(|it| &*it.0), Some("fast"));
        assert!(verdicts[0].measured.high <= verdicts[0].limit);
    }

    #[test]
    fn verdict_has_the_interval_of_the_ratio() {
        let race = race(&[("node0", &[1.0, 1.0, 3.0]), ("peer", &[4.0, 4.0, 4.0])]);
        let verdict = judge(&race).expect("all are there").remove(0);
        assert_eq!(verdict.measured.median, 0.25);
        assert_eq!((verdict.measured.high, verdict.limit), (0.75, 0.5));
    }

    #[test]
    fn parts_apart_are_taken_off_in_each_round() {
        let part = |rounds: &[f64]| Entry { rounds: rounds.to_vec(), ..Entry::named("apart") };
        let (pool, clock) = (part(&[50.0, 100.0]), part(&[10.0, 10.0]));
        assert_eq!(beyond(&[70.0, 130.0], &[&pool, &clock]), [10.0, 20.0]);
    }

    #[test]
    fn budget_without_its_race_is_an_error() {
        let error = cover(&["counter/held/1t"]).expect_err("others have budgets too");
        assert!(error.to_string().contains("latency/held/1t"), "{error}");
    }

    #[test]
    fn budget_without_its_contender_is_an_error() {
        let error = judge(&race(&[("peer", &[4.0])])).expect_err("node0 is not there");
        assert!(error.to_string().contains("`node0`"), "{error}");
    }
}
