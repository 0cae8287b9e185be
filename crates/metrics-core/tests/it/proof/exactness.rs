//! Nothing is lost and nothing is counted twice while many threads record.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use node0_metrics_core::{
    Buckets, Counter, Desc, Distribution, Histogram, Latency, ManualClock, Registry, Sample,
    Ticker, Unit, VALUES_CLAMPED, Value,
};
use serde_json::json;
use testbed::prove::{self, Length};

use super::oracle::LONGEST;

const JOBS: Desc = Desc::counter("jobs_total", "Jobs.");
const WAIT: Desc = Desc::latency("wait_seconds", "Waits.");
const SIZE: Desc = Desc::distribution("size_bytes", "Sizes.", Unit::Bytes, &[100.0, 500.0]);
const SPARE: Desc = Desc::latency("spare_seconds", "Nothing.").labels(&["n"]);

const THREADS: u64 = 8;
/// One record in so many is longer than any bucket.
const CLAMPED_EVERY: u64 = 4096;

#[derive(Clone)]
struct Metrics {
    jobs: Counter,
    wait: Latency,
    size: Distribution,
}

impl Metrics {
    fn register(registry: &Registry) -> Self {
        Self {
            jobs: registry.counter(&JOBS, &[]).expect("it is valid"),
            wait: registry.latency(&WAIT, &[]).expect("it is valid"),
            size: registry.distribution(&SIZE, &[]).expect("it is valid"),
        }
    }

    fn record(&self, i: u64) {
        self.jobs.inc();
        self.wait.record(Duration::from_nanos(nanos(i)));
        self.size.record((i % 1000) as f64);
    }

    fn wait<'a>(&self, sample: &'a Sample) -> &'a Histogram {
        sample.view().latency(&self.wait).expect("it is registered")
    }

    fn size<'a>(&self, sample: &'a Sample) -> &'a Histogram {
        sample.view().distribution(&self.size).expect("it is registered")
    }
}

/// Three values only, so that threads meet in the same cells; and now and then two hours.
fn nanos(i: u64) -> u64 {
    if i.is_multiple_of(CLAMPED_EVERY) { 7_200_000_000_000 } else { 3 << (i % 3 * 9) }
}

/// Leases the blocks that ended series of other tests gave back: they are beyond any
/// budget, and while they lie about, a registry without one would not share cells.
#[must_use = "the blocks are given back with the handles"]
fn lease_all_spare_blocks() -> Vec<Latency> {
    let registry = Registry::builder()
        .clock(ManualClock::new().clock())
        .recording_bytes(0)
        .max_histograms_per_family(1000)
        .build();
    let lease = |n: u32| {
        let latency = registry.latency(&SPARE, &[&n.to_string()]).expect("there is room");
        latency.record(Duration::ZERO);
        latency
    };
    (0..1000).map(lease).collect()
}

/// The totals of the last reading; those of the next must be at least as high.
#[derive(Default)]
struct Floor {
    jobs: u64,
    wait: Vec<u64>,
    size: Vec<u64>,
    sums: [f64; 2],
}

impl Floor {
    /// Raises the floor to a sample's totals, which must not be under it.
    fn rise(&mut self, sample: &Sample, metrics: &Metrics) {
        let jobs = sample.view().counter(&metrics.jobs);
        assert!(jobs >= self.jobs, "{jobs} jobs after {}", self.jobs);
        self.jobs = jobs;
        let (wait, size) = (metrics.wait(sample), metrics.size(sample));
        for (histogram, desc) in [(wait, &WAIT), (size, &SIZE)] {
            let bounds =
                &sample.snapshot.family(desc.name()).expect("it is registered").desc.bounds;
            assert_eq!(histogram.cumulative(), histogram.total().cumulative(bounds));
        }
        let (wait, size) = (wait.total(), size.total());
        rise(&mut self.wait, wait, 1e-9);
        rise(&mut self.size, size, 1.0);
        let sums = [wait.sum(), size.sum()];
        assert!(sums[0] >= self.sums[0] && sums[1] >= self.sums[1], "{sums:?} {:?}", self.sums);
        self.sums = sums;
    }
}

/// The cumulative counts that a scrape exports, none of which may fall.
fn rise(floor: &mut Vec<u64>, total: &Buckets, unit: f64) {
    let bounds: Vec<f64> = (0..44).map(|power| unit * (1u64 << power) as f64).collect();
    let counts = total.cumulative(&bounds);
    assert!(floor.iter().zip(&counts).all(|(before, now)| now >= before), "{floor:?} {counts:?}");
    assert_eq!(total.iter().map(|(_, n)| n).sum::<u64>(), total.count());
    *floor = counts;
}

/// Reads and ticks until all is recorded; every tick's window is what that tick added.
fn watch(clock: &ManualClock, ticker: &mut Ticker, registry: &Registry, done: &AtomicBool) -> u64 {
    let metrics = Metrics::register(registry);
    let (mut floor, mut reads, mut ticked) = (Floor::default(), 0, 0);
    while !done.load(Ordering::Acquire) {
        floor.rise(&registry.read(), &metrics);
        clock.advance(Duration::from_secs(1));
        let sample = ticker.tick().sample;
        floor.rise(&sample, &metrics);
        let wait = metrics.wait(&sample);
        let added = wait.total().count() - ticked;
        if added > 0 {
            assert_eq!(wait.window().samples(), added, "a window of the last tick with samples");
        }
        (ticked, reads) = (wait.total().count(), reads + 2);
    }
    reads
}

fn prove(recording_bytes: usize, each: u64) -> u64 {
    let clock = ManualClock::new();
    let registry = Registry::builder()
        .clock(clock.clock())
        .window_samples(1)
        .recording_bytes(recording_bytes)
        .build();
    let mut ticker = registry.ticker().expect("a new one has none");
    let metrics = Metrics::register(&registry);
    let done = AtomicBool::new(false);
    let start = Barrier::new(THREADS as usize + 1);
    let record = |thread| {
        start.wait();
        (thread * each..(thread + 1) * each).for_each(|i| metrics.record(i));
    };
    let record = &record;
    let reads = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            start.wait();
            watch(&clock, &mut ticker, &registry, &done)
        });
        let writers: Vec<_> =
            (0..THREADS).map(|thread| scope.spawn(move || record(thread))).collect();
        writers.into_iter().for_each(|writer| writer.join().expect("a writer panicked"));
        done.store(true, Ordering::Release);
        reader.join().expect("the reader panicked")
    });
    // Beyond the budget, the eight buckets below 128 ns are one.
    let exact_from = if recording_bytes == 0 { 7 } else { 4 };
    judge(&registry, &metrics, THREADS * each, exact_from);
    reads
}

/// Holds the totals against a sum over what was recorded.
fn judge(registry: &Registry, metrics: &Metrics, records: u64, exact_from: usize) {
    registry.read();
    let sample = registry.read();
    assert_eq!(sample.view().counter(&metrics.jobs), records);
    let (wait, size) = (metrics.wait(&sample).total(), metrics.size(&sample).total());
    assert_eq!((wait.count(), size.count()), (records, records));
    let clamped = sample.snapshot.value(VALUES_CLAMPED.name(), &[]).map(Value::as_f64);
    assert_eq!(clamped, Some(records.div_ceil(CLAMPED_EVERY) as f64));
    let sum: u128 = (0..records).map(|i| u128::from(nanos(i).min(LONGEST))).sum();
    let sum = sum as f64 / 1e9;
    assert!((wait.sum() - sum).abs() <= sum * 1e-15, "{} s for {sum} s", wait.sum());
    let bytes: u64 = (0..records).map(|i| i % 1000).sum();
    assert_eq!(size.sum(), bytes as f64);
    // Powers of two are edges of buckets: what lies below is known exactly.
    let mut by_bits = [0; 64];
    (0..records).for_each(|i| by_bits[nanos(i).ilog2() as usize] += 1);
    for power in exact_from..42 {
        let below: u64 = by_bits[..power].iter().sum();
        assert_eq!(wait.at_most((1u64 << power) as f64 * 1e-9), below, "below 2^{power} ns");
    }
}

#[test]
fn totals_of_eight_threads_are_exact_and_never_fall() {
    let each = Length::of_this_run().pick(500_000, 10_000_000);
    let reads = prove(64 << 20, each);
    let figures = json!({ "threads": THREADS, "recordsEach": each, "reads": reads });
    prove::report(&json!({ "exactness": figures })).unwrap();
}

#[test]
fn totals_of_eight_threads_that_share_cells_are_exact_and_never_fall() {
    let _leased = lease_all_spare_blocks();
    let each = Length::of_this_run().pick(200_000, 10_000_000);
    let reads = prove(0, each);
    let figures = json!({ "threads": THREADS, "recordsEach": each, "reads": reads });
    prove::report(&json!({ "exactnessOfSharedCells": figures })).unwrap();
}

#[test]
fn a_shared_cell_is_seen_from_its_first_record_on() {
    let _leased = lease_all_spare_blocks();
    let clock = ManualClock::new();
    let registry = Registry::builder().clock(clock.clock()).recording_bytes(0).build();
    let wait = registry.latency(&WAIT, &[]).unwrap();
    for power in 0..42 {
        wait.record(Duration::from_nanos(1 << power));
        let sample = registry.read();
        assert_eq!(sample.view().latency(&wait).unwrap().total().count(), power + 1);
    }
}
