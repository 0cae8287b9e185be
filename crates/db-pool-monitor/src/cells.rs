//! The handles of one pool, and what a poll copies into them.

use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool::Status;
use metrics_core::{Clock, Counter, Gauge, Latency, Peak, RegisterError, Registry};

use crate::descs::{
    ACQUIRES, CONNECTING_REQUESTS, CONNECTIONS, CONNECTIONS_MAX, CONNECTIONS_USED_PEAK,
    LEAKED_CONNECTIONS, LEAKS, OLDEST_USE_AGE, OLDEST_WAIT_AGE, PENDING_REQUESTS,
    PENDING_REQUESTS_PEAK, TIMEOUTS, USE_DURATION, WAIT_DURATION,
};
use crate::ledger::{Ledger, Survey};
use crate::phases::Phases;
use crate::thresholds::Thresholds;

/// The most leaks that are listed one by one.
const LISTED_LEAKS: usize = 20;

/// Everything that is recorded of one pool.
#[derive(Debug)]
pub(crate) struct PoolCells {
    pub(crate) name: Box<str>,
    pub(crate) thresholds: Thresholds,
    pub(crate) clock: Clock,
    pub(crate) wait: Latency,
    pub(crate) hold: Latency,
    pub(crate) outcomes: Outcomes,
    pub(crate) levels: LevelGauges,
    pub(crate) used_peak: Peak,
    pub(crate) waiting_peak: Peak,
    pub(crate) ages: Ages,
    /// Absent for a pool that was built without our hooks.
    pub(crate) phases: Option<Arc<Phases>>,
    pub(crate) holds: Ledger,
    pub(crate) waits: Ledger,
    suspects: Mutex<Vec<Suspect>>,
}

/// A connection held for too long: how long, and since which line of code.
pub(crate) type Suspect = (Duration, &'static Location<'static>);

/// Ended waits by outcome.
#[derive(Debug)]
pub(crate) struct Outcomes {
    pub(crate) acquired: Counter,
    pub(crate) timed_out: Counter,
    pub(crate) failed: Counter,
    pub(crate) cancelled: Counter,
    pub(crate) permit_timeouts: Counter,
    pub(crate) connect_timeouts: Counter,
}

/// [`Levels`] as gauges.
#[derive(Debug)]
pub(crate) struct LevelGauges {
    pub(crate) used: Gauge,
    pub(crate) idle: Gauge,
    pub(crate) max: Gauge,
    pub(crate) waiting: Gauge,
    pub(crate) connecting: Gauge,
}

/// What the ledgers say.
#[derive(Debug)]
pub(crate) struct Ages {
    pub(crate) oldest_use: Gauge,
    pub(crate) oldest_wait: Gauge,
    pub(crate) leaked: Gauge,
    pub(crate) leaks: Counter,
}

impl PoolCells {
    pub(crate) fn register(
        registry: &Registry,
        name: &str,
        thresholds: Thresholds,
        phases: Option<Arc<Phases>>,
    ) -> Result<Self, RegisterError> {
        Ok(Self {
            name: name.into(),
            thresholds,
            clock: registry.clock().clone(),
            wait: registry.latency(&WAIT_DURATION, &[name])?,
            hold: registry.latency(&USE_DURATION, &[name])?,
            outcomes: Outcomes::register(registry, name)?,
            levels: LevelGauges::register(registry, name)?,
            used_peak: registry.peak(&CONNECTIONS_USED_PEAK, &[name])?,
            waiting_peak: registry.peak(&PENDING_REQUESTS_PEAK, &[name])?,
            ages: Ages::register(registry, name)?,
            phases,
            holds: Ledger::default(),
            waits: Ledger::default(),
            suspects: Mutex::default(),
        })
    }

    /// Copies what only a poll can know.
    pub(crate) fn observe(&self, status: Status) {
        let levels = Levels::of(status);
        self.levels.set(levels);
        self.used_peak.record(levels.used);
        self.waiting_peak.record(levels.waiting);
        let holds = self.holds.survey(&self.clock, self.thresholds.leak_after);
        let waits = self.waits.survey(&self.clock, Duration::MAX);
        self.ages.set(&holds, waits.oldest);
        let mut suspects = holds.overdue;
        suspects.truncate(LISTED_LEAKS);
        *self.suspects.lock().unwrap_or_else(PoisonError::into_inner) = suspects;
    }

    /// Says that the pool is gone: a leaked connection may keep its series, not its last levels.
    pub(crate) fn retire(&self) {
        for gauge in self.levels.all().into_iter().chain(self.ages.all()) {
            gauge.set(f64::NAN);
        }
    }

    /// The longest held connections past the leak threshold, as of the last poll.
    pub(crate) fn suspects(&self) -> Vec<Suspect> {
        let suspects = self.suspects.lock();
        suspects.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Outcomes {
    fn register(registry: &Registry, name: &str) -> Result<Self, RegisterError> {
        let outcome = |outcome| registry.counter(&ACQUIRES, &[name, outcome]);
        let timeout = |phase| registry.counter(&TIMEOUTS, &[name, phase]);
        Ok(Self {
            acquired: outcome("acquired")?,
            timed_out: outcome("timed_out")?,
            failed: outcome("failed")?,
            cancelled: outcome("cancelled")?,
            permit_timeouts: timeout("permit")?,
            connect_timeouts: timeout("connect")?,
        })
    }
}

impl LevelGauges {
    fn register(registry: &Registry, name: &str) -> Result<Self, RegisterError> {
        Ok(Self {
            used: registry.gauge(&CONNECTIONS, &[name, "used"])?,
            idle: registry.gauge(&CONNECTIONS, &[name, "idle"])?,
            max: registry.gauge(&CONNECTIONS_MAX, &[name])?,
            waiting: registry.gauge(&PENDING_REQUESTS, &[name])?,
            connecting: registry.gauge(&CONNECTING_REQUESTS, &[name])?,
        })
    }

    fn all(&self) -> [&Gauge; 5] {
        [&self.used, &self.idle, &self.max, &self.waiting, &self.connecting]
    }

    fn set(&self, levels: Levels) {
        self.used.set(levels.used as f64);
        self.idle.set(levels.idle as f64);
        self.max.set(levels.max as f64);
        self.waiting.set(levels.waiting as f64);
        self.connecting.set(levels.connecting as f64);
    }
}

impl Ages {
    fn register(registry: &Registry, name: &str) -> Result<Self, RegisterError> {
        Ok(Self {
            oldest_use: registry.gauge(&OLDEST_USE_AGE, &[name])?,
            oldest_wait: registry.gauge(&OLDEST_WAIT_AGE, &[name])?,
            leaked: registry.gauge(&LEAKED_CONNECTIONS, &[name])?,
            leaks: registry.counter(&LEAKS, &[name])?,
        })
    }

    fn all(&self) -> [&Gauge; 3] {
        [&self.oldest_use, &self.oldest_wait, &self.leaked]
    }

    fn set(&self, holds: &Survey, oldest_wait: Option<Duration>) {
        let seconds = |age: Option<Duration>| age.map_or(f64::NAN, |age| age.as_secs_f64());
        self.oldest_use.set(seconds(holds.oldest));
        self.oldest_wait.set(seconds(oldest_wait));
        self.leaked.set(holds.overdue.len() as f64);
        self.leaks.add(holds.newly_overdue);
    }
}

/// How full a pool is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Levels {
    pub(crate) used: u64,
    pub(crate) idle: u64,
    pub(crate) max: u64,
    /// Callers without a permit: as many as are too many for the pool.
    pub(crate) waiting: u64,
    /// Callers with a permit, for whom there is no connection yet.
    pub(crate) connecting: u64,
}

impl Levels {
    /// Reads a pool's own status, whose `waiting` also counts callers that are being connected.
    pub(crate) fn of(status: Status) -> Self {
        let used = status.size.saturating_sub(status.available);
        let callers = used + status.waiting;
        // A pool that was shrunk keeps a permit for each connection until that is returned.
        let permits = status.max_size.max(status.size);
        let waiting = callers.saturating_sub(permits);
        Self {
            used: used as u64,
            idle: status.available as u64,
            max: status.max_size as u64,
            waiting: waiting as u64,
            connecting: (status.waiting - waiting.min(status.waiting)) as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: (usize, usize, usize, usize), expected: (u64, u64, u64, u64)) {
        let (max_size, size, available, waiting) = status;
        let levels = Levels::of(Status { max_size, size, available, waiting });
        let found = (levels.used, levels.idle, levels.waiting, levels.connecting);
        assert_eq!(found, expected, "{status:?}");
    }

    #[test]
    fn callers_whose_connection_is_opened_do_not_wait() {
        check((8, 0, 0, 1), (0, 0, 0, 1));
        check((2, 0, 0, 10), (0, 0, 8, 2));
        check((2, 1, 0, 9), (1, 0, 8, 1));
        check((2, 2, 0, 8), (2, 0, 8, 0));
    }

    #[test]
    fn a_shrunk_pool_has_no_waiting_callers_while_its_holders_are_fewer_than_its_connections() {
        check((1, 2, 0, 0), (2, 0, 0, 0));
        check((1, 2, 0, 3), (2, 0, 3, 0));
        check((0, 1, 0, 0), (1, 0, 0, 0));
    }

    #[test]
    fn idle_connections_are_what_nobody_uses() {
        check((8, 5, 3, 0), (2, 3, 0, 0));
    }
}
