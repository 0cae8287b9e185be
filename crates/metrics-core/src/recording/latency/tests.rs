//! Corner cases that would need very many records to reach.

use super::*;
use crate::clock::ManualClock;
use crate::naming::desc::Desc;
use crate::registry::Registry;

const WAIT: Desc = Desc::latency("wait_seconds", "Waits.");

fn registry() -> Registry {
    Registry::builder().clock(ManualClock::new().clock()).build()
}

fn count(registry: &Registry, wait: &Latency) -> u64 {
    registry.read().view().latency(wait).expect("it is registered").total().count()
}

fn block(wait: &Latency) -> &'static OwnBlock {
    let cell = lanes::cell::<LatencyCell>(wait.slot);
    cell.and_then(LatencyCell::touched).expect("it was touched")
}

#[test]
fn a_bucket_that_fills_its_bits_spills_and_loses_nothing() {
    let registry = registry();
    let wait = registry.latency(&WAIT, &[]).expect("the name is free");
    wait.record_nanos(1000);
    let (index, _) = latency_index(1000);
    let block = block(&wait);
    block.buckets[index].store(SPILL - 2, Ordering::Relaxed);
    let before = count(&registry, &wait);
    for n in 1..=5 {
        wait.record_nanos(1000);
        assert_eq!(count(&registry, &wait), before + n);
    }
    assert!(block.buckets[index].load(Ordering::Relaxed) < SPILL, "it never spilled");
}

#[test]
fn a_thread_starts_a_metric_in_the_cells_that_the_last_one_left_empty() {
    let registry = registry();
    let wait = registry.latency(&WAIT, &[]).expect("the name is free");
    wait.record_nanos(1000);
    let block = block(&wait);
    drop((wait, registry));
    let held: u16 = block.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).sum();
    assert_eq!((held, block.lines().count()), (0, 0));
}
