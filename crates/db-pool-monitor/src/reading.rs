//! The numbers of one pool, read from a view for judgements and reports.

use std::time::Duration;

use node0_metrics_core::{InstanceName, Named, View, lock};

use crate::cells::{EndReading, HookReading, Outcome, TrackedReading};
use crate::ledger::Overdue;
use crate::levels::PoolLevels;
use crate::thresholds::Thresholds;
use crate::watched::WatchedPool;

/// The numbers of one pool in a view, and its present thresholds.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) name: InstanceName,
    pub(crate) thresholds: Thresholds,
    pub(crate) levels: PoolLevels,
    pub(crate) ends: EndReading<'a>,
    /// `None` for a pool without guards.
    pub(crate) tracked: Option<TrackedReading<'a>>,
    /// The longest held connections past the leak threshold.
    pub(crate) suspects: Vec<Overdue>,
    /// `None` for a pool whose queue is not seen.
    pub(crate) waiting_peak: Option<u64>,
    /// `None` for a pool without hooks.
    pub(crate) hooks: Option<HookReading<'a>>,
}

impl<'a> Reading<'a> {
    /// Reads a pool; `None` if it is gone.
    pub(crate) fn of(pool: &Named<WatchedPool>, view: &View<'a>) -> Option<Self> {
        let polled = lock(&pool.polled);
        let polled = polled.as_ref()?;
        let recorder = &pool.recorder;
        Some(Self {
            name: pool.name().clone(),
            thresholds: *lock(&pool.thresholds),
            levels: polled.levels.read(view),
            ends: recorder.ends.read(view),
            tracked: polled.tracked.as_ref().map(|cells| cells.read(view)),
            suspects: polled.suspects.clone(),
            waiting_peak: recorder.queue.as_ref().map(|queue| view.peak(&queue.waiting_peak)),
            hooks: recorder.hooks.as_ref().map(|hooks| hooks.read(view)),
        })
    }

    /// Returns the number of recent waits.
    pub(crate) fn recent_attempts(&self) -> u64 {
        self.ends.outcomes.values().map(|count| count.recent).sum()
    }

    /// Returns the number of recent waits that failed or timed out.
    pub(crate) fn recent_errors(&self) -> u64 {
        let outcomes = &self.ends.outcomes;
        outcomes[Outcome::Failed].recent + outcomes[Outcome::TimedOut].recent
    }

    pub(crate) fn oldest_wait(&self) -> Option<Duration> {
        age(self.tracked.as_ref()?.oldest_wait)
    }
}

/// Converts the value of a gauge of ages, in seconds.
pub(crate) fn age(seconds: Option<f64>) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds?).ok()
}
