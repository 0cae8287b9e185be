//! The library metriken: atomics, shared or sharded by thread, and histograms with a
//! resolution like node0's.
//!
//! It cannot look up a metric by labels that are chosen at run time, and has no text encoder,
//! so it takes no part in those questions.

use std::sync::Arc;

use metriken::histogram::Histogram;
use metriken::{
    AtomicCounterHistogram, Counter, ShardedCounterGroup, ShardedCounterHistogram,
    ShardedCounterHistogramGroup,
};

use crate::held::{Held, Holder};
use crate::rounds::Contender;
use crate::workload::{self, CHOICES, VALUES};
use rig::stopwatch;

/// The setting for 128 buckets per octave up to 2⁴⁰ ns.
const GROUPING_POWER: u8 = 7;
const MAX_VALUE_POWER: u8 = 40;

pub const SHARDED: &str = "metriken sharded";

pub fn counter() -> Contender {
    let counter = Arc::new(Counter::new());
    let same = counter.clone();
    let op = move |_| {
        counter.increment();
    };
    Contender::recording("metriken Counter", op, move || same.value())
}

pub fn sharded_counter() -> Contender {
    let group = Arc::new(ShardedCounterGroup::new(1));
    let same = group.clone();
    let op = move |_| {
        group.increment(0);
    };
    Contender::recording(SHARDED, op, move || same.value(0).unwrap_or_default())
}

pub fn latency() -> Contender {
    let histogram = Arc::new(AtomicCounterHistogram::new(GROUPING_POWER, MAX_VALUE_POWER));
    let (same, values) = (histogram.clone(), workload::nanos());
    Contender::recording(
        "metriken atomic",
        move |i| histogram.increment(values[i % VALUES]).expect("it is in range"),
        move || count(same.load()),
    )
}

pub fn sharded_latency() -> Contender {
    let histogram = Arc::new(ShardedCounterHistogram::new(GROUPING_POWER, MAX_VALUE_POWER));
    let (same, values) = (histogram.clone(), workload::nanos());
    Contender::recording(
        SHARDED,
        move |i| histogram.increment(values[i % VALUES]).expect("it is in range"),
        move || count(same.load()),
    )
}

/// Times with two readings of the system's clock, because the library has no timer.
pub fn timer() -> Contender {
    let histogram = Arc::new(ShardedCounterHistogram::new(GROUPING_POWER, MAX_VALUE_POWER));
    let same = histogram.clone();
    let op = move |_| {
        let start = stopwatch::now();
        histogram.increment(start.elapsed().as_nanos() as u64).expect("it is in range");
    };
    Contender::recording(SHARDED, op, move || count(same.load()))
}

/// Returns the number of samples of a histogram; zero if it does not exist yet.
fn count(loaded: Option<Histogram>) -> u64 {
    loaded.map_or(0, |loaded| loaded.as_slice().iter().sum())
}

pub fn counters() -> Contender {
    let counters: Arc<[Counter]> = (0..1000).map(|_| Counter::new()).collect();
    let (same, choices) = (counters.clone(), workload::choices());
    let op = move |i| {
        counters[usize::from(choices[i % CHOICES])].increment();
    };
    Contender::recording("metriken Counter", op, move || same.iter().map(Counter::value).sum())
}

pub fn sharded_counters() -> Contender {
    let group = Arc::new(ShardedCounterGroup::new(1000));
    let (same, choices) = (group.clone(), workload::choices());
    let op = move |i| {
        group.increment(usize::from(choices[i % CHOICES]));
    };
    Contender::recording(SHARDED, op, move || same.load().map_or(0, |all| all.iter().sum()))
}

pub fn sharded_latencies() -> Contender {
    let group = Arc::new(ShardedCounterHistogramGroup::new(1000, GROUPING_POWER, MAX_VALUE_POWER));
    let (same, choices, values) = (group.clone(), workload::choices(), workload::nanos());
    let op = move |i| {
        let chosen = usize::from(choices[i % CHOICES]);
        group.increment(chosen, values[i % VALUES]).expect("it is in range");
    };
    Contender::recording(SHARDED, op, move || {
        let all = same.load_all().unwrap_or_default();
        all.iter().flat_map(|loaded| loaded.as_slice()).sum()
    })
}

/// Its metrics in number have no labels, so only its latencies are comparable, by their cells.
pub const HOLDER: Holder = Holder { name: SHARDED, counters: None, latencies: hold_latencies };

fn hold_latencies(count: usize) -> Held {
    let group = ShardedCounterHistogramGroup::new(count, GROUPING_POWER, MAX_VALUE_POWER);
    let (group, values) = (Arc::new(group), workload::nanos());
    let same = group.clone();
    let record = move |from: usize| {
        for i in 0..count {
            group.increment(i, values[(from + i) % VALUES]).expect("it is in range");
        }
    };
    Held::new(record, move || {
        let all = same.load_all().unwrap_or_default();
        all.iter().flat_map(|loaded| loaded.as_slice()).sum()
    })
}
