//! Thousands of callers that come, give up and come back in random order, from a fixed seed.

use std::sync::atomic::Ordering;
use std::task::Poll;

use super::fake::{Held, Wait, poll};
use crate::bench::{Bench, POOL, ms, number};

/// A SplitMix64 generator: the same numbers on every machine.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit as u64) as usize
    }
}

/// The callers' own counts.
#[derive(Default, Debug, PartialEq)]
struct Ledger {
    acquired: f64,
    failed: f64,
    cancelled: f64,
}

#[test]
fn counts_are_the_callers_own_after_random_cancellations() {
    let mut bench = Bench::new();
    let (pool, script) = bench.build("main", 3);
    let mut random = Random(7);
    let mut waits: Vec<Wait<'_>> = Vec::new();
    let mut held: Vec<Held> = Vec::new();
    let mut own = Ledger::default();
    let mut attempts = 0;
    while attempts < 5000 || !waits.is_empty() {
        bench.pass(ms(1));
        match random.below(6) {
            0 if attempts < 5000 && waits.len() < 8 => {
                attempts += 1;
                waits.push(Box::pin(pool.get()));
                let newest = waits.len() - 1;
                step(&mut waits, newest, &mut held, &mut own);
            }
            1 | 2 if !waits.is_empty() => {
                let at = random.below(waits.len());
                step(&mut waits, at, &mut held, &mut own);
            }
            3 if !waits.is_empty() => {
                let at = random.below(waits.len());
                drop(waits.swap_remove(at));
                own.cancelled += 1.0;
            }
            4 if !held.is_empty() => {
                let at = random.below(held.len());
                drop(held.swap_remove(at));
            }
            5 => upset(&script, random.below(6)),
            _ => {}
        }
    }
    held.clear();

    let sample = bench.tick();
    let outcome =
        |outcome| number(&sample, "db_client_acquires_total", &[POOL, ("outcome", outcome)]);
    let counted = Ledger {
        acquired: outcome("acquired"),
        failed: outcome("failed"),
        cancelled: outcome("cancelled"),
    };
    assert_eq!(counted, own);
    assert!(own.cancelled > 500.0 && own.failed > 50.0 && own.acquired > 500.0, "{own:?}");
    assert_eq!(own.acquired + own.failed + own.cancelled, 5000.0);
    assert_eq!(number(&sample, "db_client_wait_duration_seconds", &[POOL]), 5000.0);
    assert_eq!(number(&sample, "db_client_use_duration_seconds", &[POOL]), own.acquired);
    for nobody in ["db_client_pending_requests", "db_client_connecting_requests"] {
        assert_eq!(number(&sample, nobody, &[POOL]), 0.0, "{nobody}");
    }
    for nothing in ["db_client_oldest_use_age_seconds", "db_client_oldest_wait_age_seconds"] {
        assert!(number(&sample, nothing, &[POOL]).is_nan(), "{nothing}");
    }
    check_connections_balance(&bench, &sample);
}

fn step(waits: &mut Vec<Wait<'_>>, at: usize, held: &mut Vec<Held>, own: &mut Ledger) {
    match poll(waits[at].as_mut()) {
        Poll::Pending => return,
        Poll::Ready(Ok(object)) => {
            held.push(object);
            own.acquired += 1.0;
        }
        Poll::Ready(Err(_)) => own.failed += 1.0,
    }
    drop(waits.swap_remove(at));
}

/// Lets the database hang, come back, refuse, or break a connection.
fn upset(script: &super::fake::Script, how: usize) {
    match how {
        0 => script.hold_connects(),
        1 => script.hold_recycles(),
        2 => script.refuses.store(true, Ordering::Relaxed),
        3 => script.breaks_recycles.store(1, Ordering::Relaxed),
        _ => script.behave(),
    }
}

/// Every connection that was opened is still there or was discarded.
fn check_connections_balance(bench: &Bench, sample: &node0_metrics_core::Sample) {
    let metrics = bench.monitor.metrics(sample, "main").unwrap();
    let hooks = metrics.hooks.unwrap();
    assert!(hooks.discarded_connections > 50, "{hooks:?}");
    let there = hooks.opened_connections - hooks.discarded_connections;
    assert_eq!(metrics.total_connections, Some(there));
}
