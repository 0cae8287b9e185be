//! The budget of memory: beyond it series are less exact, and no count or sum is wrong.

use std::collections::VecDeque;
use std::thread;
use std::time::Duration;

use node0_metrics_core::{
    Buckets, Desc, Histogram, Latency, Layout, RECORDING_BYTES, Registry, THINNED_SERIES, Unit,
    Value,
};
use proptest::prelude::*;

use crate::Bench;

const WAIT: Desc = Desc::latency("wait_seconds", "Time spent waiting.").labels(&["queue"]);
const SIZE: Desc = Desc::distribution("size_bytes", "Sizes.", Unit::Bytes, &[1e3, 1e6]);
const QUEUES: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Debug)]
enum Step {
    /// Durations as powers of two of a nanosecond, on a thread of their own or on this one.
    Record {
        queue: usize,
        powers: Vec<f64>,
        apart: bool,
    },
    Read,
    Tick,
    /// Ticks until each window is empty.
    Idle,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let powers = prop::collection::vec(0.0..42.0, 0..400);
    let record = (0..QUEUES.len(), powers, any::<bool>())
        .prop_map(|(queue, powers, apart)| Step::Record { queue, powers, apart });
    let step = prop_oneof![6 => record, 2 => Just(Step::Read), 5 => Just(Step::Tick), 1 => Just(Step::Idle)];
    prop::collection::vec(step, 1..40)
}

/// What was recorded into one latency, and what samples showed of it.
#[derive(Default)]
struct Ledger {
    count: u64,
    nanos: u128,
    /// Of all ticks that were shown.
    ticked: Option<Buckets>,
    cumulative: Vec<u64>,
}

impl Ledger {
    fn add(&mut self, nanos: u64) {
        self.count += 1;
        self.nanos += u128::from(nanos);
    }

    /// Compares with a sample that was taken after all records.
    fn check(&mut self, seen: &Histogram, is_tick: bool) {
        assert_eq!((seen.count(), seen.total().count()), (self.count, self.count));
        let sum = self.nanos as f64 / 1e9;
        assert!((seen.sum() - sum).abs() <= 1e-12 * sum, "{} for {sum}", seen.sum());
        let rose = self.cumulative.iter().zip(seen.cumulative()).all(|(before, now)| before <= now);
        assert!(rose, "{:?} after {:?}", seen.cumulative(), self.cumulative);
        self.cumulative = seen.cumulative().to_vec();
        assert_eq!(seen.window().buckets().count(), seen.window().samples());
        if is_tick {
            let ticked = self.ticked.get_or_insert_with(Buckets::latency);
            ticked.add_delta(seen.delta());
            assert!(ticked.counts().eq(seen.total().counts()), "the ticks are the total");
        }
    }
}

fn play(steps: &[Step], bench: &mut Bench) {
    let wait = |queue: &&str| bench.registry.latency(&WAIT, &[queue]).expect("it is described");
    let waits: Vec<Latency> = QUEUES.iter().map(wait).collect();
    let mut ledgers: [Ledger; QUEUES.len()] = Default::default();
    let mut todo: VecDeque<Step> = steps.iter().cloned().collect();
    while let Some(step) = todo.pop_front() {
        let sample = match step {
            Step::Record { queue, powers, apart } => {
                let nanos: Vec<u64> = powers.iter().map(|power| power.exp2() as u64).collect();
                nanos.iter().for_each(|nanos| ledgers[queue].add(*nanos));
                let wait = &waits[queue];
                let record = || {
                    nanos.iter().for_each(|nanos| wait.record(Duration::from_nanos(*nanos)));
                };
                if apart {
                    thread::scope(|scope| drop(scope.spawn(record)))
                } else {
                    record()
                }
                continue;
            }
            Step::Read => bench.registry.read(),
            Step::Tick => bench.tick().sample,
            Step::Idle => {
                (0..305).for_each(|_| todo.push_front(Step::Tick));
                continue;
            }
        };
        let is_tick = sample.is_tick_end;
        for (wait, ledger) in waits.iter().zip(&mut ledgers) {
            ledger.check(sample.view().latency(wait).expect("it is registered"), is_tick);
        }
    }
}

fn told(registry: &Registry) -> usize {
    registry.read();
    let sample = registry.read();
    let told = sample.snapshot.value(RECORDING_BYTES.name(), &[]).map(Value::as_f64);
    told.expect("it is the core's own") as usize
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn counts_and_sums_are_those_of_a_ledger_whatever_the_budget(
        steps in steps(),
        // More than what the process holds already: nothing, some blocks, or plenty.
        room in prop_oneof![Just(None), (0..200_000_usize).prop_map(Some), Just(Some(1 << 30))],
    ) {
        let held = told(&Registry::new());
        let budget = room.map_or(0, |room| held + room);
        play(&steps, &mut Bench::with(|builder| builder.recording_bytes(budget)));
    }
}

#[test]
fn beyond_the_budget_percentiles_have_the_documented_error_and_a_metric_tells() {
    let mut bench = Bench::with(|builder| builder.recording_bytes(0));
    let wait = bench.registry.latency(&WAIT, &["a"]).expect("it is described");
    let size = bench.registry.distribution(&SIZE, &[]).expect("it is described");
    // Also where blocks are left from other tests, the window is thinned.
    for tick in 0..40_u64 {
        for number in 0..50 {
            let micros = 100 + tick * 50 + number;
            wait.record(Duration::from_micros(micros));
            size.record(micros as f64);
        }
        bench.tick();
    }
    let sample = bench.tick().sample;
    let view = sample.view();
    let thinned = sample.snapshot.value(THINNED_SERIES.name(), &[]).map(Value::as_f64);
    assert!(thinned >= Some(2.0), "{thinned:?}");
    let (wait, size) = (view.latency(&wait).unwrap(), view.distribution(&size).unwrap());
    for (seen, unit) in [(wait, 1e-6), (size, 1.0)] {
        assert_eq!((seen.count(), seen.total().count()), (2000, 2000));
        let window = seen.window();
        assert!(window.is_thinned() && window.samples() >= 1000);
        assert_eq!(window.samples() % 50, 0, "whole ticks");
        let oldest = 2000 - window.samples();
        for q in [0.01, 0.5, 0.99] {
            let exact = (100.0 + oldest as f64 + q * window.samples() as f64) * unit;
            let shown = window.buckets().quantile(q).unwrap();
            assert!((shown - exact).abs() <= exact * Layout::THINNED_ERROR + 2.0 * unit);
        }
    }
}
