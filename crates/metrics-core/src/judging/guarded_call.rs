//! Guarded calls: one kind of call into one guest, timed, counted and skipped after failures.

use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::clock::Clock;
use crate::judging::contained::Contained;
use crate::judging::guest::{
    GUEST_CALL_DURATION, GUEST_FAILURES, GUEST_SKIPPED, GuestCall, GuestError, Limits, Panicked,
    Reason, contain, discard,
};
use crate::judging::started::{HEAD_START, Returned, Started};
use crate::judging::workers::Workers;
use crate::naming::by_label::ByLabel;
use crate::recording::counter::Counter;
use crate::recording::gauge::Gauge;
use crate::recording::latency::Latency;
use crate::recording::register_error::RegisterError;
use crate::recording::store::Store;
use crate::sync::{Mutex, lock};

/// The state that all guarded calls of one registry share.
#[derive(Debug)]
pub(crate) struct Guests {
    clock: Clock,
    limits: Limits,
    workers: Workers,
    /// The number of the running tick.
    tick: AtomicU64,
    /// `true` once a destructor took longer than the timeout.
    has_hung_discard: AtomicBool,
}

impl Guests {
    pub(crate) fn new(clock: Clock, limits: Limits) -> Self {
        Self {
            clock,
            limits,
            workers: Workers::default(),
            tick: AtomicU64::new(0),
            has_hung_discard: AtomicBool::new(false),
        }
    }

    /// Starts the next tick, by which skipped calls are counted down.
    pub(crate) fn begin_tick(&self) {
        self.tick.fetch_add(1, Ordering::Relaxed);
    }

    /// The number of the running tick.
    pub(crate) fn tick(&self) -> u64 {
        self.tick.load(Ordering::Relaxed)
    }

    /// Drops a value of a guest on a worker thread, and waits for it with a timeout.
    pub(crate) fn drop_on_worker<T: Send + 'static>(&self, made: T) {
        let made = Arc::new(Mutex::new(Some(made)));
        let dropped = made.clone();
        let drop_it = move || {
            let made = lock(&dropped).take();
            discard(made);
        };
        let Ok(job) = self.workers.start(drop_it) else {
            // Without a thread it is leaked: here it might panic or hang.
            return mem::forget(lock(&made).take());
        };
        // Several that hang cost one timeout.
        let has_hung = self.has_hung_discard.load(Ordering::Relaxed);
        let timeout = if has_hung { HEAD_START } else { self.limits.timeout };
        if self.workers.wait(job, timeout).is_err() {
            // The destructor goes on alone.
            self.has_hung_discard.store(true, Ordering::Relaxed);
        }
    }
}

/// The maximum of calls of one kind into one guest that run at once; more are refused.
///
/// Calls of a tick follow each other, but any number of readers may ask for a report. Should it
/// hang then, or ask for itself, each of these calls costs a thread.
const MOST_AT_ONCE: usize = 32;

/// Makes one kind of call into one guest, and counts how the calls end.
///
/// The registry has one for each kind of call into its monitors, observers and listeners. Code
/// that calls guests itself, such as the runner of readiness checks, gets one from
/// [`Registry::guard`](crate::Registry::guard).
#[derive(Debug)]
#[must_use = "its metrics are removed when it is dropped"]
pub struct GuardedCall {
    call: GuestCall,
    guests: Arc<Guests>,
    duration: Latency,
    failures: ByLabel<Reason, Counter>,
    skipped: Gauge,
    /// The first tick at which the call is made again.
    skipped_until: AtomicU64,
    /// `true` if the last call took longer than its budget.
    was_late: AtomicBool,
    /// Shared by all calls that run, abandoned ones included.
    running: Arc<()>,
    /// Calls that were abandoned after the timeout; each can be upgraded until it returns.
    abandoned: Mutex<Vec<Weak<()>>>,
}

impl GuardedCall {
    pub(crate) fn register(
        store: &Store,
        guests: &Arc<Guests>,
        guest: &str,
        call: GuestCall,
    ) -> Result<Self, RegisterError> {
        let labels = [guest, call.label()];
        let failures =
            |reason: Reason| store.handle(&GUEST_FAILURES, &[guest, call.label(), reason.label()]);
        Ok(Self {
            call,
            guests: guests.clone(),
            duration: store.handle(&GUEST_CALL_DURATION, &labels)?,
            failures: ByLabel::try_from_fn(failures)?,
            skipped: store.handle(&GUEST_SKIPPED, &labels)?,
            skipped_until: AtomicU64::new(0),
            was_late: AtomicBool::new(false),
            running: Arc::default(),
            abandoned: Mutex::default(),
        })
    }

    /// Runs a call on a worker thread of the registry, and waits for it with a timeout.
    ///
    /// It blocks, so do not use it in async code. The timeout is 100 ms by default, for reports 5 s.
    ///
    /// # Errors
    /// [`GuestError`] if the call panicked or did not return in time, if it was skipped because
    /// an earlier one failed, or if the system has no thread for it.
    pub fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, GuestError> {
        self.start(work)?.finish()
    }

    /// Starts a call on a worker thread.
    pub(crate) fn start<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Started<'_, T>, GuestError> {
        self.start_fallible(move || Ok(work()))
    }

    /// Starts a call that may say itself that the guest panicked.
    pub(crate) fn start_fallible<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Panicked> + Send + 'static,
    ) -> Result<Started<'_, T>, GuestError> {
        let place = self.admit()?;
        let clock = self.guests.clock.clone();
        let running = Arc::new(());
        let token = Arc::downgrade(&running);
        let job = move || -> Returned<T> {
            let start = clock.now();
            // `work`, its captures and the payload of its panic are dropped here: the caller is
            // the only owner of shared data again, and runs no destructor of a guest.
            let result = contain(work).flatten();
            Returned { result, took: clock.since(start), _running: running, _place: place }
        };
        let job = self.guests.workers.start(job).map_err(|_| GuestError::NoThread)?;
        Ok(Started::new(self, job, token))
    }

    /// The timeout of a call.
    pub(crate) fn timeout(&self) -> Duration {
        match self.call {
            GuestCall::Report => self.guests.limits.report_timeout,
            _ => self.guests.limits.timeout,
        }
    }

    pub(crate) fn workers(&self) -> &Workers {
        &self.guests.workers
    }

    /// Counts a call as hung, and makes no further one until its `token` is gone.
    pub(crate) fn abandon(&self, token: Weak<()>) {
        lock(&self.abandoned).push(token);
        self.fail(Reason::Hung);
    }

    /// Counts a call that returned or panicked.
    pub(crate) fn note<T>(
        &self,
        result: Result<T, Panicked>,
        took: Duration,
    ) -> Result<T, GuestError> {
        self.duration.record(took);
        // Each call that fails is counted once.
        let is_late = result.is_ok() && took > self.guests.limits.budgets[self.call];
        let was_late = self.was_late.swap(is_late, Ordering::Relaxed);
        if is_late {
            self.count(Reason::Overrun);
        }
        // A single late call is tolerated: the machine may just have been busy.
        if is_late && was_late {
            self.skip();
        }
        result.map_err(|Panicked| {
            self.fail(Reason::Panic);
            GuestError::Panicked
        })
    }

    /// Wraps a future so that a panic becomes an error and its end is counted.
    ///
    /// It is polled on the caller's task. The deadline is the caller's: a future that is dropped
    /// before it is ready counts as hung.
    pub fn contain<F: Future>(self: &Arc<Self>, future: F) -> Contained<F> {
        Contained::new(self.clone(), future)
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.guests.clock
    }

    /// Sets the gauge of skipped calls back to 0 if the call is not skipped any more, at a tick
    /// that does not make the call.
    pub(crate) fn settle(&self) {
        let _ = self.admit();
    }

    /// Returns an error while an abandoned call still runs, while the call is skipped, or beyond
    /// [`MOST_AT_ONCE`]; a call that is admitted holds its place until it returns.
    fn admit(&self) -> Result<Arc<()>, GuestError> {
        let mut abandoned = lock(&self.abandoned);
        abandoned.retain(|call| call.strong_count() > 0);
        if !abandoned.is_empty() {
            return Err(GuestError::Hung);
        }
        if self.guests.tick() < self.skipped_until.load(Ordering::Relaxed) {
            return Err(GuestError::Skipped);
        }
        self.skipped.set(0.0);
        // Exact, since places are given under the lock only.
        if Arc::strong_count(&self.running) > MOST_AT_ONCE {
            return Err(GuestError::Busy);
        }
        Ok(self.running.clone())
    }

    /// Counts a call that panicked or hung; one that is made every tick is skipped for some ticks.
    pub(crate) fn fail(&self, reason: Reason) {
        self.count(reason);
        self.skip();
        // A report that hangs is also skipped until it returns. Checks have their own runner,
        // which decides when to ask again.
        if matches!((self.call, reason), (GuestCall::Report | GuestCall::Readiness, Reason::Hung)) {
            self.skipped.set(1.0);
        }
    }

    fn count(&self, reason: Reason) {
        self.failures[reason].inc();
    }

    fn skip(&self) {
        if self.call.is_of_a_tick() {
            let next = self.guests.tick() + 1;
            // Saturating: so many ticks may be a way to say for ever.
            let until = next.saturating_add(self.guests.limits.skip_ticks);
            self.skipped_until.store(until, Ordering::Relaxed);
            self.skipped.set(1.0);
        }
    }
}
