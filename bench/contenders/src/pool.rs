//! A pool of threads for a whole race, each pinned to a core where the system allows it.
//!
//! A thread's first record into a metric costs more than later ones and is a question of its
//! own. With a new thread per batch, each batch would measure both.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rig::stopwatch;

/// The work of a thread of the pool; its argument is the number of the thread.
pub type Job = Arc<dyn Fn(usize) + Send + Sync>;

/// A fixed number of threads.
pub struct Pool {
    workers: Vec<Worker>,
    done: Receiver<Duration>,
}

struct Worker {
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

/// The clock that times a thread.
#[derive(Clone, Copy)]
enum Clock {
    Processor,
    Wall,
}

struct Order {
    job: Job,
    /// The number of threads that have not yet arrived at the start.
    missing: Arc<AtomicUsize>,
}

impl Pool {
    /// Starts the threads and pins them to the cores in turn.
    ///
    /// One thread is timed by its processor time, several by wall time.
    pub fn new(threads: usize) -> Self {
        Self::by(if threads == 1 { Clock::Processor } else { Clock::Wall }, threads)
    }

    /// As [`Pool::new`], with each thread timed by its processor time.
    pub fn by_processor_time(threads: usize) -> Self {
        Self::by(Clock::Processor, threads)
    }

    fn by(clock: Clock, threads: usize) -> Self {
        let (report, done) = channel();
        let start = |number| Worker::start(number, clock, report.clone());
        let workers = (0..threads).map(start).collect();
        Self { workers, done }
    }

    /// Returns the number of threads.
    pub fn threads(&self) -> usize {
        self.workers.len()
    }

    /// Runs the job on all threads from the same moment on, and returns the mean of their times.
    pub fn run(&self, job: &Job) -> Duration {
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
            // A worker that panics aborts the process, so there is no error to report here.
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
                // The pool would wait for this thread's time for ever.
                std::process::abort();
            }
        });
        Self { orders: Some(orders), thread: Some(thread) }
    }
}

fn work(number: usize, clock: Clock, inbox: Receiver<Order>, report: &Sender<Duration>) {
    rig::pin(number);
    for Order { job, missing } in inbox {
        missing.fetch_sub(1, Ordering::AcqRel);
        let mut spins = 0_u32;
        while missing.load(Ordering::Acquire) > 0 {
            spins += 1;
            // With more threads than cores, a thread that has not arrived may need this core.
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
