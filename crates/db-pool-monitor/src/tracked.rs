//! Pools whose waits and holds are followed from their start.
//!
//! A wait or a hold that is reported only when it has ended says nothing about
//! those that go on. Guards stand for them from their start, and enter them in
//! ledgers: so there are ages, leaks, and peaks between two polls.

use std::panic::Location;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use metrics_core::{Clock, Counter, Gauge, Peak, RegisterError, Registry};

use crate::cells::PoolCells;
use crate::descs::{LEAKED_CONNECTIONS, LEAKS, OLDEST_USE_AGE, OLDEST_WAIT_AGE};
use crate::hooks::HookCells;
use crate::ledger::Ledger;
use crate::levels::PoolLevels;

/// The most leaks that are listed one by one.
const LISTED_LEAKS: usize = 20;

/// What the guards of one pool record into.
#[derive(Debug)]
pub(crate) struct Tracked {
    pub(crate) cells: PoolCells,
    pub(crate) clock: Clock,
    pub(crate) holds: Ledger,
    pub(crate) waits: Ledger,
    pub(crate) used_peak: Peak,
    /// Present where an adapter reads, at each wait, how many callers wait.
    pub(crate) waiting_peak: Option<Peak>,
    /// Present where an adapter has put hooks into the pool.
    pub(crate) hooks: Option<Arc<HookCells>>,
}

/// What polls read from the ledgers.
///
/// It belongs to the watch alone, so its series end with the pool, also when a
/// leaked connection outlives that.
#[derive(Debug)]
pub(crate) struct Ages {
    pub(crate) tracked: Arc<Tracked>,
    pub(crate) oldest_use: Gauge,
    pub(crate) oldest_wait: Gauge,
    pub(crate) leaked: Gauge,
    pub(crate) leaks: Counter,
    suspects: Mutex<Vec<Suspect>>,
}

/// The ages of a pool, empty until the first guard.
pub(crate) type LateAges = Arc<OnceLock<Ages>>;

/// A connection held for too long: how long, and since which line of code.
pub(crate) type Suspect = (Duration, &'static Location<'static>);

impl Tracked {
    /// Follows a pool by its guards alone: without hooks, and without a peak of waiting callers.
    pub(crate) fn new(registry: &Registry, cells: PoolCells, used_peak: Peak) -> Self {
        Self {
            cells,
            clock: registry.clock().clone(),
            holds: Ledger::default(),
            waits: Ledger::default(),
            used_peak,
            waiting_peak: None,
            hooks: None,
        }
    }
}

impl Ages {
    pub(crate) fn register(
        registry: &Registry,
        tracked: Arc<Tracked>,
    ) -> Result<Self, RegisterError> {
        let name = &*tracked.cells.name;
        let ages = Self {
            oldest_use: registry.gauge(&OLDEST_USE_AGE, &[name])?,
            oldest_wait: registry.gauge(&OLDEST_WAIT_AGE, &[name])?,
            leaked: registry.gauge(&LEAKED_CONNECTIONS, &[name])?,
            leaks: registry.counter(&LEAKS, &[name])?,
            suspects: Mutex::default(),
            tracked,
        };
        // Zero would be an age.
        ages.oldest_use.set(f64::NAN);
        ages.oldest_wait.set(f64::NAN);
        Ok(ages)
    }

    /// Copies what only a poll can know.
    pub(crate) fn observe(&self, levels: PoolLevels, leak_after: Duration) {
        let Tracked { holds, waits, clock, used_peak, waiting_peak, .. } = &*self.tracked;
        let holds = holds.survey(clock, leak_after);
        let waits = waits.survey(clock, Duration::MAX);
        // A peak ages; a level that stays does not.
        used_peak.record(levels.used.unwrap_or(holds.entries));
        if let Some(peak) = waiting_peak {
            peak.record(levels.waiting.unwrap_or(0));
        }
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
