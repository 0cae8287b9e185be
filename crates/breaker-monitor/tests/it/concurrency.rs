//! Totals are exact while eight threads record.

use std::sync::Barrier;
use std::thread;

use node0_breaker_monitor::Thresholds;

use crate::bench::{Bench, ms, number, outcomes, sum_millis};

const THREADS: u64 = 8;
const ROUNDS: u64 = 10_000;

fn on_all_threads(work: impl Fn(u64) + Sync) {
    let start = Barrier::new(THREADS as usize);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (work, start) = (&work, &start);
            scope.spawn(move || {
                start.wait();
                work(thread);
            });
        }
    });
}

#[test]
fn calls_of_eight_threads_are_counted_exactly() {
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    let by_name = bench.monitor.clone();
    on_all_threads(|thread| {
        let circuit = circuit.clone();
        for round in 0..ROUNDS {
            match (thread + round) % 5 {
                0 => circuit.success(ms(1)),
                1 => circuit.failure(ms(1), "connect"),
                2 => by_name.record_timeout("payments", ms(1)),
                3 => circuit.rejected(),
                _ => drop(circuit.start()),
            }
        }
    });
    let sample = bench.registry.read();
    let each = THREADS * ROUNDS / 5;
    assert_eq!(outcomes(&sample, "payments"), [each; 5]);
    assert_eq!(sum_millis(&sample, "payments").round(), (3 * each) as f64);
    let labels = [("circuit", "payments"), ("kind", "connect")];
    assert_eq!(number(&sample, "circuit_breaker_failures_total", &labels), each as f64);
}

#[test]
fn run_of_failures_of_eight_threads_is_exact() {
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    on_all_threads(|_| (0..ROUNDS).for_each(|_| circuit.failure(ms(1), "error")));
    let metrics = bench.metrics("payments");
    assert_eq!(metrics.consecutive_failures, THREADS * ROUNDS);
    assert_eq!(metrics.peak_consecutive_failures, THREADS * ROUNDS);
    circuit.success(ms(1));
    assert_eq!(bench.metrics("payments").consecutive_failures, 0);
}

#[test]
fn circuits_come_and_go_while_others_are_recorded_and_read() {
    let bench = Bench::new();
    let stays = bench.circuit("stays");
    on_all_threads(|thread| {
        let name = format!("circuit-{thread}");
        for round in 0..100 {
            // Nobody else has this name, so it is free each time, whoever reads.
            let circuit = bench.monitor.circuit(&name, Thresholds::default()).unwrap();
            circuit.success(ms(1));
            stays.success(ms(1));
            if round % 10 == thread {
                bench.monitor.assess_all(&bench.registry.read());
            }
        }
    });
    assert_eq!(bench.metrics("stays").successes, THREADS * 100);
    assert_eq!(bench.monitor.circuits(), ["stays"]);
}
