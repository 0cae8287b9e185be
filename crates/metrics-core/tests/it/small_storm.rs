//! The smallest storm: two threads record beside a pass that ticks, while series come and go.
//!
//! `cargo xtask prove miri` runs it under Miri, which checks each access of memory and switches
//! between threads almost anywhere. It takes Miri half a minute, so records and series are few.

use std::thread;
use std::time::Duration;

use node0_metrics_core::{Counter, Desc, Latency, Registry, View};

use crate::Bench;

const JOBS: Desc = Desc::counter("jobs_total", "Jobs.").labels(&["n"]);
const WAIT: Desc = Desc::latency("wait_seconds", "Waits.").labels(&["n"]);

const ROUNDS: u64 = 3;
const THREADS: u64 = 2;
/// The records of a thread on a series in a round.
const RECORDS: u64 = 5;

#[test]
fn records_beside_ticks_registrations_and_drops_are_all_counted() {
    let mut bench = Bench::new();
    let registry = bench.registry.clone();
    let shared = Series::register(&registry, "shared");
    for round in 1..=ROUNDS {
        let own: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let (registry, shared) = (&registry, &shared);
                    scope.spawn(move || one_of_the_storm(registry, shared, thread))
                })
                .collect();
            bench.tick();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let tick = bench.tick();
        shared.assert_counts(tick.sample.view(), THREADS * RECORDS * round);
        own.iter().for_each(|own| own.assert_counts(tick.sample.view(), RECORDS));
        drop(own);
        // The next round's series of these names are new ones, in the same cells.
        bench.tick();
    }
}

/// Records on the shared series, on one that it drops, and on one that it returns.
fn one_of_the_storm(registry: &Registry, shared: &Series, thread: u64) -> Series {
    let dropped = Series::register(registry, "dropped");
    let own = Series::register(registry, &thread.to_string());
    for record in 0..RECORDS {
        for series in [shared, &dropped, &own] {
            series.jobs.inc();
            series.wait.record(Duration::from_millis(record));
        }
    }
    own
}

struct Series {
    jobs: Counter,
    wait: Latency,
}

impl Series {
    fn register(registry: &Registry, n: &str) -> Self {
        Self {
            jobs: registry.counter(&JOBS, &[n]).expect("it is within the caps"),
            wait: registry.latency(&WAIT, &[n]).expect("it is within the caps"),
        }
    }

    /// Checks that a sample has this number of records, in whole turns of a thread.
    fn assert_counts(&self, view: View<'_>, records: u64) {
        let waits = view.latency(&self.wait).expect("it is registered");
        assert_eq!((view.counter(&self.jobs), waits.total().count()), (records, records));
        let sum = 0.001 * (records * (RECORDS - 1) / 2) as f64;
        let total = waits.total().sum();
        assert!((total - sum).abs() < 1e-9, "{total} s instead of {sum}");
    }
}
