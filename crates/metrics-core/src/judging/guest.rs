//! The one place where code of others is called.
//!
//! Monitors, observers, readiness checks and listeners are guests: code that the core does not
//! know. Any of them may panic, be slow or never return. Each call runs on a worker thread, and
//! the caller waits for it with a limit. So a guest that hangs costs one thread, and never the
//! tick, a worker of a runtime or a probe.
//!
//! Calls are counted by guest and by kind of call. A call within a tick that panicked or took
//! longer than its budget is left out for some ticks; one that has not returned is left out
//! until it does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::clock::Clock;
use crate::judging::workers::Workers;
use crate::naming::desc::Desc;
use crate::recording::counter::Counter;
use crate::recording::families::RegisterError;
use crate::recording::gauge::Gauge;
use crate::recording::latency::Latency;
use crate::recording::store::Store;
use crate::sync::{Mutex, lock};

/// The time that calls into guests take.
pub const GUEST_CALL_DURATION: Desc = Desc::latency(
    "node0_guest_call_duration_seconds",
    "Time that a call into a monitor, observer, readiness check or listener took; one that did not return is not in it.",
)
.labels(&["guest", "call"]);

/// The calls into guests that failed.
pub const GUEST_FAILURES: Desc = Desc::counter(
    "node0_guest_failures_total",
    "Calls into a monitor, observer, readiness check or listener that panicked, took longer than their budget (overrun) or did not return (hung).",
)
.labels(&["guest", "call", "reason"]);

/// The calls that are left out at the moment.
pub const GUEST_BENCHED: Desc = Desc::gauge(
    "node0_guest_benched",
    "1 while this call into a guest is left out because it failed, else 0.",
)
.labels(&["guest", "call"]);

/// A kind of call into a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GuestCall {
    /// [`Monitor::poll`](crate::Monitor::poll), once a tick.
    Poll,
    /// [`Monitor::judge`](crate::Monitor::judge), once a tick.
    Judge,
    /// [`Monitor::report`](crate::Monitor::report), when somebody asks.
    Report,
    /// [`Monitor::readiness`](crate::Monitor::readiness), when somebody asks.
    Readiness,
    /// [`Observer::observe`](crate::Observer::observe), once a tick.
    Observe,
    /// A listener to events, once a tick that has some.
    Listen,
}

impl GuestCall {
    const ALL: [Self; 6] =
        [Self::Poll, Self::Judge, Self::Report, Self::Readiness, Self::Observe, Self::Listen];

    fn label(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::Judge => "judge",
            Self::Report => "report",
            Self::Readiness => "readiness",
            Self::Observe => "observe",
            Self::Listen => "listen",
        }
    }

    /// Whether it belongs to a tick, and so can be left out for some.
    fn is_of_a_tick(self) -> bool {
        !matches!(self, Self::Report | Self::Readiness)
    }
}

/// What calls into guests may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// A call that took longer is an overrun.
    budgets: [Duration; GuestCall::ALL.len()],
    /// A call of a tick that takes longer is given up.
    pub(crate) patience: Duration,
    /// A report or a list of readiness checks that takes longer is given up.
    pub(crate) report_patience: Duration,
    /// The ticks for which a failed call is left out.
    pub(crate) bench_ticks: u64,
}

impl Limits {
    pub(crate) fn set_budget(&mut self, call: GuestCall, budget: Duration) {
        self.budgets[call as usize] = budget;
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            budgets: [1, 10, 500, 10, 50, 10].map(Duration::from_millis),
            patience: Duration::from_millis(100),
            report_patience: Duration::from_secs(5),
            bench_ticks: 10,
        }
    }
}

/// The way in which a call into a guest failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GuestError {
    /// It panicked.
    #[error("panicked")]
    Panicked,
    /// It did not return in time, in this call or in an earlier one that still goes on.
    #[error("did not return")]
    Hung,
    /// It is left out for some ticks, because it failed before.
    #[error("is left out, because it failed before")]
    Benched,
    /// The system gave no thread to run it on.
    #[error("could not be called: the system gave no thread")]
    NoThread,
}

/// The reasons that are counted.
#[derive(Clone, Copy, Debug)]
enum Reason {
    Panic,
    Overrun,
    Hung,
}

impl Reason {
    const ALL: [Self; 3] = [Self::Panic, Self::Overrun, Self::Hung];

    fn label(self) -> &'static str {
        match self {
            Self::Panic => "panic",
            Self::Overrun => "overrun",
            Self::Hung => "hung",
        }
    }
}

/// What all calls into guests of one registry share.
#[derive(Debug)]
pub(crate) struct Guests {
    clock: Clock,
    limits: Limits,
    workers: Workers,
    /// The number of the running tick.
    tick: AtomicU64,
}

impl Guests {
    pub(crate) fn new(clock: Clock, limits: Limits) -> Self {
        Self { clock, limits, workers: Workers::default(), tick: AtomicU64::new(0) }
    }

    /// Begins the calls of another tick.
    pub(crate) fn begin_tick(&self) {
        self.tick.fetch_add(1, Ordering::Relaxed);
    }

    /// The number of the running tick.
    pub(crate) fn tick(&self) -> u64 {
        self.tick.load(Ordering::Relaxed)
    }
}

/// One kind of call into one guest, with what is known of it.
#[derive(Debug)]
pub(crate) struct GuardedCall {
    call: GuestCall,
    guests: Arc<Guests>,
    duration: Latency,
    failures: [Counter; Reason::ALL.len()],
    benched: Gauge,
    /// The tick from which on it is called again.
    benched_until: AtomicU64,
    /// Calls that were given up; each can be upgraded until it returns.
    given_up: Mutex<Vec<Weak<()>>>,
}

impl GuardedCall {
    pub(crate) fn register(
        store: &Store,
        guests: &Arc<Guests>,
        guest: &str,
        call: GuestCall,
    ) -> Result<Self, RegisterError> {
        let labels = [guest, call.label()];
        let [panic, overrun, hung] = Reason::ALL
            .map(|reason| store.handle(&GUEST_FAILURES, &[guest, call.label(), reason.label()]));
        Ok(Self {
            call,
            guests: guests.clone(),
            duration: store.handle(&GUEST_CALL_DURATION, &labels)?,
            failures: [panic?, overrun?, hung?],
            benched: store.handle(&GUEST_BENCHED, &labels)?,
            benched_until: AtomicU64::new(0),
            given_up: Mutex::default(),
        })
    }

    /// Runs a call on a worker and waits for it with a limit.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, GuestError> {
        self.admit()?;
        let clock = self.guests.clock.clone();
        let running = Arc::new(());
        let token = Arc::downgrade(&running);
        let job = move || {
            let start = clock.now();
            // What `work` holds is dropped in here too, so that the caller has it alone again.
            let result = catch_unwind(AssertUnwindSafe(work));
            let took = clock.since(start);
            drop(running);
            (result, took)
        };
        let patience = match self.call.is_of_a_tick() {
            true => self.guests.limits.patience,
            false => self.guests.limits.report_patience,
        };
        let outcome = self.guests.workers.run(patience, job).map_err(|_| GuestError::NoThread)?;
        let Some((result, took)) = outcome else {
            lock(&self.given_up).push(token);
            self.fail(Reason::Hung);
            return Err(GuestError::Hung);
        };
        self.duration.record(took);
        if took > self.guests.limits.budgets[self.call as usize] {
            self.fail(Reason::Overrun);
        }
        result.map_err(|_| {
            self.fail(Reason::Panic);
            GuestError::Panicked
        })
    }

    /// Refuses while an earlier call goes on, or while the call is left out.
    fn admit(&self) -> Result<(), GuestError> {
        let mut given_up = lock(&self.given_up);
        given_up.retain(|call| call.strong_count() > 0);
        if !given_up.is_empty() {
            return Err(GuestError::Hung);
        }
        if self.guests.tick() < self.benched_until.load(Ordering::Relaxed) {
            return Err(GuestError::Benched);
        }
        self.benched.set(0.0);
        Ok(())
    }

    /// Counts a failure, and leaves the call out for some ticks if it belongs to one.
    fn fail(&self, reason: Reason) {
        self.failures[reason as usize].inc();
        if self.call.is_of_a_tick() || matches!(reason, Reason::Hung) {
            self.benched.set(1.0);
        }
        if self.call.is_of_a_tick() {
            let next = self.guests.tick() + 1;
            self.benched_until.store(next + self.guests.limits.bench_ticks, Ordering::Relaxed);
        }
    }
}
