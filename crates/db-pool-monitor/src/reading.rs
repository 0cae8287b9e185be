//! The numbers of one pool, read from a view for judgements and reports.

use std::sync::Arc;
use std::time::Duration;

use metrics_core::{InstanceName, Named, View, lock};

use crate::cells::{EndReading, HookReading, Outcome};
use crate::ledger::Overdue;
use crate::levels::PoolLevels;
use crate::metrics::TrackedMetrics;
use crate::thresholds::Thresholds;
use crate::watched::{Polled, WatchedPool};

/// The numbers of one pool in a view, and the thresholds of the moment.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) name: InstanceName,
    pub(crate) thresholds: Thresholds,
    pub(crate) levels: PoolLevels,
    pub(crate) ends: EndReading<'a>,
    pub(crate) tracked: Option<TrackedMetrics>,
    /// The longest held connections past the leak threshold; `None` where they cannot be known.
    pub(crate) suspects: Option<Vec<Overdue>>,
    pub(crate) hooks: Option<HookReading<'a>>,
}

impl<'a> Reading<'a> {
    /// Reads a pool; `None` if it is gone.
    pub(crate) fn of(pool: &Arc<Named<WatchedPool>>, view: &View<'a>) -> Option<Self> {
        let polled = lock(&pool.polled);
        let polled = polled.as_ref()?;
        Some(Self {
            name: pool.name().clone(),
            thresholds: *lock(&pool.thresholds),
            levels: polled.levels.read(view),
            ends: pool.recorder.ends.read(view),
            tracked: TrackedMetrics::read(pool, polled, view),
            suspects: polled.ages.is_some().then(|| polled.suspects.clone()),
            hooks: pool.recorder.hooks.as_ref().map(|hooks| hooks.read(view)),
        })
    }

    /// Waits that ended lately.
    pub(crate) fn recent_attempts(&self) -> u64 {
        self.ends.outcomes.values().map(|count| count.recent).sum()
    }

    /// Waits that lately ended without a connection, other than by the caller's wish.
    pub(crate) fn recent_errors(&self) -> u64 {
        let outcomes = &self.ends.outcomes;
        outcomes[Outcome::Failed].recent + outcomes[Outcome::TimedOut].recent
    }

    pub(crate) fn oldest_wait(&self) -> Option<Duration> {
        self.tracked.as_ref()?.oldest_wait
    }
}

impl TrackedMetrics {
    fn read(pool: &WatchedPool, polled: &Polled, view: &View<'_>) -> Option<Self> {
        let ages = polled.ages.as_ref()?.read(view);
        let age = |seconds: Option<f64>| Duration::try_from_secs_f64(seconds?).ok();
        let queue = pool.recorder.queue.as_ref();
        Some(Self {
            peak_active_connections: pool.recorder.used_peak.get().map_or(0, |it| view.peak(it)),
            peak_waiting_clients: queue.map(|queue| view.peak(&queue.waiting_peak)),
            oldest_use: age(ages.oldest_use),
            oldest_wait: age(ages.oldest_wait),
            leaked_connections: ages.leaked.map_or(0, |leaked| leaked as u64),
            leaks: ages.leaks.total,
        })
    }
}
