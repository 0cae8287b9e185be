//! The question: the longest time that a record makes its caller wait.
//!
//! Workload: a new thread records once, in a process with a thousand counters and two
//! hundred latencies. All threads stay alive to the end, because the next thread would
//! otherwise reuse the cells of one that ended and not need to allocate. The figure of a
//! round is the median of its threads; the tail is taken over all rounds. Names at the cap
//! are new each time, like names from user input. Of the two peers, one shares its cells
//! among threads, which shows the cost of a new thread by itself; the other has cells per
//! thread, as node0 has. The floor allocates memory only.
//!
//! A tick prepares cells for threads that start before the next one. In the first race there
//! is a tick before every eight threads. In the second there is none, so that each thread
//! has to make its cells, as when many threads start at once or the registry is not ticked.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, RwLock};
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use metrics_core::Registry;
use performance_monitor::{OPERATION_DURATION, PerformanceMonitor};

use crate::floors;
use crate::peers::node0;
use crate::rounds::{Effort, Entry, Race};
use rig::stats::{quantile, sorted};
use rig::stopwatch;

const THREADS_PER_ROUND: usize = 8;
const COUNTERS: usize = 1000;
const LATENCIES: usize = 200;
const TOOK: Duration = Duration::from_millis(3);

/// A way to record once; its argument is the number of threads that recorded before.
struct Case {
    name: &'static str,
    record: Arc<dyn Fn(usize) + Send + Sync>,
    recorded: Box<dyn Fn() -> u64>,
}

pub(crate) fn ask(effort: Effort) -> Result<Vec<Race>> {
    // Keeps the threads of both races alive: the second race must not reuse the cells that
    // the threads of the first would return.
    let alive = Arc::new(RwLock::new(()));
    let _ended = alive.write().expect("nobody panics");
    // The race without a tick comes first, so that it finds no cells that a tick prepared.
    let unprepared = race(effort, Cells::Made, &alive)?;
    Ok(vec![race(effort, Cells::Ready, &alive)?, unprepared])
}

/// The state of the cells for a new thread: prepared by a tick, or made as it records.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cells {
    Ready,
    Made,
}

fn race(effort: Effort, cells: Cells, alive: &Arc<RwLock<()>>) -> Result<Race> {
    let registry = node0::registry(|builder| builder);
    let _counters: Vec<_> = (0..COUNTERS).map(|i| node0::counter_at(&registry, i)).collect();
    let _latencies: Vec<_> = (0..LATENCIES).map(|i| node0::latency_at(&registry, i)).collect();
    let cases = [
        counter(&registry),
        latency(&registry),
        known_name(),
        new_name(effort),
        name_at_cap(effort),
        peer_counter(),
        peer_latency(),
        floor(),
    ];

    let mut ticker = registry.ticker().expect("it is the first");
    let mut entries = cases.each_ref().map(|case| Entry::named(case.name));
    for round in 0..effort.rounds {
        for place in 0..cases.len() {
            let turn = (round + place) % cases.len();
            let (case, entry) = (&cases[turn], &mut entries[turn]);
            let before = entry.singles.len();
            if cells == Cells::Ready {
                ticker.tick();
            }
            for number in before..before + THREADS_PER_ROUND {
                entry.singles.push(on_a_fresh_thread(&case.record, number, alive));
            }
            let took = sorted(&entry.singles[before..]);
            entry.rounds.push(quantile(&took, 0.5));
        }
    }
    for case in &cases {
        let (recorded, put_in) = ((case.recorded)(), effort.rounds * THREADS_PER_ROUND);
        ensure!(recorded == put_in as u64, "{}: recorded {recorded} of {put_in}", case.name);
    }
    let (id, title) = match cells {
        Cells::Ready => ("worst-case", "First touch on a fresh thread, and names at the cap"),
        Cells::Made => ("worst-case/unprepared", "The same where nothing lies ready"),
    };
    Ok(Race::of_times(id, title, entries.into()))
}

/// Times one record on a new thread, which then waits for the end of the question.
fn on_a_fresh_thread(
    record: &Arc<dyn Fn(usize) + Send + Sync>,
    number: usize,
    alive: &Arc<RwLock<()>>,
) -> f64 {
    let (report, took) = channel();
    let (record, alive) = (record.clone(), alive.clone());
    let thread = thread::Builder::new().stack_size(128 << 10);
    let spawned = thread.spawn(move || {
        rig::pin(number);
        // Uses the clock and the allocator once before the measurement, because a thread
        // that has something to record has used both before.
        stopwatch::time(|| drop(black_box(vec![0_u8; 64])));
        let took = stopwatch::time(|| record(number));
        let _ = report.send(took);
        let _ended = alive.read();
    });
    spawned.expect("there is room for a thread");
    took.recv().expect("it reports").as_nanos() as f64
}

/// Measures the floor: a thread's first use of fresh memory, without a metrics library.
fn floor() -> Case {
    let filled = Arc::new(AtomicU64::new(0));
    let same = filled.clone();
    Case {
        name: "floor, fresh memory alone",
        record: Arc::new(move |_| {
            floors::fill();
            filled.fetch_add(1, Ordering::Relaxed);
        }),
        recorded: Box::new(move || same.load(Ordering::Relaxed)),
    }
}

/// Measures a peer whose threads share their cells, so that a new thread allocates nothing.
fn peer_counter() -> Case {
    let counter: prometheus_client::metrics::counter::Counter = Default::default();
    let same = counter.clone();
    let record = move |_| {
        counter.inc();
    };
    let recorded = Box::new(move || same.get());
    Case { name: "prometheus-client, counter", record: Arc::new(record), recorded }
}

/// Measures a peer with cells per thread, as node0 has.
fn peer_latency() -> Case {
    let histogram = Arc::new(metriken::ShardedCounterHistogram::new(7, 40));
    let same = histogram.clone();
    let nanos = TOOK.as_nanos() as u64;
    Case {
        name: "metriken sharded, latency",
        record: Arc::new(move |_| histogram.increment(nanos).expect("it is in range")),
        recorded: Box::new(move || same.load().map_or(0, |loaded| loaded.as_slice().iter().sum())),
    }
}

fn counter(registry: &Registry) -> Case {
    let counter = node0::counter_at(registry, COUNTERS);
    let same = counter.clone();
    Case {
        name: "node0, counter",
        record: Arc::new(move |_| counter.inc()),
        recorded: Box::new(move || same.total()),
    }
}

fn latency(registry: &Registry) -> Case {
    let latency = node0::latency_at(registry, LATENCIES);
    let registry = registry.clone();
    Case {
        name: "node0, latency",
        record: Arc::new(move |_| latency.record(TOOK)),
        // The two hundred other latencies are registered and never recorded into.
        recorded: Box::new(move || node0::samples(&registry, "http_request_seconds")),
    }
}

/// Measures a record by a name that another thread has used before.
fn known_name() -> Case {
    let registry = node0::registry(|builder| builder);
    let performance = PerformanceMonitor::register(&registry).expect("it is the first");
    let handle = performance.latency("checkout").expect("there is room");
    Case {
        name: "node0, known name",
        record: Arc::new(move |_| {
            let _ = &handle;
            performance.record_latency("checkout", TOOK);
        }),
        recorded: Box::new(move || node0::samples(&registry, OPERATION_DURATION.name())),
    }
}

/// Measures a record by a new name, which registers it.
fn new_name(effort: Effort) -> Case {
    let registry = node0::registry(|builder| builder);
    let performance = PerformanceMonitor::register(&registry).expect("it is the first");
    let names = names(effort);
    Case {
        name: "node0, new name",
        record: Arc::new(move |number| performance.record_latency(&names[number], TOOK)),
        recorded: Box::new(move || node0::samples(&registry, OPERATION_DURATION.name())),
    }
}

/// Measures a record by a new name when the cap on series is reached.
fn name_at_cap(effort: Effort) -> Case {
    let registry = node0::registry(|builder| builder.max_histograms_per_family(LATENCIES));
    let performance = PerformanceMonitor::register(&registry).expect("it is the first");
    let held: Vec<_> = (0..LATENCIES)
        .map(|i| performance.latency(&format!("operation {i}")).expect("there is room"))
        .collect();
    let names = names(effort);
    Case {
        name: "node0, name at the cap",
        record: Arc::new(move |number| {
            let _ = &held;
            performance.record_latency(&names[number], TOOK);
        }),
        recorded: Box::new(move || node0::samples(&registry, OPERATION_DURATION.name())),
    }
}

fn names(effort: Effort) -> Vec<String> {
    (0..effort.rounds * THREADS_PER_ROUND).map(|i| format!("customer {i}")).collect()
}
