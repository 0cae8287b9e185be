//! Threads that live for a whole race, each pinned to a core where that is possible.
//!
//! They live on because a thread's first touch of a metric is another question than its
//! later ones, and a thread per batch would ask both at once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::stopwatch;

/// What one thread of the pool does; it is given its number.
pub(crate) type Job = Arc<dyn Fn(usize) + Send + Sync>;

/// A fixed number of threads.
pub(crate) struct Pool {
    workers: Vec<Worker>,
    done: Receiver<Duration>,
}

struct Worker {
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

/// What a thread is timed by.
#[derive(Clone, Copy)]
enum Clock {
    Processor,
    Wall,
}

struct Order {
    job: Job,
    /// How many have not yet arrived at the start.
    missing: Arc<AtomicUsize>,
}

impl Pool {
    /// Starts the threads; the first is pinned to the first core, and so on around.
    pub(crate) fn new(threads: usize) -> Self {
        let (report, done) = channel();
        let clock = if threads == 1 { Clock::Processor } else { Clock::Wall };
        let start = |number| Worker::start(number, clock, report.clone());
        let workers = (0..threads).map(start).collect();
        Self { workers, done }
    }

    /// How many threads there are.
    pub(crate) fn threads(&self) -> usize {
        self.workers.len()
    }

    /// Has every thread do the job from one moment on, and returns the mean of their times.
    pub(crate) fn run(&self, job: &Job) -> Duration {
        let missing = Arc::new(AtomicUsize::new(self.workers.len()));
        for worker in &self.workers {
            let order = Order { job: job.clone(), missing: missing.clone() };
            let orders = worker.orders.as_ref().expect("orders end with the pool only");
            orders.send(order).expect("a worker ends with the pool only");
        }
        let times = self.workers.iter().map(|_| self.done.recv().expect("no job panics"));
        times.sum::<Duration>() / self.workers.len() as u32
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for worker in &mut self.workers {
            worker.orders = None;
            let thread = worker.thread.take().expect("it is joined once");
            // One that panicked was noticed when it did not report.
            let _ = thread.join();
        }
    }
}

impl Worker {
    fn start(number: usize, clock: Clock, report: Sender<Duration>) -> Self {
        let (orders, inbox) = channel::<Order>();
        let thread = thread::spawn(move || {
            let works = AssertUnwindSafe(|| work(number, clock, inbox, &report));
            if catch_unwind(works).is_err() {
                // The pool waits for a time that will never come.
                std::process::abort();
            }
        });
        Self { orders: Some(orders), thread: Some(thread) }
    }
}

fn work(number: usize, clock: Clock, inbox: Receiver<Order>, report: &Sender<Duration>) {
    pin(number);
    for Order { job, missing } in inbox {
        missing.fetch_sub(1, Ordering::AcqRel);
        let mut spins = 0_u32;
        while missing.load(Ordering::Acquire) > 0 {
            spins += 1;
            // With more threads than cores, those to come need the core.
            match spins.is_multiple_of(1024) {
                true => thread::yield_now(),
                false => std::hint::spin_loop(),
            }
        }
        let took = match clock {
            Clock::Processor => stopwatch::time_alone(|| job(number)),
            Clock::Wall => stopwatch::time(|| job(number)),
        };
        if report.send(took).is_err() {
            break;
        }
    }
}

/// Pins the calling thread to a core, counted around; where that cannot be, it floats.
pub(crate) fn pin(number: usize) {
    #[cfg(target_os = "linux")]
    {
        use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
        let Ok(allowed) = sched_getaffinity(None) else { return };
        let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).collect();
        if let Some(core) = cores.get(number % cores.len().max(1)) {
            let mut only = CpuSet::new();
            only.set(*core);
            // A refusal leaves the thread floating, which the intervals will show.
            let _ = sched_setaffinity(None, &only);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = number;
}
