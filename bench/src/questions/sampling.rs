//! The question: the cost of a sampling pass, which node0 makes every second, scraped or not.
//!
//! Workload: a thousand latency series, into each of which eight living threads have
//! recorded. Before a busy pass every thread records four different values into every
//! series; before an idle pass none does. The registry's clock advances a second with each
//! pass, so that windows age as in a service. A pass has to add up the cells of all threads:
//! if it exceeds its budget, node0 has only moved the cost of a record into the pass.

use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use metrics_core::{ManualClock, Registry, Ticker};

use crate::floors::Lines;
use crate::peers::node0;
use crate::pool::{Job, Pool};
use crate::rounds::{Contender, Effort, Race, race};
use crate::workload::{self, VALUES};

const THREADS: usize = 8;
const SERIES: usize = 1000;
const VALUES_EACH: usize = 4;
/// The number of records of all threads before a busy pass.
const RECORDS: u64 = (THREADS * SERIES * VALUES_EACH) as u64;

pub(crate) fn ask(effort: Effort) -> Result<Vec<Race>> {
    rig::pin(0);
    let sampled = Rc::new(RefCell::new(Sampled::new()));
    let (busy, idle) = (sampled.clone(), sampled.clone());
    let (busy_act, idle_act) = (sampled.clone(), sampled.clone());
    let lines = Lines::new(THREADS, SERIES, workload::nanos());
    let contenders = vec![
        Contender::acting(
            "node0, idle",
            move || {
                idle.borrow().clock.advance(Duration::from_secs(1));
                0
            },
            move || drop(idle_act.borrow_mut().ticker.tick()),
            || 0,
        ),
        Contender::acting(
            "node0, busy",
            move || {
                busy.borrow().clock.advance(Duration::from_secs(1));
                busy.borrow().record()
            },
            move || drop(busy_act.borrow_mut().ticker.tick()),
            move || node0::samples(&sampled.borrow().registry, "http_request_seconds"),
        ),
        idle_floor(&lines),
        busy_floor(&lines),
    ];
    let title = "Sampling pass, 1000 latencies x 8 threads";
    Ok(vec![race("sampling/1000x8", title, &Pool::new(1), effort, contenders)?])
}

/// The floor of an idle pass: finds that no series has changed, and writes a value for each.
fn idle_floor(lines: &Arc<Lines>) -> Contender {
    let lines = lines.clone();
    Contender::acting("floor, sums and values", || 0, move || lines.publish_idle(), || 0)
}

/// The floor of a busy pass: adds up buckets after the same records of the same threads.
fn busy_floor(lines: &Arc<Lines>) -> Contender {
    let (threads, next) = (Pool::new(THREADS), Arc::new(AtomicUsize::new(0)));
    let (written, added, read) = (lines.clone(), lines.clone(), lines.clone());
    let job: Job = Arc::new(move |thread| {
        let values = workload::nanos();
        for series in 0..SERIES {
            let from = next.fetch_add(VALUES_EACH, Ordering::Relaxed);
            (from..from + VALUES_EACH)
                .for_each(|i| written.record(thread, series, values[i % VALUES]));
        }
    });
    Contender::acting(
        "floor, lines alone",
        move || {
            threads.run(&job);
            RECORDS
        },
        move || {
            black_box(added.add_up_lines());
        },
        move || read.add_up_lines(),
    )
}

/// A registry with the threads that record into it.
struct Sampled {
    registry: Registry,
    ticker: Ticker,
    clock: ManualClock,
    threads: Pool,
    /// The job that records on one thread.
    job: Job,
}

impl Sampled {
    fn new() -> Self {
        let clock = ManualClock::new();
        let registry = node0::registry(|builder| builder.clock(clock.clock()));
        let ticker = registry.ticker().expect("it is the first");
        let latencies: Vec<_> = (0..SERIES).map(|i| node0::latency_at(&registry, i)).collect();
        let next = AtomicUsize::new(0);
        let job: Job = Arc::new(move |_| {
            let values = workload::durations();
            for latency in &latencies {
                let from = next.fetch_add(VALUES_EACH, Ordering::Relaxed);
                (from..from + VALUES_EACH).for_each(|i| latency.record(values[i % VALUES]));
            }
        });
        Self { registry, ticker, clock, threads: Pool::new(THREADS), job }
    }

    fn record(&self) -> u64 {
        self.threads.run(&self.job);
        RECORDS
    }
}
