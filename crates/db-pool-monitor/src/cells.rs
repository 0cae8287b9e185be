//! The series of a pool, in groups by the source that they need.
//!
//! Every pool has the series of ended waits and uses. Those of running waits and uses need
//! guards. The peak of waiting callers, and the phase in which a wait timed out, need an adapter
//! that sees the pool's queue. The phases of all waits, and the connections opened, recycled and
//! discarded, need hooks in the pool.

use std::time::Duration;

use node0_metrics_core::{ByLabel, Counter, Gauge, Latency, Peak, instruments, label_set};

use crate::descs::*;

label_set! {
    /// The end of a wait.
    pub(crate) enum Outcome {
        Acquired = "acquired",
        TimedOut = "timed_out",
        /// No connection could be opened, or the pool is closed.
        Failed = "failed",
        /// The caller cancelled the wait.
        Cancelled = "cancelled",
    }
}

label_set! {
    /// A part of a wait.
    pub enum WaitPhase {
        /// For a permit, while all connections are taken.
        Permit = "permit",
        /// For the check of an idle connection.
        Recycle = "recycle",
        /// For a new connection.
        Connect = "connect",
    }
}

label_set! {
    /// The part of a wait in which its deadline passed, as far as pools report it.
    pub(crate) enum TimedOutIn {
        Permit = "permit",
        Connect = "connect",
    }
}

label_set! {
    /// The reason for which a connection left its pool.
    pub(crate) enum Discarded {
        /// It failed the check before it would be used again.
        RecycleFailed = "recycle_failed",
        /// The caller gave up during that check.
        Cancelled = "cancelled",
        /// A caller took it out for good.
        Taken = "taken",
    }
}

instruments! {
    /// The series of waits and uses that have ended; every pool has them.
    pub(crate) struct EndCells, read as EndReading {
        pub(crate) wait: Latency = WAIT_DURATION,
        pub(crate) hold: Latency = USE_DURATION,
        pub(crate) outcomes: ByLabel<Outcome, Counter> = ACQUIRES,
    }
}

instruments! {
    /// The series of waits and uses that go on, for pools with guards; polls set all but the peak.
    pub(crate) struct TrackedCells, read as TrackedReading {
        pub(crate) used_peak: Peak = CONNECTIONS_USED_PEAK,
        pub(crate) oldest_use: Gauge = OLDEST_USE_AGE,
        pub(crate) oldest_wait: Gauge = OLDEST_WAIT_AGE,
        pub(crate) leaked: Gauge = LEAKED_CONNECTIONS,
        pub(crate) leaks: Counter = LEAKS,
    }
}

instruments! {
    /// The series of the queue, for pools whose adapter sees it.
    pub(crate) struct QueueCells, read as QueueReading {
        pub(crate) waiting_peak: Peak = PENDING_REQUESTS_PEAK,
        pub(crate) timeouts: ByLabel<TimedOutIn, Counter> = TIMEOUTS,
    }
}

instruments! {
    /// The series of opened, recycled and discarded connections, for pools with hooks.
    pub(crate) struct HookCells, read as HookReading {
        pub(crate) phases: ByLabel<WaitPhase, Latency> = WAIT_PHASE_DURATION,
        pub(crate) opened: Counter = CONNECTIONS_OPENED,
        pub(crate) recycled: Counter = CONNECTIONS_RECYCLED,
        pub(crate) discarded: ByLabel<Discarded, Counter> = CONNECTIONS_DISCARDED,
    }
}

impl EndCells {
    /// Records a wait that ended.
    #[inline]
    pub(crate) fn waited(&self, wait: Duration, outcome: Outcome) {
        self.wait.record(wait);
        self.outcomes[outcome].inc();
    }
}
