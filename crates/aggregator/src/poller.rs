//! Polls monitors where they can hurt nobody.
//!
//! Each poll runs on a worker thread, and the sampler waits for it with a
//! limit. A worker that does not come back is abandoned with the monitor that
//! holds it, and another takes over; so there are at most as many lost threads
//! as monitors that hang.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use metrics_core::{Clock, Counter, Desc, Gauge, Latency, Monitor, RegisterError, Registry};

/// How long polls take.
pub const POLL_DURATION: Desc = Desc::latency(
    "node0_monitor_poll_duration_seconds",
    "Time that a monitor's poll took; one that hangs is not in it.",
)
.labels(&["topic"]);

/// Polls that cost a monitor its place.
pub const POLL_FAILURES: Desc = Desc::counter(
    "node0_monitor_poll_failures_total",
    "Polls that panicked, took longer than their budget (overrun) or did not come back (hung).",
)
.labels(&["topic", "reason"]);

/// Monitors that are left out.
pub const BENCHED: Desc = Desc::gauge(
    "node0_monitor_benched",
    "1 while a monitor is left out because its poll failed, else 0.",
)
.labels(&["topic"]);

/// What a poll may cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Longer polls are an overrun.
    pub(crate) budget: Duration,
    /// Longer polls are given up.
    pub(crate) patience: Duration,
    /// How many ticks a failed monitor is left out for.
    pub(crate) bench_ticks: u64,
}

/// Why a monitor is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    Panic,
    Overrun,
    Hung,
}

#[derive(Debug)]
pub(crate) struct Poller {
    registry: Registry,
    limits: Limits,
    worker: Option<Worker>,
    watched: HashMap<&'static str, Watched>,
    tick: u64,
}

/// What is known of one monitor.
#[derive(Debug)]
struct Watched {
    duration: Latency,
    failures: [Counter; 3],
    benched: Gauge,
    benched_until: u64,
    /// Whether a worker is inside the monitor's poll.
    busy: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Worker {
    jobs: Sender<Job>,
    outcomes: Receiver<Outcome>,
}

struct Job {
    monitor: Arc<dyn Monitor>,
    busy: Arc<AtomicBool>,
}

struct Outcome {
    took: Duration,
    panicked: bool,
}

impl Poller {
    pub(crate) fn new(registry: Registry, limits: Limits) -> Self {
        Self { registry, limits, worker: None, watched: HashMap::new(), tick: 0 }
    }

    /// Polls every monitor that is not left out.
    pub(crate) fn poll(&mut self) {
        self.tick += 1;
        for monitor in self.registry.monitors().iter() {
            let topic = monitor.topic().name;
            let tick = self.tick;
            let Some(watched) = self.watched(topic) else { continue };
            if tick < watched.benched_until || watched.busy.load(Ordering::Acquire) {
                continue;
            }
            watched.benched.set(0.0);
            let job = Job { monitor: monitor.clone(), busy: watched.busy.clone() };
            let failure = match self.run(job) {
                Some(outcome) => self.judge(topic, &outcome),
                None => Some(Failure::Hung),
            };
            if let Some(failure) = failure {
                self.bench(topic, failure);
            }
        }
    }

    fn watched(&mut self, topic: &'static str) -> Option<&mut Watched> {
        if !self.watched.contains_key(topic) {
            // Refused only where the registry is out of metric names; a monitor
            // that cannot be accounted for is not polled.
            self.watched.insert(topic, Watched::register(&self.registry, topic).ok()?);
        }
        self.watched.get_mut(topic)
    }

    /// Runs a poll on the worker; `None` when it does not come back.
    fn run(&mut self, job: Job) -> Option<Outcome> {
        let clock = self.registry.clock();
        let worker = match self.worker.take() {
            Some(worker) => worker,
            None => Worker::spawn(clock.clone())?,
        };
        job.busy.store(true, Ordering::Release);
        worker.jobs.send(job).ok()?;
        let outcome = worker.outcomes.recv_timeout(self.limits.patience).ok()?;
        self.worker = Some(worker);
        Some(outcome)
    }

    fn judge(&self, topic: &str, outcome: &Outcome) -> Option<Failure> {
        self.watched.get(topic)?.duration.record(outcome.took);
        match outcome {
            Outcome { panicked: true, .. } => Some(Failure::Panic),
            Outcome { took, .. } if *took > self.limits.budget => Some(Failure::Overrun),
            _ => None,
        }
    }

    fn bench(&mut self, topic: &'static str, failure: Failure) {
        let ticks = self.limits.bench_ticks;
        tracing::warn!(topic, reason = failure.word(), ticks, "monitor is left out");
        if let Some(watched) = self.watched.get_mut(topic) {
            watched.failures[failure as usize].inc();
            watched.benched.set(1.0);
            watched.benched_until = self.tick + 1 + ticks;
        }
    }
}

impl Failure {
    const ALL: [Self; 3] = [Self::Panic, Self::Overrun, Self::Hung];

    fn word(self) -> &'static str {
        match self {
            Self::Panic => "panic",
            Self::Overrun => "overrun",
            Self::Hung => "hung",
        }
    }
}

impl Watched {
    fn register(registry: &Registry, topic: &str) -> Result<Self, RegisterError> {
        let [panic, overrun, hung] =
            Failure::ALL.map(|failure| registry.counter(&POLL_FAILURES, &[topic, failure.word()]));
        Ok(Self {
            duration: registry.latency(&POLL_DURATION, &[topic])?,
            failures: [panic?, overrun?, hung?],
            benched: registry.gauge(&BENCHED, &[topic])?,
            benched_until: 0,
            busy: Arc::default(),
        })
    }
}

impl Worker {
    fn spawn(clock: Clock) -> Option<Self> {
        let (jobs, next_job) = mpsc::channel::<Job>();
        let (report, outcomes) = mpsc::channel();
        let work = move || {
            for Job { monitor, busy } in next_job {
                let start = clock.now();
                let result = catch_unwind(AssertUnwindSafe(|| monitor.poll()));
                let outcome = Outcome { took: clock.since(start), panicked: result.is_err() };
                // Release pairs with the acquire in `Poller::poll`: a monitor is
                // polled by one thread at a time.
                busy.store(false, Ordering::Release);
                if report.send(outcome).is_err() {
                    // Given up in the meantime: another worker has taken over.
                    return;
                }
            }
        };
        thread::Builder::new().name("node0-poller".into()).spawn(work).ok()?;
        Some(Self { jobs, outcomes })
    }
}
