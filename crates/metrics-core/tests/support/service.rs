//! Latencies into which eight threads record, with the bytes that the allocator gave out for them.
//!
//! For tests that have a process of their own, since the metric counts the whole process.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use allocation_counter::measure;
use node0_metrics_core::{
    Desc, Latency, ManualClock, RECORDING_BYTES, Registry, RegistryBuilder, Sample, Ticker, Value,
};

const WAIT: Desc = Desc::latency("wait_seconds", "Time spent waiting.").labels(&["queue"]);
pub(crate) const THREADS: u64 = 8;

/// Some work of one thread.
type Job = Arc<dyn Fn(u64) + Send + Sync>;

/// Threads that live to the end and tell the bytes that they allocated.
struct Threads(Vec<(Sender<Job>, Receiver<i64>)>);

impl Threads {
    fn new() -> Self {
        let thread = |number| {
            let (send, jobs) = channel::<Job>();
            let (done, bytes) = channel();
            thread::spawn(move || {
                for job in jobs {
                    let held = measure(|| job(number)).bytes_current;
                    drop(job);
                    done.send(held).expect("somebody waits");
                }
            });
            (send, bytes)
        };
        Self((0..THREADS).map(thread).collect())
    }

    /// Runs a job on each thread, and returns the bytes that they allocated and did not free.
    fn run(&self, job: &Job) -> i64 {
        let Self(threads) = self;
        let send = |(jobs, _): &(Sender<Job>, _)| jobs.send(job.clone()).expect("it lives");
        threads.iter().for_each(send);
        threads.iter().map(|(_, bytes)| bytes.recv().expect("it answers")).sum()
    }
}

/// Latencies into which eight threads record, with what the allocator has given out for it.
pub(crate) struct Service {
    clock: ManualClock,
    registry: Registry,
    ticker: RefCell<Ticker>,
    threads: Threads,
    waits: Arc<Vec<Latency>>,
    allocated: i64,
    /// The first figure of the metric, which is not this service's.
    told_before: f64,
}

impl Service {
    pub(crate) fn new(
        latencies: usize,
        settings: impl FnOnce(RegistryBuilder) -> RegistryBuilder,
    ) -> Self {
        let clock = ManualClock::new();
        let builder = Registry::builder().clock(clock.clock()).max_histograms_per_family(10_000);
        let registry = settings(builder).build();
        let mut ticker = registry.ticker().expect("nobody else ticks");
        let wait = |number: usize| registry.latency(&WAIT, &[&number.to_string()]);
        let waits = (0..latencies).map(|number| wait(number).expect("there is room"));
        let waits = Arc::new(waits.collect());
        let threads = Threads::new();
        threads.run(&(Arc::new(|_| ()) as Job));
        // Rows of series that are not recorded into are no part of what is measured here.
        ticker.tick();
        let told_before = gauge(&ticker.tick().sample, &RECORDING_BYTES);
        let ticker = RefCell::new(ticker);
        Self { clock, registry, ticker, threads, waits, allocated: 0, told_before }
    }

    /// Lets each thread record `each` values of all octaves into every latency, and ends a tick.
    pub(crate) fn second(&mut self, second: u64, each: u64) -> Arc<Sample> {
        let waits = self.waits.clone();
        let job: Job = Arc::new(move |thread| {
            for (series, wait) in (0_u64..).zip(waits.iter()) {
                for value in 0..each {
                    let seed = ((second * THREADS + thread) * each + value) * 10_000 + series;
                    wait.record(Duration::from_nanos(of_all_octaves(seed)));
                }
            }
        });
        self.allocated += self.threads.run(&job);
        drop(job);
        self.tick()
    }

    pub(crate) fn tick(&mut self) -> Arc<Sample> {
        self.clock.advance(Duration::from_secs(1));
        let mut sample = None;
        let ticker = &self.ticker;
        self.allocated +=
            measure(|| sample = Some(ticker.borrow_mut().tick().sample)).bytes_current;
        sample.expect("it ticked")
    }

    /// The bytes that the metric tells.
    fn told(&mut self) -> f64 {
        gauge(&self.tick(), &RECORDING_BYTES) - self.told_before
    }

    /// Asserts that the metric tells what the allocator has given out, and returns it.
    pub(crate) fn bytes(&mut self) -> f64 {
        let told = self.told();
        let allocated = self.allocated as f64;
        assert!(
            (told - allocated).abs() <= 0.1 * allocated,
            "{told} bytes are told, {allocated} were allocated"
        );
        allocated
    }

    /// Ticks until all windows are empty.
    pub(crate) fn idle(&mut self) {
        const LONGEST_WINDOW: u64 = 300;
        (0..LONGEST_WINDOW + 10).for_each(|_| drop(self.tick()));
    }

    /// The records of all latencies.
    pub(crate) fn records(&self) -> u64 {
        let sample = self.registry.read();
        let view = sample.view();
        self.waits.iter().map(|wait| view.latency(wait).map_or(0, |it| it.count())).sum()
    }
}

pub(crate) fn gauge(sample: &Sample, desc: &Desc) -> f64 {
    sample.snapshot.value(desc.name(), &[]).map(Value::as_f64).expect("it is the core's own")
}

/// A number with as many values in each octave from 16 ns to 73 minutes.
fn of_all_octaves(seed: u64) -> u64 {
    let random = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let random = (random ^ random >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let random = random ^ random >> 32;
    let octave = random % 38 + 4;
    (1 << octave) + (random >> 8) % (1 << octave)
}
