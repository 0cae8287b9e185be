//! A watched pool: its series, and the source that polls ask for its levels.

use std::any::TypeId;
use std::ptr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use node0_metrics_core::{Counter, Instance, Peak, RegisterError, Registry, contain, lock};

use crate::cells::TrackedCells;
use crate::descs::SOURCE_PANICS;
use crate::ledger::Overdue;
use crate::levels::{PoolGauges, PoolLevels};
use crate::recorder::Recorder;
use crate::thresholds::Thresholds;

/// The most leaks that are listed one by one.
const LISTED_LEAKS: usize = 20;

/// A pool that is watched.
pub(crate) struct WatchedPool {
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) thresholds: Mutex<Thresholds>,
    /// `None` if the pool is known by a closure only.
    pub(crate) id: Option<PoolId>,
    source: Box<dyn Source>,
    /// `None` once the pool is gone: these series end then, those of the recorder with its handles.
    pub(crate) polled: Mutex<Option<Polled>>,
}

/// Identifies a pool, so that it is not watched under two names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PoolId {
    kind: TypeId,
    address: usize,
}

/// The pool itself, which polls ask for its levels.
pub(crate) trait Source: Send + Sync {
    /// Returns `true` while the pool exists; called under a lock, so it must be quick.
    fn is_alive(&self) -> bool {
        true
    }

    /// Returns the pool's levels; `None` when it is gone.
    fn levels(&self) -> Option<PoolLevels>;
}

/// The series that polls fill, and the leaks that the last one found.
#[derive(Debug)]
pub(crate) struct Polled {
    pub(crate) levels: PoolGauges,
    /// `None` until the first guard: only the ends of waits and uses are known.
    pub(crate) tracked: Option<TrackedCells>,
    /// The longest held connections past the leak threshold.
    pub(crate) suspects: Vec<Overdue>,
    source_panics: Counter,
}

impl PoolId {
    /// Identifies a pool by a part of it that all its clones share, and that lives as long as the
    /// source of its levels.
    pub(crate) fn of<T: 'static>(part: &T) -> Self {
        Self { kind: TypeId::of::<T>(), address: ptr::from_ref(part).addr() }
    }
}

impl WatchedPool {
    /// Registers a pool with the levels that its source answered first.
    pub(crate) fn register(
        registry: &Registry,
        name: &str,
        recorder: Recorder,
        source: impl Source + 'static,
        first: &PoolLevels,
    ) -> Result<Self, RegisterError> {
        let mut levels = PoolGauges::default();
        levels.learn(registry, &[name], first)?;
        let source_panics = registry.counter(&SOURCE_PANICS, &[name])?;
        let polled = Polled { levels, tracked: None, suspects: Vec::new(), source_panics };
        Ok(Self {
            recorder: Arc::new(recorder),
            thresholds: Mutex::default(),
            id: None,
            source: Box::new(source),
            polled: Mutex::new(Some(polled)),
        })
    }

    /// Returns `true` for the pool with this identity.
    pub(crate) fn is(&self, id: PoolId) -> bool {
        self.id == Some(id)
    }

    /// Registers the series of ages and leaks, unless the pool is gone; returns the peak of uses.
    pub(crate) fn track(&self, registry: &Registry, name: &str) -> Result<Peak, RegisterError> {
        let mut polled = lock(&self.polled);
        let Some(polled) = &mut *polled else { return Ok(Peak::disabled()) };
        let cells = TrackedCells::register(registry, &[name])?;
        // Zero would be an age.
        cells.oldest_use.set(f64::NAN);
        cells.oldest_wait.set(f64::NAN);
        Ok(polled.tracked.insert(cells).used_peak.clone())
    }

    /// Asks the source for the levels, and fills the series of levels and ages.
    pub(crate) fn poll(&self) {
        // The source is the host's code, so no lock is held here, and its panic must not prevent
        // the poll of other pools.
        let answer = contain(|| self.source.levels());
        let leak_after = lock(&self.thresholds).leak_after;
        let mut polled = lock(&self.polled);
        let Some(shown) = &mut *polled else { return };
        match answer {
            Ok(Some(levels)) => shown.fill(&levels, &self.recorder, leak_after),
            Ok(None) => *polled = None,
            Err(_) => {
                shown.source_panics.inc();
                shown.fill(&PoolLevels::default(), &self.recorder, leak_after);
            }
        }
    }
}

impl Polled {
    fn fill(&mut self, levels: &PoolLevels, recorder: &Recorder, leak_after: Duration) {
        self.levels.set(levels);
        let Some(tracked) = &self.tracked else { return };
        let mut holds = recorder.holds.survey(&recorder.clock, leak_after);
        let waits = recorder.waits.survey(&recorder.clock, Duration::MAX);
        // A peak of more than a minute ago is dropped, unless the level that made it lasts.
        recorder.record_used(levels.used.unwrap_or(holds.entries));
        recorder.record_waiting(levels.waiting.unwrap_or(0));
        let seconds = |age: Option<Duration>| age.map_or(f64::NAN, |age| age.as_secs_f64());
        tracked.oldest_use.set(seconds(holds.oldest));
        tracked.oldest_wait.set(seconds(waits.oldest));
        tracked.leaked.set(holds.overdue.len() as f64);
        tracked.leaks.add(holds.newly_overdue);
        holds.overdue.truncate(LISTED_LEAKS);
        self.suspects = holds.overdue;
    }
}

impl Instance for WatchedPool {
    fn is_alive(&self) -> bool {
        lock(&self.polled).is_some() && self.source.is_alive()
    }
}

impl<F: Fn() -> Option<PoolLevels> + Send + Sync> Source for F {
    fn levels(&self) -> Option<PoolLevels> {
        self()
    }
}
