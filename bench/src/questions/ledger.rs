//! The question: whether a whole process counts exactly, and stays as small as it is.
//!
//! Workload: ten million records a second on two threads for a minute, half of them into fifty
//! counters and half random latencies into fifty series, all chosen at random. node0's sampling
//! runs, and its server is scraped over loopback each second. Each thread keeps a ledger of its
//! own. At the end every counter, and the count and the sum of every latency, must equal it on the
//! last page; a difference of one ends the run with an error. The figure is the growth of resident
//! memory in a minute, over the last two thirds. A short run compares the totals all the same, but
//! its memory has not settled yet, so that its figure has another name and no budget. There is no
//! history, which would grow for an hour, up to a limit of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use metrics_core::{Counter, Desc, Latency};
use node0::Monitoring;
use tokio::runtime::{Builder, Runtime};

use crate::rounds::{Effort, Entry, Race, Scope, Unit};
use crate::workload::Random;
use rig::http::Client;
use rig::memory::Memory;
use rig::stopwatch;

const THREADS: u64 = 2;
const SERIES: usize = 50;
const RECORDS_PER_SECOND: u64 = 10_000_000;
/// The records of a thread between two looks at the clock.
const BATCH: u64 = 20_000;
const SECOND: Duration = Duration::from_secs(1);

const COUNTER: Desc = Desc::counter("ledger_records_total", "Records.").labels(&["series"]);
const LATENCY: Desc = Desc::latency("ledger_seconds", "Records.").labels(&["series"]);

pub(crate) fn ask(effort: Effort) -> Result<Vec<Race>> {
    if Memory::now().is_none() {
        eprintln!("ledger: skipped, because this system does not tell its memory");
        return Ok(Vec::new());
    }
    let (id, seconds) = match effort.scope {
        Scope::Full => ("memory/ledger", 60),
        Scope::Quick | Scope::Ours => ("memory/ledger/short", 12),
    };
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let _entered = runtime.enter();
    let monitoring = Monitoring::builder().without_history().build()?;
    let mut client = Client::connect(serve(&runtime, &monitoring)?)?;
    let handles = Arc::new(Handles::register(&monitoring)?);

    let start = stopwatch::now();
    let threads = (1..=THREADS).map(|seed| {
        let handles = handles.clone();
        thread::spawn(move || handles.record(Random(seed), start, seconds))
    });
    let threads: Vec<_> = threads.collect();
    let mut course = Vec::new();
    for second in 1..=seconds {
        wait_until(start, SECOND * second);
        client.fetch("/metrics")?;
        let memory = Memory::now().context("this system does not tell it")?;
        course.push((start.elapsed().as_secs_f64(), memory.resident));
    }
    let mut ledger = Ledger::default();
    for thread in threads {
        let Ok(written) = thread.join() else { bail!("a thread panicked") };
        ledger.add(&written);
    }
    let took = start.elapsed();
    ledger.compare(std::str::from_utf8(client.fetch("/metrics")?)?)?;

    let per_second = ledger.records() as f64 / took.as_secs_f64() / 1e6;
    let title = format!("Growth of a process in a minute, at {per_second:.1} M records a second");
    let rounds = growths(&course[course.len() / 3..]);
    let entries = vec![Entry { rounds, course, ..Entry::named("node0") }];
    Ok(vec![Race { id: id.to_owned(), title, unit: Unit::Bytes, entries }])
}

/// Serves node0's endpoints on loopback.
fn serve(runtime: &Runtime, monitoring: &Monitoring) -> Result<SocketAddr> {
    let router = monitoring.routes()?;
    let listener = runtime.block_on(node0::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    runtime.spawn(node0::serve(listener, monitoring.watch(router)).run());
    Ok(address)
}

/// Returns the bytes by which the memory grows in a minute, between any two moments that are half
/// the course apart.
fn growths(course: &[(f64, f64)]) -> Vec<f64> {
    let half = course.len() / 2;
    let pairs = course.iter().zip(&course[half..]);
    pairs.map(|((from, before), (to, after))| (after - before) / (to - from) * 60.0).collect()
}

fn wait_until(start: Instant, elapsed: Duration) {
    while let Some(left) = elapsed.checked_sub(start.elapsed()).filter(|left| !left.is_zero()) {
        thread::park_timeout(left);
    }
}

struct Handles {
    counters: Vec<Counter>,
    latencies: Vec<Latency>,
}

impl Handles {
    fn register(monitoring: &Monitoring) -> Result<Self> {
        let (mut counters, mut latencies) = (Vec::new(), Vec::new());
        for series in 0..SERIES {
            let label = series.to_string();
            counters.push(monitoring.registry().counter(&COUNTER, &[&label])?);
            latencies.push(monitoring.registry().latency(&LATENCY, &[&label])?);
        }
        Ok(Self { counters, latencies })
    }

    /// Records at an even pace, and returns what was recorded.
    fn record(&self, mut random: Random, start: Instant, seconds: u32) -> Ledger {
        let mut ledger = Ledger::default();
        let all = RECORDS_PER_SECOND / THREADS * u64::from(seconds);
        for batch in 0..all / BATCH {
            for _ in 0..BATCH / 2 {
                let series = random.draw() as usize % SERIES;
                self.counters[series].inc();
                ledger.counts[series] += 1;

                let chosen = random.draw();
                let (series, nanos) = (chosen as usize % SERIES, nanos(chosen));
                self.latencies[series].record(Duration::from_nanos(nanos));
                ledger.samples[series] += 1;
                ledger.nanos[series] += nanos;
            }
            wait_until(start, SECOND * seconds * (batch as u32 + 1) / (all / BATCH) as u32);
        }
        ledger
    }
}

/// Returns a latency between a microsecond and a second, each octave equally likely.
fn nanos(random: u64) -> u64 {
    let octave = 10 + (random >> 32) % 20;
    (1 << octave) + (random >> 40) % (1 << octave)
}

/// What was recorded into each series.
struct Ledger {
    counts: [u64; SERIES],
    samples: [u64; SERIES],
    nanos: [u64; SERIES],
}

impl Default for Ledger {
    fn default() -> Self {
        Self { counts: [0; SERIES], samples: [0; SERIES], nanos: [0; SERIES] }
    }
}

impl Ledger {
    fn add(&mut self, other: &Self) {
        for series in 0..SERIES {
            self.counts[series] += other.counts[series];
            self.samples[series] += other.samples[series];
            self.nanos[series] += other.nanos[series];
        }
    }

    fn records(&self) -> u64 {
        self.counts.iter().chain(&self.samples).sum()
    }

    /// # Errors
    /// Fails when a page of Prometheus text has another total.
    fn compare(&self, page: &str) -> Result<()> {
        for series in 0..SERIES {
            let on_page = |name: &str| -> Result<f64> {
                let start = format!("{name}{{series=\"{series}\"}} ");
                let line = page.lines().find_map(|line| line.strip_prefix(&*start));
                Ok(line.with_context(|| format!("no {start}on the page"))?.parse()?)
            };
            let nanos = on_page("ledger_seconds_sum")? * 1e9;
            let read = [
                (on_page("ledger_records_total")?, self.counts[series]),
                (on_page("ledger_seconds_count")?, self.samples[series]),
                (nanos.round(), self.nanos[series]),
            ];
            for (page, ledger) in read {
                ensure!(
                    page == ledger as f64,
                    "series {series}: the page has {page}, not {ledger}"
                );
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_with_another_total_is_an_error() {
        let line = |name: &str, series: usize, value: &str| {
            format!("{name}{{series=\"{series}\"}} {value}\n")
        };
        let page = |last: &str| -> String {
            let of_one = |series| {
                let value = if series == SERIES - 1 { last } else { "0" };
                line("ledger_records_total", series, value)
                    + &line("ledger_seconds_count", series, "0")
                    + &line("ledger_seconds_sum", series, "0")
            };
            (0..SERIES).map(of_one).collect()
        };
        let ledger = Ledger::default();
        assert!(ledger.compare(&page("0")).is_ok());
        let error = ledger.compare(&page("1")).expect_err("nothing was recorded");
        assert!(error.to_string().starts_with("series 49: the page has 1"), "{error}");
        assert!(ledger.compare("").is_err());
    }

    #[test]
    fn growth_is_that_of_a_minute() {
        let course: Vec<_> =
            (0..8).map(|at| (f64::from(at), 1e6 + f64::from(at) * 100.0)).collect();
        assert_eq!(growths(&course), [6000.0; 4]);
    }
}
