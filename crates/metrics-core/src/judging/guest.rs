//! The one place where code of others is called.
//!
//! Monitors, observers, readiness checks and listeners are guests: code that the core does not
//! know. Any of them may panic, be slow or never return. Each call runs on a worker thread, and
//! the caller waits for it with a limit. So a guest that hangs costs one thread, and never the
//! tick, a worker of a runtime or a probe.
//!
//! Calls are counted by guest and by kind of call. A call within a tick that panicked, or took
//! longer than its budget twice in a row, is left out for some ticks; one that has not returned
//! is left out until it does. Budgets are wall time, and a single late call may only say that
//! the machine was busy, so it is counted and called again.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::naming::desc::Desc;

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
    /// [`ReadinessCheck::check`](crate::ReadinessCheck::check), by whoever answers probes.
    Check,
}

impl GuestCall {
    const COUNT: usize = 7;

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::Judge => "judge",
            Self::Report => "report",
            Self::Readiness => "readiness",
            Self::Observe => "observe",
            Self::Listen => "listen",
            Self::Check => "check",
        }
    }

    /// Whether it belongs to a tick, and so can be left out for some.
    pub(crate) fn is_of_a_tick(self) -> bool {
        !matches!(self, Self::Report | Self::Readiness | Self::Check)
    }
}

/// What calls into guests may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// A call that took longer is an overrun.
    pub(crate) budgets: [Duration; GuestCall::COUNT],
    /// A call that takes longer is given up, unless it is a report.
    pub(crate) patience: Duration,
    /// A report that takes longer is given up.
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
            budgets: [1, 10, 500, 10, 50, 10, 1000].map(Duration::from_millis),
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
    /// It runs too often at once already.
    #[error("is called too often at once")]
    Busy,
    /// The system gave no thread to run it on.
    #[error("could not be called: the system gave no thread")]
    NoThread,
}

/// A call that panicked.
#[derive(Debug)]
pub(crate) struct Panicked;

/// Calls code of others, and drops what it panicked with where it was called.
pub(crate) fn contain<T>(call: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| {
        discard(payload);
        Panicked
    })
}

/// Drops what others made: its destructor is code of theirs and may panic too.
pub(crate) fn discard<T>(made: T) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(made))) {
        // Dropping that might panic again, and so on for ever.
        mem::forget(payload);
    }
}
