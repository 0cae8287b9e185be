//! The question: the memory that metrics take.
//!
//! Each contender is measured in processes of its own: the growth of the process from before the
//! first metric until after a scrape. *Resident* is what the system counts, *heap* is what the
//! allocator has given out.
//!
//! Workloads, all with three labels and, for latencies, fourteen buckets:
//!
//! - Ten thousand counters, and a thousand latencies with two hundred samples each, on one thread:
//!   the bytes of one.
//! - Two hundred latencies of eight living threads, each with 1600 samples a second for five
//!   seconds; a window has the samples of the last second.
//! - The same, *quiet*, with three samples a second for more than five minutes. No other rate gives
//!   larger windows: a lower one has fewer samples in five minutes, and at a higher one a window
//!   has its thousand samples after fewer seconds.
//! - Ten million samples of one latency that nobody scrapes: the growth after the first six million,
//!   which has touched all buckets and filled the windows. It has to be none. node0 and metrics
//!   have work that a service does each second, and are also measured without it.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};

use crate::held::{HOLDERS, Held, Holder};
use crate::peers::{metrics, node0};
use crate::pool::{Job, Pool};
use crate::rounds::{Effort, Race, Unit};
use crate::specimen::{self, Specimen};
use crate::workload;
use rig::memory::Memory;

const COUNTERS: &str = "memory/counters/10000";
const LATENCIES: &str = "memory/latencies/1000";
const BUSY: &str = "memory/latencies/200x8";
const QUIET: &str = "memory/latencies/200x8/quiet";
const UNREAD: &str = "memory/unread";

pub(crate) const SPECIMENS: &[Specimen] = &[
    Specimen { race: QUIET, measure: quiet },
    Specimen { race: COUNTERS, measure: counters },
    Specimen { race: LATENCIES, measure: latencies },
    Specimen { race: BUSY, measure: busy },
    Specimen { race: UNREAD, measure: unread },
];

pub(crate) fn ask(effort: Effort) -> Result<Vec<Race>> {
    if Memory::now().is_none() {
        eprintln!("memory: skipped, because this system does not tell it");
        return Ok(Vec::new());
    }
    let all: Vec<_> = HOLDERS.iter().map(|holder| holder.name).collect();
    let with_counters = HOLDERS.iter().filter(|holder| holder.counters.is_some());
    let with_counters: Vec<_> = with_counters.map(|holder| holder.name).collect();
    let unread: Vec<_> = all.iter().flat_map(|name| forms_of(name)).collect();
    let unread: Vec<_> = unread.iter().map(|name| &**name).collect();
    let mut races = Vec::new();
    for (race, title, contenders) in [
        (COUNTERS, "Memory of a counter, of 10000", &with_counters),
        (LATENCIES, "Memory of a latency, of 1000", &all),
        (BUSY, "Memory of 200 latencies x 8 threads", &all),
        (QUIET, "Memory of 200 quiet latencies x 8 threads", &all),
        (UNREAD, "Growth by 10 million samples that nobody reads", &unread),
    ] {
        let figures = specimen::in_rounds(race, contenders, effort)?;
        for (entries, kind) in figures.into_iter().zip(["", "/heap"]) {
            let title = format!("{title}{}", if kind.is_empty() { ", resident" } else { ", heap" });
            races.push(Race { id: format!("{race}{kind}"), title, unit: Unit::Bytes, entries });
        }
    }
    Ok(races)
}

fn counters(contender: &str) -> Result<Vec<f64>> {
    const COUNT: usize = 10_000;
    let register = holder(contender)?.counters.context("it has no counters")?;
    grown(COUNT, COUNT, || {
        let held = register(COUNT);
        (held.record)(0);
        held
    })
}

fn latencies(contender: &str) -> Result<Vec<f64>> {
    const COUNT: usize = 1000;
    const EACH: usize = 200;
    let register = holder(contender)?.latencies;
    grown(COUNT, COUNT * EACH, || {
        let held = register(COUNT);
        (0..EACH).for_each(|n| (held.record)(n * 7));
        held
    })
}

fn busy(contender: &str) -> Result<Vec<f64>> {
    const EACH: usize = 200;
    of_threads(contender, 5, THREADS * EACH, |record, thread, second| {
        (0..EACH).for_each(|n| record(n + 7 * (thread + second)));
    })
}

fn quiet(contender: &str) -> Result<Vec<f64>> {
    /// Longer than the longest window.
    const SECONDS: usize = 320;
    /// The threads that record in a second, each of the eight in turn.
    const RECORDING: usize = 3;
    of_threads(contender, SECONDS, RECORDING, |record, thread, second| {
        if (thread + second) % THREADS < RECORDING {
            record(7 * thread + second);
        }
    })
}

const THREADS: usize = 8;

/// Measures two hundred latencies into which eight threads record for some seconds, by a function
/// of the thread and the second; `each` is the number of samples of a latency in a second.
fn of_threads(
    contender: &str,
    seconds: usize,
    each: usize,
    record: fn(&dyn Fn(usize), usize, usize),
) -> Result<Vec<f64>> {
    const COUNT: usize = 200;
    let register = holder(contender)?.latencies;
    let pool = Pool::new(THREADS);
    // Starts the threads, whose stacks are not the library's.
    let idle: Job = Arc::new(|_| ());
    pool.run(&idle);
    grown(1, COUNT * seconds * each, || {
        let mut held = register(COUNT);
        for second in 0..seconds {
            let once = held.record.clone();
            let job: Job = Arc::new(move |thread| record(&*once, thread, second));
            pool.run(&job);
            (held.tick)();
        }
        held
    })
}

/// The ends of the names of a library with and without what it does each second in a service.
const TICKED: &str = ", ticked";
const NEVER_TICKED: &str = ", never ticked";

/// Returns the names of the forms in which a library is measured while nobody reads.
fn forms_of(name: &str) -> Vec<String> {
    match name {
        node0::NAME | metrics::NAME => {
            [TICKED, NEVER_TICKED].map(|end| format!("{name}{end}")).into()
        }
        _ => vec![name.to_owned()],
    }
}

fn unread(contender: &str) -> Result<Vec<f64>> {
    /// The samples of a second. The first seconds are more than a window has.
    const SECOND: usize = 20_000;
    const FIRST: usize = 320 * SECOND;
    const ALL: usize = 10_000_000;
    let is_ticked = !contender.ends_with(NEVER_TICKED);
    let name = [NEVER_TICKED, TICKED].iter().find_map(|end| contender.strip_suffix(end));
    let mut held = (holder(name.unwrap_or(contender))?.latencies)(1);
    let mut record = |from: usize| {
        (from..from + SECOND).for_each(|n| (held.record)(n));
        if is_ticked {
            (held.tick)();
        }
    };
    (0..FIRST).step_by(SECOND).for_each(&mut record);
    let before = now()?;
    (FIRST..FIRST + ALL).step_by(SECOND).for_each(record);
    let after = now()?;
    let recorded = (held.scrape)();
    ensure!(recorded == (FIRST + ALL) as u64, "recorded {recorded}");
    let grown = after.since(before);
    Ok(vec![grown.resident, grown.heap])
}

/// Returns the growth of this process by metrics that were recorded and scraped, for each of `parts`.
fn grown(parts: usize, records: usize, build: impl FnOnce() -> Held) -> Result<Vec<f64>> {
    // The values of the workload are drawn at their first use, and are nobody's memory.
    let _drawn = (workload::nanos(), workload::seconds(), workload::durations());
    let before = now()?;
    let mut held = build();
    (held.tick)();
    let recorded = (held.scrape)();
    ensure!(recorded == records as u64, "recorded {recorded} of {records}");
    let grown = now()?.since(before).of_one(parts);
    Ok(vec![grown.resident, grown.heap])
}

fn now() -> Result<Memory> {
    // The first look loads code, which is resident too.
    let memory = Memory::now().and_then(|_| Memory::now());
    memory.context("this system does not tell it")
}

fn holder(name: &str) -> Result<&'static Holder> {
    let holder = HOLDERS.iter().find(|holder| holder.name == name);
    holder.with_context(|| format!("nobody is called `{name}`"))
}
