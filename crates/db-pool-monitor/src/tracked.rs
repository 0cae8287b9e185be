//! What is known of a pool whose waits and holds are followed from their start.
//!
//! A wait or a hold that is told of when it has ended leaves nothing to say about those
//! that go on. An adapter that is there from the start enters them in ledgers: so there
//! are peaks between two polls, ages, and leaks.

use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics_core::{Clock, Counter, Gauge, Peak, RegisterError, Registry};

use crate::cells::PoolCells;
use crate::descs::{
    CONNECTIONS_USED_PEAK, LEAKED_CONNECTIONS, LEAKS, OLDEST_USE_AGE, OLDEST_WAIT_AGE,
    PENDING_REQUESTS_PEAK, TIMEOUTS,
};
use crate::ledger::Ledger;
use crate::levels::PoolLevels;
use crate::phases::Phases;

/// The most leaks that are listed one by one.
const LISTED_LEAKS: usize = 20;

/// Everything that an adapter records of one pool.
#[derive(Debug)]
pub(crate) struct Tracked {
    pub(crate) cells: PoolCells,
    pub(crate) clock: Clock,
    pub(crate) holds: Ledger,
    pub(crate) waits: Ledger,
    pub(crate) used_peak: Peak,
    pub(crate) waiting_peak: Peak,
    pub(crate) permit_timeouts: Counter,
    pub(crate) connect_timeouts: Counter,
    /// Absent for a pool that was built without our hooks.
    pub(crate) phases: Option<Arc<Phases>>,
}

/// What polls read from the ledgers: it is the watch's alone, so it ends with the pool,
/// also when a leaked connection outlives that.
#[derive(Debug)]
pub(crate) struct Ages {
    pub(crate) tracked: Arc<Tracked>,
    pub(crate) oldest_use: Gauge,
    pub(crate) oldest_wait: Gauge,
    pub(crate) leaked: Gauge,
    pub(crate) leaks: Counter,
    suspects: Mutex<Vec<Suspect>>,
}

/// A connection held for too long: how long, and since which line of code.
pub(crate) type Suspect = (Duration, &'static Location<'static>);

impl Tracked {
    pub(crate) fn register(
        registry: &Registry,
        cells: PoolCells,
        phases: Option<Arc<Phases>>,
    ) -> Result<Self, RegisterError> {
        let name = &*cells.name;
        let timeouts = |phase| registry.counter(&TIMEOUTS, &[name, phase]);
        Ok(Self {
            clock: registry.clock().clone(),
            holds: Ledger::default(),
            waits: Ledger::default(),
            used_peak: registry.peak(&CONNECTIONS_USED_PEAK, &[name])?,
            waiting_peak: registry.peak(&PENDING_REQUESTS_PEAK, &[name])?,
            permit_timeouts: timeouts("permit")?,
            connect_timeouts: timeouts("connect")?,
            phases,
            cells,
        })
    }
}

impl Ages {
    pub(crate) fn register(
        registry: &Registry,
        tracked: Arc<Tracked>,
    ) -> Result<Self, RegisterError> {
        let name = &*tracked.cells.name;
        Ok(Self {
            oldest_use: registry.gauge(&OLDEST_USE_AGE, &[name])?,
            oldest_wait: registry.gauge(&OLDEST_WAIT_AGE, &[name])?,
            leaked: registry.gauge(&LEAKED_CONNECTIONS, &[name])?,
            leaks: registry.counter(&LEAKS, &[name])?,
            suspects: Mutex::default(),
            tracked,
        })
    }

    /// Copies what only a poll can know.
    pub(crate) fn observe(&self, levels: PoolLevels, leak_after: Duration) {
        let Tracked { holds, waits, clock, .. } = &*self.tracked;
        // A peak ages; a level that stays does not.
        self.tracked.used_peak.record(levels.used.unwrap_or(0));
        self.tracked.waiting_peak.record(levels.waiting.unwrap_or(0));
        let holds = holds.survey(clock, leak_after);
        let waits = waits.survey(clock, Duration::MAX);
        let seconds = |age: Option<Duration>| age.map_or(f64::NAN, |age| age.as_secs_f64());
        self.oldest_use.set(seconds(holds.oldest));
        self.oldest_wait.set(seconds(waits.oldest));
        self.leaked.set(holds.overdue.len() as f64);
        self.leaks.add(holds.newly_overdue);
        let mut suspects = holds.overdue;
        suspects.truncate(LISTED_LEAKS);
        *self.suspects.lock().unwrap_or_else(PoisonError::into_inner) = suspects;
    }

    /// The longest held connections past the leak threshold, as of the last poll.
    pub(crate) fn suspects(&self) -> Vec<Suspect> {
        let suspects = self.suspects.lock();
        suspects.unwrap_or_else(PoisonError::into_inner).clone()
    }
}
