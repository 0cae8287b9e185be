//! The question: the cost of the past, to keep it and to ask for it.
//!
//! Workload: an hour of 24 gauges that wander with all their digits, 24 counters that fluctuate, and
//! 24 latencies of two hundred values a second in some four hundred buckets. A query asks for this
//! hour in steps of ten seconds, as a page with 24 charts does; of latencies, for a percentile that is
//! stored, or for one that is not. The floor has every value of each second in memory, and makes means
//! of ten and copies them. A tick is that of a thousand counters, with a history and without one; its
//! floor copies their values.

use std::hint::black_box;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Result;
use history::{History, Query};
use metrics_core::{Counter, Desc, ManualClock, Registry};
use rig::stopwatch;

use crate::pool::Pool;
use crate::rounds::{Contender, Effort, Entry, Race, race};

const SECOND: Duration = Duration::from_secs(1);
const STEP: usize = 10;
const POINTS: usize = 360;
const CHARTS: usize = 24;
const SERIES: usize = 1000;
/// The ticks of a round.
const TICKS: u32 = 200;

const LEVEL: Desc = Desc::gauge("level", "A level.").labels(&["n"]);
const JOBS: Desc = Desc::counter("jobs_total", "Jobs.").labels(&["n"]);
const WORK: Desc = Desc::latency("work_seconds", "Work.").labels(&["n"]);

pub(crate) fn ask(effort: Effort) -> Result<Vec<Race>> {
    rig::pin(0);
    let pool = Pool::new(1);
    let history = Rc::new(hour());
    let ask = |name, query: Query| {
        let history = history.clone();
        Contender::acting(name, || 0, move || drop(black_box(history.query(&query))), || 0)
    };
    let query = |metric| Query::new(metric).last(SECOND * 3600).step(SECOND * STEP as u32);
    let title = "Ask for an hour of 24 series";
    let contenders = vec![
        ask("node0, gauges", query("level")),
        ask("node0, counters", query("jobs_total")),
        scan(),
    ];
    let mut races = vec![race("history/query/24", title, &pool, effort, contenders)?];
    let title = "Ask for a percentile of an hour of 24 latencies";
    let contenders = vec![
        ask("node0, p95", query("work_seconds").quantile(0.95)),
        // It is not stored, so that all counts of the hour are decoded.
        ask("node0, p97", query("work_seconds").quantile(0.97)),
        scan(),
    ];
    races.push(race("history/percentile/24", title, &pool, effort, contenders)?);
    races.push(ticks(effort));
    Ok(races)
}

/// Makes an hour of the workload.
fn hour() -> History {
    let clock = ManualClock::new();
    let registry = Registry::builder().clock(clock.clock()).build();
    let history = History::register(&registry).expect("it is the first");
    let mut ticker = registry.ticker().expect("it is the first");
    let labels: Vec<String> = (0..CHARTS).map(|n| n.to_string()).collect();
    let level = |n: &String| registry.gauge(&LEVEL, &[n]).expect("it is valid");
    let jobs = |n: &String| registry.counter(&JOBS, &[n]).expect("it is valid");
    let work = |n: &String| registry.latency(&WORK, &[n]).expect("it is valid");
    let levels: Vec<_> = labels.iter().map(level).collect();
    let counters: Vec<_> = labels.iter().map(jobs).collect();
    let latencies: Vec<_> = labels.iter().map(work).collect();
    let mut random = random();
    let mut value = 100.0;
    for _ in 0..POINTS * STEP {
        for level in &levels {
            value *= 1.0 + 0.01 * (random() - 0.5);
            level.set(value);
        }
        counters.iter().for_each(|jobs| jobs.add(30 + (random() * 40.0) as u64));
        for work in &latencies {
            for _ in 0..200 {
                let bell = (0..4).map(|_| random()).sum::<f64>() - 2.0;
                work.record_nanos((1e7 * (1.2 * bell).exp()) as u64);
            }
        }
        clock.advance(SECOND);
        ticker.tick();
    }
    history
}

/// Returns a generator of numbers from 0 to 1, the same in each run (xorshift).
fn random() -> impl FnMut() -> f64 {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The floor of a query: means of values that are in memory.
fn scan() -> Contender {
    let mut random = random();
    let seconds: Vec<f64> = (0..CHARTS * POINTS * STEP).map(|_| random()).collect();
    let mean = |step: &[f64]| step.iter().sum::<f64>() / STEP as f64;
    let act = move || drop(black_box(seconds.chunks(STEP).map(mean).collect::<Vec<_>>()));
    Contender::acting("floor, scan and copy", || 0, act, || 0)
}

/// A contender: its name, its tick, and the nanoseconds by round.
type Ticked = (&'static str, Box<dyn FnMut()>, Vec<f64>);

/// Measures ticks by the processor time of all threads, since observers have a thread of their own.
fn ticks(effort: Effort) -> Race {
    let values = vec![1.0_f64; SERIES];
    let copy = move || drop(black_box(black_box(&values).clone()));
    let mut contenders: [Ticked; 3] = [
        ("node0, with history", Box::new(tick(true)), Vec::new()),
        ("node0, without", Box::new(tick(false)), Vec::new()),
        ("floor, copy of the values", Box::new(copy), Vec::new()),
    ];
    for _ in 0..effort.rounds {
        for (_, act, rounds) in &mut contenders {
            let spent = of_process(|| (0..TICKS).for_each(|_| act()));
            rounds.push(spent / f64::from(TICKS));
        }
    }
    let entry = |(name, _, rounds)| Entry { rounds, ..Entry::named(name) };
    let title = "A tick of 1000 counters, with what is recorded in it";
    Race::of_times("history/tick/1000", title, contenders.map(entry).into())
}

/// Returns the nanoseconds that all threads worked meanwhile; without such a clock, the wall time.
fn of_process(work: impl FnOnce()) -> f64 {
    let before = stopwatch::process_nanos();
    let wall = stopwatch::time(work);
    match (before, stopwatch::process_nanos()) {
        (Some(before), Some(after)) => (after - before) as f64,
        _ => wall.as_nanos() as f64,
    }
}

/// Makes a tick of counters that all rise.
fn tick(is_kept: bool) -> impl FnMut() {
    let clock = ManualClock::new();
    let registry = Registry::builder().clock(clock.clock()).build();
    if is_kept {
        History::register(&registry).expect("it is the first");
    }
    let register = |n: usize| registry.counter(&JOBS, &[&n.to_string()]).expect("there is room");
    let counters: Vec<Counter> = (0..SERIES).map(register).collect();
    let mut ticker = registry.ticker().expect("it is the first");
    let mut random = random();
    move || {
        counters.iter().for_each(|jobs| jobs.add((random() * 40.0) as u64));
        clock.advance(SECOND);
        ticker.tick();
    }
}
