//! Guests: the kinds of calls into them, their limits and their failures.
//!
//! Monitors, observers, readiness checks and listeners are guests: code that the core calls and
//! does not know. Any of them may panic, be slow or never return. Each call therefore runs on a
//! worker thread, and the caller waits for it with a timeout. A guest that hangs blocks one
//! worker thread, but no tick, no worker of an async runtime and no probe. Readiness checks are
//! futures, which their caller polls: [`GuardedCall::contain`] counts them in the same way.
//!
//! Calls are counted by guest and by kind of call. A call that a tick makes is skipped for some
//! ticks after it panicked, or overran its budget twice in a row. A call that has not returned
//! is not made again until it does. Budgets are wall time, so a single late call may only mean
//! that the machine was busy: it is counted, and made again at the next tick.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

#[cfg(doc)]
use crate::judging::guarded_call::GuardedCall;
use crate::label_set;
use crate::naming::by_label::ByLabel;
use crate::naming::desc::Desc;

/// The duration of calls into guests.
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

/// 1 for the calls that are skipped at the moment.
pub const GUEST_SKIPPED: Desc = Desc::gauge(
    "node0_guest_skipped",
    "1 while this call into a guest is skipped because it failed before, else 0.",
)
.labels(&["guest", "call"]);

label_set! {
    /// A kind of call into a guest.
    #[non_exhaustive]
    pub enum GuestCall {
        /// [`Monitor::poll`](crate::Monitor::poll), once a tick.
        Poll = "poll",
        /// [`Monitor::judge`](crate::Monitor::judge), once a tick.
        Judge = "judge",
        /// [`Monitor::report`](crate::Monitor::report), on request.
        Report = "report",
        /// [`Monitor::readiness`](crate::Monitor::readiness), on request.
        Readiness = "readiness",
        /// [`Observer::observe`](crate::Observer::observe), once a tick.
        Observe = "observe",
        /// A listener to events, once a tick with events.
        Listen = "listen",
        /// [`ReadinessCheck::check`](crate::ReadinessCheck::check), called by the server of the probes.
        Check = "check",
    }
}

label_set! {
    /// The ways in which a call can fail, as counted.
    pub(crate) enum Reason {
        Panic = "panic",
        Overrun = "overrun",
        Hung = "hung",
    }
}

impl GuestCall {
    /// Returns `true` if ticks make this call, so that it can be skipped for some of them.
    pub(crate) fn is_of_a_tick(self) -> bool {
        !matches!(self, Self::Report | Self::Readiness | Self::Check)
    }

    /// The default budget.
    fn budget(self) -> Duration {
        Duration::from_millis(match self {
            Self::Poll => 1,
            Self::Judge | Self::Readiness | Self::Listen => 10,
            Self::Observe => 50,
            Self::Report => 500,
            Self::Check => 1000,
        })
    }
}

/// The time limits of calls into guests.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// The budget of each kind of call; a call that took longer is an overrun.
    pub(crate) budgets: ByLabel<GuestCall, Duration>,
    /// The timeout of every call but a report.
    pub(crate) timeout: Duration,
    /// The timeout of a report.
    pub(crate) report_timeout: Duration,
    /// The number of ticks for which a failed call is skipped.
    pub(crate) skip_ticks: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            budgets: ByLabel::from_fn(GuestCall::budget),
            timeout: Duration::from_millis(100),
            report_timeout: Duration::from_secs(5),
            skip_ticks: 10,
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
    /// It did not return in time, or an earlier call still runs.
    #[error("did not return")]
    Hung,
    /// It was not called: it is skipped for some ticks because it failed before.
    #[error("is skipped, because it failed before")]
    Skipped,
    /// It was not called: too many calls of the kind run already.
    #[error("is refused: too many calls of this kind run already")]
    Busy,
    /// It was not called: the system could not start a thread.
    #[error("could not be called: the system gave no thread")]
    NoThread,
}

/// A call that panicked, see [`contain`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("panicked")]
pub struct Panicked;

/// Calls code of others, and turns a panic into an error.
///
/// The payload of a panic is dropped here too, since its destructor is code of others as well.
/// Use it where a [`GuardedCall`] is too much, such as for one of many sources that one call asks.
///
/// ```
/// use node0_metrics_core::{Panicked, contain};
///
/// assert_eq!(contain(|| 7), Ok(7));
/// # let hook = std::panic::take_hook();
/// # std::panic::set_hook(Box::new(|_| {}));
/// assert_eq!(contain(|| -> u8 { panic!("a lock is poisoned") }), Err(Panicked));
/// # std::panic::set_hook(hook);
/// ```
///
/// # Errors
/// [`Panicked`] if the call panicked.
pub fn contain<T>(call: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| {
        discard(payload);
        Panicked
    })
}

/// Drops a value of others, whose destructor is code of theirs and may panic.
///
/// Use it for the error of a task that panicked: it holds the payload.
pub fn discard<T>(made: T) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(made))) {
        // Dropping that might panic again, and so on for ever.
        mem::forget(payload);
    }
}
